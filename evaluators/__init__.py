"""From an edit to its numbers: ``EditSpec -> Studio.evaluate -> Evaluation``."""

from evaluators.errors import (
    Cancelled,
    Crowded,
    DeviceError,
    EvaluationError,
    InLine,
    LabError,
    SpecError,
    Superseded,
)
from evaluators.labs.lab import CheckpointInfo, ModelInfo
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult

__all__ = [
    "Cancelled",
    "CheckpointInfo",
    "Crowded",
    "DeviceError",
    "EditSpec",
    "Evaluation",
    "EvaluationError",
    "InLine",
    "LabError",
    "ModelInfo",
    "SpecError",
    "Studio",
    "Superseded",
    "TaskResult",
]
