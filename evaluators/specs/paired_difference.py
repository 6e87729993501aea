"""Difference of two models' accuracies on the same images, with its 95 % interval (McNemar's setting)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.errors import EvaluationError
from evaluators.specs.intervals import Z95


@dataclass(frozen=True)
class PairedCounts:
    """One task under two models.

    Args:
        gained: images that only the second model names correctly.
        lost: images that only the first one does.
        n: images.
    """

    gained: int
    lost: int
    n: int

    def __post_init__(self) -> None:
        if self.n < 1 or self.gained < 0 or self.lost < 0 or self.gained + self.lost > self.n:
            raise EvaluationError(f"{self.gained} gained and {self.lost} lost of {self.n} cannot be.")


@dataclass(frozen=True)
class Difference:
    """Accuracy of the second model minus that of the first, and its 95 % interval; fractions in [-1, 1]."""

    value: float
    low: float
    high: float


def paired_counts(truth: Sequence[int], first: Sequence[int], second: Sequence[int]) -> PairedCounts:
    """Counts of a task's images, as far as both models' predictions reach.

    Args:
        truth: class of each image.
        first, second: predicted classes; one may be shorter than the other.

    >>> paired_counts([0, 1, 2, 1], first=[0, 0, 2, 1], second=[0, 1, 0, 1])
    PairedCounts(gained=1, lost=1, n=4)
    """
    rows = list(zip(truth, first, second, strict=False))
    gained = sum(a != right and b == right for right, a, b in rows)
    lost = sum(a == right and b != right for right, a, b in rows)
    return PairedCounts(gained, lost, len(rows))


def paired_difference(tasks: Sequence[PairedCounts], z: float = Z95) -> Difference:
    """Difference of the unweighted mean accuracy over tasks.

        d_i +- z sqrt((p_i + q_i - (p_i - q_i)^2) / (n_i + 2)),  p_i = (gained + 1) / (n_i + 2),  q_i for lost

    for each task, and the root of the summed squares over the number of tasks for their mean. It is about
    these tasks with other images.

    Raises: EvaluationError if there is no task.
    Source: Bonett and Price 2012, the Wald interval with Laplace's adjustment for paired proportions.

    >>> found = paired_difference([PairedCounts(gained=9, lost=1, n=100)])
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.08, 0.014, 0.143)
    """
    if not tasks:
        raise EvaluationError("The difference over no tasks has no interval.")
    value = centre = variance = 0.0
    for task in tasks:
        p, q = ((count + 1) / (task.n + 2) for count in (task.gained, task.lost))
        value += (task.gained - task.lost) / task.n
        centre += p - q
        variance += (p + q - (p - q) ** 2) / (task.n + 2)
    k, spread = len(tasks), z * math.sqrt(variance)
    return Difference(value / k, max((centre - spread) / k, -1.0), min((centre + spread) / k, 1.0))
