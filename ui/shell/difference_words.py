"""A difference of two mean accuracies in words that follow its 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.specs.evaluation import TaskResult
from evaluators.specs.intervals import difference_interval
from evaluators.specs.paired_counts import Change
from ui.shell.text import percent_range, points


def difference_words(before: Sequence[TaskResult], after: Sequence[TaskResult], than: str) -> str:
    """'+2.1 points against plain (0.2 to 4.1)', or 'no measurable difference from plain (−1.0 to 5.2)'.

    Args:
        before, after: the tasks that are averaged, of either model.
        than: what ``before`` is.
    """
    return against_words(_change(before, after), than)


def against_words(change: Change, than: str) -> str:
    """As ``difference_words``, of a change that is known with its interval."""
    value, low, high = change
    if low <= 0 <= high:
        return f"no measurable difference from {than} ({percent_range(low, high)} points)"
    return f"{points(value)} against {than} ({percent_range(low, high)})"


def change_words(change: Change) -> str:
    """'+2.7 points (0.5 to 4.9)': a change and its 95 % interval."""
    value, low, high = change
    return f"{points(value)} ({percent_range(low, high)})"


def gain_words(before: Sequence[TaskResult], after: Sequence[TaskResult]) -> str:
    """'lose 8.3 points (5.4 to 12.0)', 'gain 3.3 points (0.4 to 6.2)' or 'do not change measurably (…)'."""
    change, low, high = _change(before, after)
    if low <= 0 <= high:
        return f"do not change measurably ({percent_range(low, high)} points)"
    nearer, farther = sorted((abs(low), abs(high)))
    verb = "gain" if change > 0 else "lose"
    return f"{verb} {100 * abs(change):.1f} points ({percent_range(nearer, farther)})"


def _change(before: Sequence[TaskResult], after: Sequence[TaskResult]) -> Change:
    """The difference of the mean accuracies, and the ends of its interval."""
    b, a = ([(task.correct, task.n) for task in side] for side in (before, after))
    was, now = (sum(task.accuracy for task in side) / len(side) for side in (before, after))
    return now - was, *difference_interval(b, a)
