"""Alpha of Eq. 2: the scale of the first block of a merged model."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging.arithmetic import add_up
from lines_core.merging.inputs import check_vectors
from lines_core.merging.slices import over_slices


@dataclass(frozen=True)
class MergingAlpha:
    """Alpha of Eq. 2 and its terms: alpha = sum_norm / merged_norm / count.

    Attributes:
        alpha: scale of block 1, a factor on the merged residual.
        sum_norm: ||sum_t tau_t||_1, of the untrimmed task vectors.
        merged_norm: ||tau_merged||_1.
        count: T.
    """

    alpha: float
    sum_norm: float
    merged_norm: float
    count: int


def merging_alpha(vectors: Sequence[Tensor], merged: Tensor) -> MergingAlpha:
    """Scale of the first block that makes the merged vector as large there as the average task vector.

        alpha = (1 / T) * ||sum_t tau_t||_1 / ||tau_merged||_1      (Eq. 2)

    The norms are over all entries, in float64. For task arithmetic the two are equal and alpha is 1/T.

    Args:
        vectors: T task vectors tau_t, (numel,) float32.
        merged: tau_merged, (numel,) float32, on their device.
    Raises: MergeError as `merge` for vectors that do not fit together; if the merged vector is all zeros, or
        a norm is not finite.
    Cost: one read of every vector.
    Source: arXiv:2410.17146, Eq. 2; wang-kee/LiNeS for the untrimmed sum.
    """
    check_vectors([*vectors, merged] if vectors else [])
    return alpha_of(*merging_norms(vectors, merged), len(vectors))


def merging_norms(vectors: Sequence[Tensor], merged: Tensor) -> tuple[float, float]:
    """||sum_t tau_t||_1 and ||tau_merged||_1 of Eq. 2; those of whole vectors are sums over their parts."""

    def norms(part: slice, scratch: list[Tensor]) -> tuple[float, float]:
        total, wide, rounded = scratch
        # rounded like the sum of `merge`, so that the norms of equal vectors are equal
        rounded.copy_(add_up(vectors, part, total, wide))
        of_sum = float(total.copy_(rounded).abs_().sum())
        return of_sum, float(wide.copy_(merged[part]).abs_().sum())

    pairs = over_slices(merged, norms, torch.float64, torch.float64, torch.float32)
    sum_norm, merged_norm = (sum(column) for column in zip(*pairs, strict=True))
    return sum_norm, merged_norm


def alpha_of(sum_norm: float, merged_norm: float, count: int) -> MergingAlpha:
    """Alpha of Eq. 2 from its terms.

    Raises: MergeError if the merged vector is all zeros, or a norm is not finite.
    """
    if merged_norm == 0.0:
        raise MergeError(
            "The merged vector is all zeros, so Eq. 2 has no alpha: keep more of the task vectors."
        )
    alpha = sum_norm / merged_norm / count
    if not 0.0 <= alpha < float("inf"):
        raise MergeError(
            f"Eq. 2 needs finite task vectors, got norms {sum_norm} of their sum and {merged_norm} merged."
        )
    return MergingAlpha(alpha, sum_norm, merged_norm, count)
