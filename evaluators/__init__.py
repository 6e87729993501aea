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
from evaluators.evaluation import Evaluation, TaskResult
from evaluators.labs.lab import CheckpointInfo, ModelInfo
from evaluators.spec import EditSpec
from evaluators.studio import Studio

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
