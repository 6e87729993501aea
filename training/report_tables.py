"""Markdown tables and percentages of the report and the cards."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from evaluators import Evaluation


class HasInterval(Protocol):
    """A mean accuracy with its 95 % interval, fractions in [0, 1]."""

    @property
    def mean(self) -> float: ...

    @property
    def interval(self) -> tuple[float, float]: ...


def pct(value: float, digits: int = 1) -> str:
    """A fraction as percent."""
    return f"{100 * value:.{digits}f}"


def with_interval(estimate: HasInterval) -> str:
    """A mean as percent, with its 95 % interval."""
    return value_with_interval(estimate.mean, estimate.interval)


def value_with_interval(value: float, interval: tuple[float, float]) -> str:
    """A fraction as percent, with its interval."""
    low, high = interval
    return f"{pct(value)} ({pct(low)} to {pct(high)})"


def target_and_control(evaluation: Evaluation) -> str:
    """Both accuracies of an evaluation as percent."""
    return f"{pct(evaluation.target)} / {pct(evaluation.control)}"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
