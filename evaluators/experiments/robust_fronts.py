"""Areas that WiSE-FT and LiNeS + WiSE-FT dominate under distribution shift (Figs. 3 and 12)."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from evaluators.specs.evaluation import Evaluation, TaskResult
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


def gain_interval(
    wise_ft: Sequence[Evaluation], lines: Sequence[Evaluation], draws: int = 200
) -> tuple[float, float]:
    """95 % interval of the area under LiNeS over that under WiSE-FT, minus 1, on the mean of the shifts.

    Parametric bootstrap: every task of every point is drawn again from a normal approximation of its binomial
    count, as if all points were of different images, so that the interval is too wide rather than too narrow.
    The corner stays that of the measured points; seeded.

    Source: Efron and Tibshirani 1993, sections 6.5 and 13.3 (percentile interval).
    """
    rng = random.Random(0)
    measured = [*wise_ft, *lines]
    corner = min(point.target for point in measured), min(point.control for point in measured)
    gains = []
    for _ in range(draws):
        drawn = [replace(point, tasks=tuple(_drawn(task, rng) for task in point.tasks)) for point in measured]
        found = areas(drawn[: len(wise_ft)], drawn[len(wise_ft) :], corner=corner)
        assert found is not None
        gains.append(found.lines / found.wise_ft - 1 if found.wise_ft else math.inf)
    gains.sort()
    return gains[round(0.025 * (draws - 1))], gains[round(0.975 * (draws - 1))]


def _drawn(task: TaskResult, rng: random.Random) -> TaskResult:
    share = task.accuracy
    correct = round(rng.gauss(task.correct, (task.n * share * (1 - share)) ** 0.5))
    return replace(task, correct=min(max(correct, 0), task.n))
