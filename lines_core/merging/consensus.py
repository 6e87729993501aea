"""Consensus merging: keep the entries of the merged vector that several tasks own."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lines_core.merging.known import Known
from lines_core.merging.masks import belongs, masked_vector
from lines_core.merging.slices import over_slices


def consensus_merge(
    vectors: Sequence[Tensor],
    *,
    k: float,
    tall_lambda: float,
    use_ties: float,
    density: float,
    reference_size: float,
    known: Known | None = None,
) -> Tensor:
    """The merged vector where at least k of the T tasks own an entry, zero elsewhere.

        tau_m  where  sum_t m_t >= k,    m_t the TALL mask of task t

    k = 0 keeps everything, k = 1 drops entries of no task, k = 2 also those of one task only, and k = T + 1
    drops everything.

    Args:
        vectors: T task vectors, (numel,) float32.
        k: number of tasks.
        tall_lambda: threshold of the masks.
        use_ties, density, reference_size: as in `masked_vector`.
        known: what `masked_needs` asks for, if the vectors are parts of longer ones.
    Raises: MergeError as `masked_vector`.
    Cost: that of the merged vector, and one more read of every vector unless k is 0.
    Source: arXiv:2405.07813; wang-kee/LiNeS src/utils.
    """
    merged = masked_vector(
        vectors, use_ties=use_ties, density=density, reference_size=reference_size, known=known
    )
    if k <= 0:
        return merged

    def work(part: slice, scratch: list[Tensor]) -> None:
        tally, own, distance = scratch
        tally.zero_()
        for vector in vectors:
            tally.add_(belongs(vector, merged, part, tall_lambda, own, distance))
        merged[part].masked_fill_(tally < k, 0.0)

    over_slices(merged, work, *[torch.float64] * 3)
    return merged
