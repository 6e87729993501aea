"""Where entries are ranked: in the whole vector, within each tensor, or within each row of a tensor."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from types import MappingProxyType

import torch
from torch import Tensor

from lines_core.errors import MergeError

SCOPE = "scope"
"""Key of the setting."""
WHOLE, TENSOR, ROW = 0.0, 1.0, 2.0
SCOPES: Mapping[float, str] = MappingProxyType(
    {WHOLE: "the whole vector", TENSOR: "each tensor (mergekit)", ROW: "each row (the authors' code)"}
)


def tensors_of(numel: int, shapes: Sequence[Sequence[int]] | None) -> Iterator[tuple[slice, Sequence[int]]]:
    """Part and shape of each tensor of a flat vector.

    Raises: MergeError if there are no shapes, or they do not add up to the vector.
    """
    if shapes is None or sum(map(prod, shapes)) != numel:
        raise MergeError(
            f"Merging tensor by tensor needs the shapes of those that make up the {numel} entries, got "
            f"{'none' if shapes is None else sum(map(prod, shapes))}: rank the whole vector (scope 0), "
            "or choose a method that does not merge by matrix."
        )
    start = 0
    for shape in shapes:
        yield slice(start, start + prod(shape)), shape
        start += prod(shape)


def merge_each_tensor(
    merge: Callable[..., Tensor],
    vectors: Sequence[Tensor],
    shapes: Sequence[Sequence[int]] | None,
    **settings: float,
) -> Tensor:
    """Every tensor merged by itself, as if it were the whole vector.

    Raises: MergeError as `tensors_of` and the method.
    """
    merged = torch.empty_like(vectors[0], memory_format=torch.contiguous_format)
    for part, _ in tensors_of(len(merged), shapes):
        if part.stop > part.start:
            merged[part] = merge([vector[part] for vector in vectors], **settings)
    return merged
