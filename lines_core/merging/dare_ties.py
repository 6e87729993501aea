"""DARE with TIES's election: drop random entries, rescale the rest, merge those of the elected sign."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lines_core.merging.dare import DroppedVector
from lines_core.merging.known import Known, Needs
from lines_core.merging.slices import over_slices
from lines_core.merging.ties import SCRATCH, merge_part


def dare_ties_merge(
    vectors: Sequence[Tensor], *, drop: float, seed: float, agg: float, known: Known | None = None
) -> Tensor:
    """Mean or sum of the entries that DARE leaves and that have the sign of their sum; 0 where they cancel.

    Args:
        vectors: T task vectors, (numel,) float32.
        drop, seed: as in `dare_merge`, with the same draw.
        agg: as in `ties_merge`.
        known: where the vectors begin, if they are parts of longer ones.
    Cost: one read of every vector, and ten integer operations per entry.
    Source: arXiv:2311.03099, which combines DARE with TIES (arXiv:2306.01708) so.
    """
    merged = torch.empty_like(vectors[0], memory_format=torch.contiguous_format)
    start = 0 if known is None else known.start
    dropped = [DroppedVector(vector, int(seed), task, drop, start) for task, vector in enumerate(vectors)]
    cuts = [0.0] * len(vectors)

    def work(part: slice, scratch: list[Tensor]) -> None:
        merge_part(dropped, cuts, agg, part, scratch, 0, merged[part])

    over_slices(merged, work, *SCRATCH)
    return merged


def dare_ties_needs(numel: int, *, drop: float, seed: float, agg: float) -> Needs:
    """What `dare_ties_merge` needs of whole vectors: only where a part begins."""
    return Needs()
