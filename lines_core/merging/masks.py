"""TALL masks and magnitude masks: the entries of the merged vector that one task owns."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lines_core.merging.arithmetic import task_arithmetic
from lines_core.merging.inputs import check_finite
from lines_core.merging.known import Known, Needs
from lines_core.merging.slices import over_slices
from lines_core.merging.threshold import top_rank, top_threshold
from lines_core.merging.ties import SUM, ties_merge, ties_needs

TALL_LAMBDAS: tuple[float, ...] = (0.2, 0.3, 0.4, 0.5, 0.6)
"""Thresholds searched on validation for each task; the first of the best wins."""


def masked_vector(
    vectors: Sequence[Tensor],
    *,
    use_ties: float,
    density: float,
    reference_size: float,
    known: Known | None = None,
) -> Tensor:
    """The vector that masks are applied to: the sum of the task vectors, or TIES with agg SUM.

    Raises: MergeError as `ties_merge`, or if a value is not finite: a mask would hide it.
    """
    if use_ties:
        merged = ties_merge(vectors, density=density, agg=SUM, reference_size=reference_size, known=known)
    else:
        merged = task_arithmetic(vectors)
    check_finite(merged)
    return merged


def masked_needs(
    numel: int, *, use_ties: float, density: float, reference_size: float, **_others: float
) -> Needs:
    """What `masked_vector` needs of whole vectors. Raises: MergeError as `top_threshold`."""
    return ties_needs(numel, density=density, agg=SUM, reference_size=reference_size) if use_ties else Needs()


def belongs(
    vector: Tensor, merged: Tensor, part: slice, tall_lambda: float, own: Tensor, distance: Tensor
) -> Tensor:
    """The TALL mask of one part, 1 or 0 in float64, written to `own` and returned.

        m_t = |tau_t| > lambda * |tau_m - tau_t|

    That is |theta_0 - theta_t| > lambda * |theta_0 + tau_m - theta_t|. A task never owns an entry that it did
    not change, since the inequality is strict.

    Args:
        own, distance: float64 scratch of the part's length.
    Source: arXiv:2405.07813; wang-kee/LiNeS src/utils.
    """
    own.copy_(vector[part])
    torch.sub(distance.copy_(merged[part]), own, out=distance).abs_().mul_(tall_lambda)
    return torch.gt(own.abs_(), distance, out=own)


def tall_masks(
    vectors: Sequence[Tensor],
    *,
    task: int,
    tall_lambda: float,
    use_ties: float,
    density: float,
    reference_size: float,
    known: Known | None = None,
) -> Tensor:
    """m_t * tau_m: the entries of the merged vector that the task owns.

    Args:
        vectors: T task vectors, (numel,) float32.
        task: t, counted from 0.
        tall_lambda: threshold of the mask.
        use_ties, density, reference_size: as in `masked_vector`.
        known: what `masked_needs` asks for, if the vectors are parts of longer ones.
    Cost: that of the merged vector, and one more read of the task's own.
    """
    merged = masked_vector(
        vectors, use_ties=use_ties, density=density, reference_size=reference_size, known=known
    )

    def work(part: slice, scratch: list[Tensor]) -> None:
        mask = belongs(vectors[task], merged, part, tall_lambda, *scratch)
        merged[part].masked_fill_(mask == 0.0, 0.0)

    over_slices(merged, work, torch.float64, torch.float64)
    return merged


def magnitude_masks(
    vectors: Sequence[Tensor],
    *,
    task: int,
    density: float,
    reference_size: float,
    known: Known | None = None,
) -> Tensor:
    """The sum of the task vectors at the largest entries of the task's own vector.

    Args:
        vectors: T task vectors, (numel,) float32.
        task: t, counted from 0.
        density, reference_size: as in `top_threshold`.
        known: what `magnitude_needs` asks for, if the vectors are parts of longer ones.
    Cost: one read of every vector, and three more of the task's own.
    Source: the baseline "magnitude masking" of arXiv:2405.07813; wang-kee/LiNeS.
    """
    merged = masked_vector(vectors, use_ties=0.0, density=density, reference_size=reference_size)
    if known is None:
        threshold = top_threshold(vectors[task], density, reference_size)
    else:
        (threshold,) = known.magnitudes[task]

    def work(part: slice, scratch: list[Tensor]) -> None:
        magnitude = torch.abs(vectors[task][part], out=scratch[0])
        merged[part].masked_fill_(magnitude < threshold, 0.0)

    over_slices(merged, work, torch.float32)
    return merged


def magnitude_needs(numel: int, *, density: float, reference_size: float) -> Needs:
    """What `magnitude_masks` needs of whole vectors. Raises: MergeError as `top_threshold`."""
    return Needs((top_rank(numel, density, reference_size),))
