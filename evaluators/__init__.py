"""Evaluation of edits: ``EditSpec -> Studio.evaluate -> Evaluation``."""

from evaluators.errors import (
    Cancelled,
    DeviceError,
    EvaluationError,
    LabError,
    Queued,
    QueueFull,
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
    "DeviceError",
    "EditSpec",
    "Evaluation",
    "EvaluationError",
    "LabError",
    "ModelInfo",
    "QueueFull",
    "Queued",
    "SpecError",
    "Studio",
    "Superseded",
    "TaskResult",
]
