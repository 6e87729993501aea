"""Two models on the same images: how many only one of them names correctly (McNemar's setting)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.errors import EvaluationError
from evaluators.specs.intervals import Z95

Change = tuple[float, float, float]
"""A difference of mean accuracies and both ends of its 95 % interval, fractions in [-1, 1]."""


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


def paired_difference(pairs: Sequence[PairedCounts], z: float = Z95) -> Change:
    """Mean accuracy of the second model minus that of the first over tasks, and its 95 % interval.

        d_i +- z sqrt((p_i + q_i - (p_i - q_i)^2) / (n_i + 2)),  p_i = (gained + 1) / (n_i + 2), q_i for lost

    Narrower than ``difference_interval``: the two models see the same images.

    Returns: difference, lower end, upper end; fractions in [-1, 1].
    Raises: EvaluationError if there is no task.
    Source: Bonett and Price 2012; of several tasks as in ``mean_interval``. The page computes the same in
        ``ui/live/answers/intervals.js``.

    >>> [round(value, 3) for value in paired_difference([PairedCounts(gained=12, lost=2, n=100)])]
    [0.1, 0.024, 0.173]
    """
    if not pairs:
        raise EvaluationError("The mean of no differences has no interval.")
    value = centre = variance = 0.0
    for pair in pairs:
        p, q = ((count + 1) / (pair.n + 2) for count in (pair.gained, pair.lost))
        value += (pair.gained - pair.lost) / pair.n
        centre += p - q
        variance += (p + q - (p - q) ** 2) / (pair.n + 2)
    k, spread = len(pairs), z * math.sqrt(variance)
    return value / k, max((centre - spread) / k, -1.0), min((centre + spread) / k, 1.0)
