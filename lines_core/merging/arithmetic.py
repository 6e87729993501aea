"""Task arithmetic: the sum and the average of the task vectors.

Sums are taken in float64 and rounded once, so the result does not depend on the order of the tasks. (It could
by one rounding of float32, where terms differ by more than 29 binary places.)
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lines_core.merging.slices import over_slices


def add_up(vectors: Sequence[Tensor], part: slice, total: Tensor, wide: Tensor) -> Tensor:
    """The sum of one part over all vectors, written to `total` and returned.

    Args:
        total, wide: float64 scratch of the part's length; `wide` ends up with the last vector's entries.
    """
    total.zero_()
    for vector in vectors:
        total.add_(wide.copy_(vector[part]))
    return total


def task_arithmetic(vectors: Sequence[Tensor]) -> Tensor:
    """sum_t tau_t.

    Cost: one read of every vector.
    Source: arXiv:2212.04089.
    """
    return _divided_sum(vectors, 1)


def average(vectors: Sequence[Tensor]) -> Tensor:
    """1/T * sum_t tau_t.

    Cost: one read of every vector.
    """
    return _divided_sum(vectors, len(vectors))


def _divided_sum(vectors: Sequence[Tensor], divisor: int) -> Tensor:
    merged = torch.empty_like(vectors[0], memory_format=torch.contiguous_format)

    def work(part: slice, scratch: list[Tensor]) -> None:
        merged[part].copy_(add_up(vectors, part, *scratch).div_(divisor))

    over_slices(merged, work, torch.float64, torch.float64)
    return merged
