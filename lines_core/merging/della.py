"""DELLA: drop random entries of each task vector, small ones more often, then merge those of one sign."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging.agreement import agreeing, weighted_mean
from lines_core.merging.dare import uniform
from lines_core.merging.known import Known, Needs
from lines_core.merging.method import Parameter
from lines_core.merging.scopes import tensors_of
from lines_core.merging.slices import check_stopped
from lines_core.merging.ties import MEAN

EPSILON = Parameter(
    "epsilon",
    "Spread ε",
    "How much likelier the largest entry of a row is kept than the density, and the smallest less likely.",
    0.1,
    0.0,
    0.5,
    0.05,
)


def della_merge(
    vectors: Sequence[Tensor],
    shapes: Sequence[Sequence[int]] | None,
    *,
    density: float,
    epsilon: float,
    seed: float,
    agg: float,
    known: Known | None = None,
) -> Tensor:
    """Mean or sum of the entries that are left and have the sign of their sum.

    An entry of a row of n is kept with probability density - epsilon + 2 epsilon (rank - 1) / (n - 1), rank 1
    the smallest magnitude, and divided by it. A tensor that is no matrix is one row.

    Args:
        vectors: T task vectors, (numel,) float32.
        shapes: as in `merge_matrices`.
        density, epsilon: density - epsilon above 0, density + epsilon at most 1.
        seed: as in `dare_merge`.
        agg: as in `ties_merge`.
        known: where the vectors begin, if they are parts of longer ones.
    Raises: MergeError for such a density and epsilon, and as `tensors_of`.
    Cost: a sort of every vector; memory for a few copies of the largest tensor of all tasks, in float64.
    Source: Deep et al. (2024), arXiv:2406.11617.
    """
    if density - epsilon <= 0.0 or density + epsilon > 1.0:
        raise MergeError(
            "density - epsilon must be above 0 and density + epsilon at most 1, "
            f"got {density:g} and {epsilon:g}."
        )
    merged = torch.zeros_like(vectors[0], memory_format=torch.contiguous_format)
    start = 0 if known is None else known.start
    for part, shape in tensors_of(len(merged), shapes):
        if part.stop == part.start:
            continue
        check_stopped()
        length = shape[-1] if len(shape) == 2 else part.stop - part.start
        kept = []
        for task, vector in enumerate(vectors):
            rows = vector[part].reshape(-1, length).double()
            ranks = rows.abs().argsort(dim=1, stable=True).argsort(dim=1).double() / max(1, length - 1)
            likely = (density - epsilon + 2.0 * epsilon * ranks).flatten()
            drawn = uniform(int(seed), task, start + part.start, rows.numel(), rows.device)
            kept.append(rows.flatten() * (drawn < likely) / likely)
        stacked = torch.stack(kept)
        agree = agreeing(stacked, stacked.sum(0).sign()).double()
        merged[part] = weighted_mean(stacked, agree) if agg == MEAN else (stacked * agree).sum(0)
    return merged


def della_needs(numel: int, **settings: float) -> Needs:
    """What `della_merge` needs of whole vectors: only where a part begins."""
    return Needs()
