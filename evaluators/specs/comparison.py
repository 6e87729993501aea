"""Comparison of two evaluations: which is better, as far as their intervals tell."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.specs.evaluation import Evaluation, TaskResult
from evaluators.specs.intervals import difference_interval
from evaluators.specs.normalise import check_comparable


@dataclass(frozen=True)
class Comparison:
    """Change of target and control accuracy from one model to another.

    Args:
        target: -1, 0 or 1: worse, no measurable difference, better; measurable is a 95 % interval of the
            difference that leaves out 0.
        control: the same.
    """

    target: int
    control: int


def compared(before: Evaluation, after: Evaluation) -> Comparison:
    """How ``after`` does against ``before``.

    Raises: EvaluationError if the two are not of the same tasks and split.
    """
    check_comparable(after, "first", before)
    return Comparison(
        _sign(before.target_tasks, after.target_tasks), _sign(before.control_tasks, after.control_tasks)
    )


def _sign(before: Sequence[TaskResult], after: Sequence[TaskResult]) -> int:
    low, high = difference_interval(_counts(before), _counts(after))
    return (low > 0) - (high < 0)


def _counts(tasks: Sequence[TaskResult]) -> list[tuple[int, int]]:
    return [(task.correct, task.n) for task in tasks]
