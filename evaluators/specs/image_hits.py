"""Which images a model names correctly: counts, and two models compared image by image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from evaluators.specs.intervals import tasks_interval
from evaluators.specs.paired_counts import Change, PairedCounts, paired_difference


@dataclass(frozen=True)
class Hits:
    """One model on one data set.

    Args:
        bits: bit i is set if image i is named correctly.
        n: images.
    """

    bits: int
    n: int

    @classmethod
    def of(cls, truth: Sequence[int], named: Sequence[int]) -> "Hits":
        """From classes; both are as long."""
        pairs = enumerate(zip(truth, named, strict=True))
        return cls(sum((right == given) << index for index, (right, given) in pairs), len(truth))

    @property
    def correct(self) -> int:
        """Images named correctly."""
        return self.bits.bit_count()

    def ones(self) -> Tensor:
        """1 for an image named correctly, else 0; (n,)."""
        return torch.tensor([(self.bits >> index) & 1 for index in range(self.n)], dtype=torch.float64)

    def plain(self) -> tuple[str, int]:
        """As JSON."""
        return f"{self.bits:x}", self.n

    @classmethod
    def read(cls, plain: Sequence[Any]) -> "Hits":
        """Inverse of ``plain``."""
        bits, n = plain
        return cls(int(bits, 16), n)


TaskHits = Mapping[str, Hits]
"""By task."""


@dataclass(frozen=True)
class Accuracy:
    """Mean accuracy over tasks with its 95 % interval, fractions in [0, 1]."""

    mean: float
    interval: tuple[float, float]


def read_hits(plain: Mapping[str, Sequence[Any]]) -> dict[str, Hits]:
    """Inverse of ``plain_hits``."""
    return {task: Hits.read(entry) for task, entry in plain.items()}


def plain_hits(hits: TaskHits) -> dict[str, tuple[str, int]]:
    """As JSON."""
    return {task: one.plain() for task, one in hits.items()}


def accuracy(hits: TaskHits, tasks: Sequence[str] = ()) -> Accuracy:
    """Mean over some tasks, over all if none is named."""
    counts = [(hits[task].correct, hits[task].n) for task in tasks or hits]
    return Accuracy(sum(correct / n for correct, n in counts) / len(counts), tasks_interval(counts))


def paired(before: TaskHits, after: TaskHits, tasks: Sequence[str] = ()) -> tuple[PairedCounts, ...]:
    """Images that only one of two models names correctly, task by task."""
    return tuple(
        PairedCounts(
            gained=(after[task].bits & ~before[task].bits).bit_count(),
            lost=(before[task].bits & ~after[task].bits).bit_count(),
            n=before[task].n,
        )
        for task in tasks or before
    )


def change(before: TaskHits, after: TaskHits, tasks: Sequence[str] = ()) -> Change:
    """Mean accuracy after minus before over some tasks, and its 95 % interval, paired image by image."""
    return paired_difference(paired(before, after, tasks))
