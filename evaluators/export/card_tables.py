"""Tables of a model card: rows in Markdown, and accuracies with their intervals."""

from collections.abc import Sequence

from evaluators.specs.evaluation import TaskResult
from evaluators.specs.intervals import mean_interval, wilson_interval


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def accuracy_cell(task: TaskResult | None) -> str:
    """Accuracy in percent with Wilson's interval, then the counts; a dash for None."""
    if task is None:
        return "-"
    low, high = wilson_interval(task.correct, task.n)
    return f"{_percent(task.accuracy, low, high)}, {task.correct} of {task.n}"


def mean_cell(tasks: Sequence[TaskResult]) -> str:
    """Mean accuracy of some tasks with its interval; a dash if there are none."""
    if not tasks:
        return "-"
    mean = sum(task.accuracy for task in tasks) / len(tasks)
    return _percent(mean, *mean_interval([(task.correct, task.n) for task in tasks]))


def _percent(accuracy: float, low: float, high: float) -> str:
    return f"{100 * accuracy:.1f} ({100 * low:.1f} to {100 * high:.1f})"
