"""From an edit to its numbers: ``EditSpec -> Studio.evaluate -> Evaluation``."""

from evaluators.errors import EvaluationError, LabError, SpecError, Superseded
from evaluators.evaluation import Evaluation, TaskResult
from evaluators.spec import EditSpec

__all__ = ["EditSpec", "Evaluation", "EvaluationError", "LabError", "SpecError", "Superseded", "TaskResult"]
