"""From an edit to its numbers: ``EditSpec -> Studio.evaluate -> Evaluation``."""

from evaluators.errors import Cancelled, EvaluationError, LabError, SpecError, Superseded
from evaluators.evaluation import Evaluation, TaskResult
from evaluators.spec import EditSpec
from evaluators.studio import CheckpointInfo, ModelInfo, Studio

__all__ = [
    "Cancelled",
    "CheckpointInfo",
    "EditSpec",
    "Evaluation",
    "EvaluationError",
    "LabError",
    "ModelInfo",
    "SpecError",
    "Studio",
    "Superseded",
    "TaskResult",
]
