"""Checks of task vectors before a merge, and of the result."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging.slices import over_slices


def check_vectors(vectors: Sequence[Tensor]) -> None:
    """Refuse vectors that cannot be merged; their values are not read.

    Raises: MergeError if there is none, one is not a float32 tensor of shape (numel,), or two differ in
        length or device.
    """
    if len(vectors) == 0:
        raise MergeError("A merge needs at least one task vector, got none: pick a task.")
    for number, vector in enumerate(vectors):
        if not isinstance(vector, Tensor):
            raise MergeError(f"Task vector {number} is a {type(vector).__name__}, expected a tensor.")
        if vector.ndim != 1 or len(vector) == 0:
            raise MergeError(
                f"Task vector {number} has shape {tuple(vector.shape)}: expected (numel,), flatten it first."
            )
        if vector.dtype != torch.float32:
            raise MergeError(f"Task vector {number} is {vector.dtype}: convert it to torch.float32 first.")
        if len(vector) != len(vectors[0]):
            raise MergeError(
                f"Task vector {number} has {len(vector)} entries, the first has {len(vectors[0])}: "
                "merge fine-tunings of one model only."
            )
        if vector.device != vectors[0].device:
            raise MergeError(
                f"Task vector {number} is on {vector.device}, the first on {vectors[0].device}: move one."
            )


def check_finite(merged: Tensor) -> None:
    """Refuse a merged vector that is not finite. Raises: MergeError. Cost: one read."""

    def finite(part: slice, scratch: list[Tensor]) -> bool:
        # a sum instead of a mask as large as the slice; the mask is only needed if the sum overflowed
        return bool(merged[part].sum().isfinite()) or bool(merged[part].isfinite().all())

    if not all(over_slices(merged, finite)):
        raise MergeError(
            "The merged vector holds NaN or infinity: one of the task vectors does, or their sum is too "
            "large for float32. Remove it, or train it again."
        )
