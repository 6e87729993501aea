"""Model Breadcrumbs: the sum of task vectors without their smallest and largest entries."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging.known import Known, Needs
from lines_core.merging.scopes import ROW, tensors_of
from lines_core.merging.slices import on_threads, over_slices
from lines_core.merging.threshold import just_below, kth_magnitudes


def breadcrumbs_merge(
    vectors: Sequence[Tensor], *, drop_small: float, drop_large: float, known: Known | None = None
) -> Tensor:
    """sum_t of tau_t without its smallest and largest magnitudes.

    Of d magnitudes the int(drop_small * d) smallest and the int(drop_large * d) largest are dropped; those
    equal to the smallest or largest kept one are kept. The whole vector is ranked at once, as in TIES; for
    ranking by tensor or row see `breadcrumbs_within`.

    Args:
        vectors: T task vectors, (numel,) float32.
        drop_small: the paper's beta as a share of the entries, in [0, 1).
        drop_large: the share beyond the paper's gamma, in [0, 1).
        known: what `breadcrumbs_needs` asks for, if the vectors are parts of longer ones.
    Raises: MergeError if the two shares leave nothing, or as `kth_magnitudes`.
    Cost: three reads of every vector.
    Source: arXiv:2312.06795.
    """
    if known is None:
        ranks = breadcrumbs_needs(len(vectors[0]), drop_small=drop_small, drop_large=drop_large).ranks
        bounds = on_threads(lambda vector: tuple(kth_magnitudes(vector, ranks)), vectors)
    else:
        bounds = list(known.magnitudes)
    merged = torch.empty_like(vectors[0], memory_format=torch.contiguous_format)

    def work(part: slice, scratch: list[Tensor]) -> None:
        kept, outlier, total, wide = scratch
        total.zero_()
        for vector, (smallest, largest) in zip(vectors, bounds, strict=True):
            torch.hardshrink(vector[part], just_below(smallest), out=kept)
            torch.hardshrink(vector[part], largest, out=outlier)
            total.add_(wide.copy_(kept.sub_(outlier)))  # an outlier minus itself
        merged[part].copy_(total)

    over_slices(merged, work, *[torch.float32] * 2, *[torch.float64] * 2)
    return merged


def breadcrumbs_within(
    vectors: Sequence[Tensor],
    shapes: Sequence[Sequence[int]] | None,
    scope: float,
    *,
    drop_small: float,
    drop_large: float,
) -> Tensor:
    """The same with d the entries of a tensor, or of a row: along the last axis, as in the authors' code.

    Raises: MergeError as `tensors_of`, and if the two shares leave nothing.
    Cost: a sort of every vector, and memory for two copies of its largest tensor.
    """
    merged = torch.zeros_like(vectors[0], dtype=torch.float64)
    for part, shape in tensors_of(len(merged), shapes):
        length = shape[-1] if scope == ROW and len(shape) > 1 else part.stop - part.start
        if part.stop == part.start:
            continue
        ranks = breadcrumbs_needs(length, drop_small=drop_small, drop_large=drop_large).ranks
        for vector in vectors:
            rows = vector[part].reshape(-1, length)
            ranked = rows.abs().sort(dim=-1).values
            low, high = (ranked[:, rank - 1 : rank] for rank in ranks)
            kept = (rows.abs() >= low) & (rows.abs() <= high)
            merged[part] += torch.where(kept | rows.isnan(), rows, 0.0).flatten()
    return merged.float()


def breadcrumbs_needs(numel: int, *, drop_small: float, drop_large: float) -> Needs:
    """What `breadcrumbs_merge` needs of whole vectors: the smallest and the largest magnitude that are kept.

    Raises: MergeError if the two shares leave nothing.
    """
    lowest, highest = int(drop_small * numel) + 1, numel - int(drop_large * numel)
    if drop_small + drop_large >= 1.0 or lowest > highest:
        raise MergeError(
            f"drop_small {drop_small:g} and drop_large {drop_large:g} leave nothing: their sum must be "
            "less than 1."
        )
    return Needs((lowest, highest))
