"""Two models on the same images: how many only one of them names correctly (McNemar's setting)."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.errors import EvaluationError


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
