"""Consensus: of the merged vector, keep what belongs to several tasks."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging.masks import belongs, masked_vector
from lines_core.merging.slices import over_slices


def consensus_merge(
    vectors: Sequence[Tensor],
    *,
    k: float,
    tall_lambda: float | Sequence[float],
    use_ties: float,
    density: float,
    reference_size: float,
) -> Tensor:
    """The merged vector where at least k of the T tasks call an entry their own, zero elsewhere.

        tau_m  where  sum_t m_t >= k,    m_t the TALL mask of task t

    k = 0 keeps everything, k = 1 drops what belongs to no task, k = 2 also what belongs to one only, and
    k = T + 1 drops everything.

    Args:
        vectors: T task vectors, (numel,) float32.
        k: number of tasks.
        tall_lambda: threshold of the masks, one for all tasks or one a task.
        use_ties, density, reference_size: as in `masked_vector`.
    Raises: MergeError as `masked_vector`, or if the thresholds are neither one nor T.
    Cost: that of the merged vector, and one more read of every vector unless k is 0.
    Source: arXiv:2405.07813; wang-kee/LiNeS src/utils.
    """
    count = len(vectors)
    lambdas = [tall_lambda] * count if isinstance(tall_lambda, float) else list(tall_lambda)
    if len(lambdas) != count:
        raise MergeError(
            f"Expected one TALL threshold, or one for each of {count} tasks, got {len(lambdas)}."
        )
    merged = masked_vector(vectors, use_ties=use_ties, density=density, reference_size=reference_size)
    if k <= 0:
        return merged

    def work(part: slice, scratch: list[Tensor]) -> None:
        tally, own, distance = scratch
        tally.zero_()
        for vector, threshold in zip(vectors, lambdas, strict=True):
            tally.add_(belongs(vector, merged, part, threshold, own, distance))
        merged[part].masked_fill_(tally < k, 0.0)

    over_slices(merged, work, *[torch.float64] * 3)
    return merged


def keep_agreed(merged: Tensor, masks: Iterable[Tensor], k: int) -> Tensor:
    """The same with masks from elsewhere, such as the published ones: a new vector, zero where too few agree.

    Args:
        merged: tau_m, (numel,).
        masks: the TALL masks of the tasks, one after the other, bool (numel,); read once.
        k: number of tasks that must call an entry their own.
    Raises: MergeError if a mask is not bool of merged's shape, or there are more than 255.
    """
    tally = torch.zeros(len(merged), dtype=torch.uint8, device=merged.device)
    for number, mask in enumerate(masks):
        if mask.dtype != torch.bool or mask.shape != merged.shape:
            raise MergeError(
                f"Mask {number} is {mask.dtype} of shape {tuple(mask.shape)}: expected torch.bool of "
                f"{tuple(merged.shape)}."
            )
        if number >= 255:
            raise MergeError("More than 255 masks cannot be counted here: merge fewer tasks.")
        tally += mask
    return merged.masked_fill(tally < k, 0.0)
