"""Spherical linear interpolation of two task vectors."""

import math
from collections.abc import Sequence
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from lines_core.merging.known import Known, Needs
from lines_core.merging.scopes import merge_each_tensor
from lines_core.merging.slices import over_slices

PARALLEL = 0.9995
"""|cosine| above which the interpolation is linear."""
SMALLEST = 1e-8
"""Norm up to which a vector has no direction: its cosine to any other is 0, or nearly."""


def slerp_merge(vectors: Sequence[Tensor], *, t: float, known: Known | None = None) -> Tensor:
    """On the way from tau_1 to tau_2 the share t, along the arc between their directions.

        sin((1 - t) w) / sin(w) * tau_1 + sin(t w) / sin(w) * tau_2,    w = angle(tau_1, tau_2)

    Linear, (1 - t) tau_1 + t tau_2, where |cos w| > `PARALLEL`. The entries are computed in float64 and
    rounded once, so t = 0 and t = 1 give the vectors themselves.

    Args:
        vectors: two task vectors, (numel,) float32.
        t: in [0, 1].
        known: what `slerp_needs` asks for, if the vectors are parts of longer ones.
    Cost: two reads of both vectors.
    Source: Shoemake (1985); thresholds of mergekit 0.1.5, merge_methods/slerp.py.
    """
    first, second = shares(products(vectors) if known is None else known.products, t)
    merged = torch.empty_like(vectors[0], memory_format=torch.contiguous_format)

    def work(part: slice, scratch: list[Tensor]) -> None:
        total, wide = scratch
        total.copy_(vectors[0][part]).mul_(first)
        merged[part].copy_(total.add_(wide.copy_(vectors[1][part]).mul_(second)))

    over_slices(merged, work, torch.float64, torch.float64)
    return merged


def slerp_within(
    vectors: Sequence[Tensor], shapes: Sequence[Sequence[int]] | None, scope: float, *, t: float
) -> Tensor:
    """The same with an angle for each tensor. Raises: MergeError as `tensors_of`."""
    return merge_each_tensor(slerp_merge, vectors, shapes, t=t)


def slerp_needs(numel: int, *, t: float) -> Needs:
    """What `slerp_merge` needs of whole vectors: their products."""
    return Needs(products=True)


def products(vectors: Sequence[Tensor]) -> tuple[float, ...]:
    """tau_1 . tau_1, tau_1 . tau_2, tau_2 . tau_2, in float64; those of whole vectors are sums over parts."""

    def multiply(part: slice, scratch: list[Tensor]) -> list[float]:
        wide = [each.copy_(vector[part]) for each, vector in zip(scratch, vectors, strict=True)]
        return [float(torch.dot(one, other)) for one, other in combinations_with_replacement(wide, 2)]

    found = over_slices(vectors[0], multiply, torch.float64, torch.float64)
    return tuple(sum(column) for column in zip(*found, strict=True))


def shares(of_vectors: Sequence[float], t: float) -> tuple[float, float]:
    """Factors of the two vectors of which these are the `products`.

    >>> [round(share, 3) for share in shares((1.0, 0.0, 4.0), 0.5)]
    [0.707, 0.707]
    """
    first, both, second = of_vectors
    norms = [norm if norm > SMALLEST else 1.0 for norm in (math.sqrt(first), math.sqrt(second))]
    cosine = both / norms[0] / norms[1]
    if not abs(cosine) <= PARALLEL:
        return 1.0 - t, t
    angle = math.acos(cosine)
    return math.sin((1.0 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)
