"""Areas that WiSE-FT and LiNeS + WiSE-FT dominate under distribution shift (Figs. 3 and 12)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaluators.specs.evaluation import Evaluation
from evaluators.specs.pareto import hypervolume

Shift = Callable[[Evaluation], float]
"""An evaluation's accuracy under shift."""


def mean_shift(evaluation: Evaluation) -> float:
    """Mean accuracy on the shifted sets."""
    return evaluation.control


def one_shift(key: str) -> Shift:
    """Accuracy on one shifted set."""
    return lambda evaluation: next(task.accuracy for task in evaluation.tasks if task.key == key)


@dataclass(frozen=True)
class Areas:
    """Area that each front dominates beyond one common corner, in percent points squared."""

    wise_ft: float
    lines: float


def areas(
    wise_ft: Sequence[Evaluation],
    lines: Sequence[Evaluation],
    shift: Shift = mean_shift,
    corner: tuple[float, float] | None = None,
) -> Areas | None:
    """The areas of both fronts over accuracy on the fine-tuned set and under shift; None without points.

    Args:
        wise_ft, lines: points along the two curves.
        shift: what counts as accuracy under shift.
        corner: accuracies in [0, 1] that the areas begin at; the lowest of all points if None.
    """
    if not wise_ft or not lines:
        return None
    curves = [[(point.target, shift(point)) for point in curve] for curve in (wise_ft, lines)]
    if corner is None:
        points = [point for curve in curves for point in curve]
        corner = min(x for x, _ in points), min(y for _, y in points)
    return Areas(*(10_000 * hypervolume(curve, corner) for curve in curves))
