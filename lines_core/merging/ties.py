"""TIES: trim each task vector, elect a sign for every entry, merge the entries of that sign."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from lines_core.merging.known import Known, Needs
from lines_core.merging.slices import on_threads, over_slices
from lines_core.merging.threshold import just_below, top_rank, top_threshold

MEAN, SUM = 0.0, 1.0
"""Aggregation of the agreeing entries: the authors' default, and the one they use with masks."""


def ties_merge(
    vectors: Sequence[Tensor],
    *,
    density: float,
    agg: float,
    reference_size: float,
    known: Known | None = None,
) -> Tensor:
    """Merge the task vectors without entries that are small or oppose the majority sign.

    1. Trim: keep the largest magnitudes of every vector, as `top_threshold` says; ties are all kept.
    2. Elect: the sign of the sum of the kept entries. If that sum is zero, the sign of the sum of all elected
       signs; if that is zero as well, the entry is zero.
    3. Merge: the mean, or the sum, of the kept entries that have the elected sign; zero if there is none.

    Sums are taken in float64, so the elected sign does not depend on the order of the tasks.

    Args:
        vectors: T task vectors, (numel,) float32.
        density: kept fraction of each.
        agg: MEAN or SUM.
        reference_size: number of entries of which the density is a fraction; 0 means numel.
        known: what `ties_needs` asks for, if the vectors are parts of longer ones.
    Raises: MergeError as `top_threshold`.
    Cost: three reads of every vector (one with density 1); if the majority is not positive, a fourth of
        the slices in which kept entries cancel exactly.
    Source: arXiv:2306.01708; wang-kee/LiNeS src/utils for the rules on ties and zero sums.
    """
    if known is None:
        thresholds = on_threads(lambda vector: top_threshold(vector, density, reference_size), vectors)
        cuts = [just_below(threshold) for threshold in thresholds]
    else:
        cuts = cuts_of(known)
    guess = _GUESS if known is None else known.majority
    merged = torch.empty_like(vectors[0], memory_format=torch.contiguous_format)

    def elect(part: slice, scratch: list[Tensor]) -> tuple[int, int | None]:
        elected, cancelled = merge_part(vectors, cuts, agg, part, scratch, guess, merged[part])
        return elected, part.start if cancelled else None

    results = over_slices(merged, elect, *SCRATCH)
    total = sum(elected for elected, _ in results)
    majority = (total > 0) - (total < 0) if known is None else known.majority
    wrong = {start for _, start in results} - {None} if majority != guess else set()

    def correct(part: slice, scratch: list[Tensor]) -> None:
        if part.start in wrong:
            merge_part(vectors, cuts, agg, part, scratch, majority, merged[part])

    if wrong:
        over_slices(merged, correct, *SCRATCH)
    return merged


def ties_needs(numel: int, *, density: float, agg: float, reference_size: float) -> Needs:
    """What `ties_merge` needs of whole vectors. Raises: MergeError as `top_threshold`."""
    return Needs((top_rank(numel, density, reference_size),), majority=True)


def cuts_of(known: Known) -> list[float]:
    """For each vector the magnitude above which an entry is kept."""
    return [just_below(threshold) for (threshold,) in known.magnitudes]


def elected_sum(vectors: Sequence[Tensor], cuts: Sequence[float]) -> tuple[int, bool]:
    """Sum of the signs that the vectors, or a part of them, elect by their kept entries alone, and whether
    the majority decides any entry."""

    def elect(part: slice, scratch: list[Tensor]) -> tuple[int, bool]:
        *others, out = scratch
        return merge_part(vectors, cuts, SUM, part, others, 0, out)

    sums, cancelled = zip(*over_slices(vectors[0], elect, *SCRATCH, torch.float32), strict=True)
    return sum(sums), any(cancelled)


_GUESS = 1
"""Majority assumed by the first pass, which counts the elected signs."""

SCRATCH = (torch.float32,) * 4 + (torch.float64,) * 5


class Sliced(Protocol):
    """A task vector, or whatever gives parts of one, float32."""

    def __getitem__(self, part: slice, /) -> Tensor: ...


def merge_part(
    vectors: Sequence[Sliced],
    cuts: Sequence[float],
    agg: float,
    part: slice,
    scratch: list[Tensor],
    majority: int,
    out: Tensor,
) -> tuple[int, bool]:
    """Steps 1 to 3 on one part, written to `out`.

    Args:
        cuts: for each vector, the magnitude above which an entry is kept.
        scratch: as `SCRATCH`, of the part's length.
        majority: sign for the entries whose kept values add up to zero.
    Returns: the sum of the elected signs, and whether the majority decided any entry.
    """
    kept, flag, num_kept, num_positive, wide, total, positive, ahead, behind = scratch
    for tally in (num_kept, num_positive, total, positive):
        tally.zero_()
    for vector, cut in zip(vectors, cuts, strict=True):
        torch.hardshrink(vector[part], cut, out=kept)  # zero unless |entry| > cut
        total.add_(wide.copy_(kept))
        positive.add_(wide.clamp_(min=0.0))
        if agg == MEAN:
            num_kept.add_(torch.ne(kept, 0.0, out=flag))
            num_positive.add_(torch.gt(kept, 0.0, out=flag))
    negative = total
    # masks of 1 and 0 in float64, several times faster here than boolean indexing
    torch.gt(total, 0.0, out=ahead)
    torch.lt(total, 0.0, out=behind)
    elected = int(ahead.sum()) - int(behind.sum())
    undecided = torch.add(ahead, behind, out=wide).neg_().add_(1.0)
    negative.sub_(positive)
    if majority > 0:
        ahead.add_(undecided)
    elif majority < 0:
        behind.add_(undecided)
    cancelled = bool(undecided.mul_(positive).any())
    if agg == MEAN:
        negative.div_(num_kept.sub_(num_positive).clamp_(min=1.0))
        positive.div_(num_positive.clamp_(min=1.0))
    out.copy_(positive.mul_(ahead).add_(negative.mul_(behind)))
    return elected, cancelled
