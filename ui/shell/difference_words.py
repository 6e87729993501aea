"""A difference of two mean accuracies in words that follow its 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.specs.evaluation import TaskResult
from evaluators.specs.intervals import difference_interval
from ui.shell.text import points


def difference_words(before: Sequence[TaskResult], after: Sequence[TaskResult], than: str) -> str:
    """'+2.1 points against plain (0.2 to 4.1)', or 'no measurable difference from plain (−1.0 to 5.2)'.

    Args:
        before, after: the tasks that are averaged, of either model.
        than: what ``before`` is.
    """
    b, a = ([(task.correct, task.n) for task in side] for side in (before, after))
    low, high = difference_interval(b, a)
    ends = " to ".join(f"{100 * end:.1f}".replace("-", "−") for end in (low, high))
    if low <= 0 <= high:
        return f"no measurable difference from {than} ({ends} points)"
    was, now = (sum(task.accuracy for task in side) / len(side) for side in (before, after))
    return f"{points(now - was)} against {than} ({ends})"
