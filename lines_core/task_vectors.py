"""Task vectors, tau = theta_t - theta_0, and the arithmetic that editing and merging do with them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lines_core.errors import LayerError, TaskVectorError
from lines_core.flat import FlatLayout


@dataclass(frozen=True, eq=False)
class TaskVector:
    """What fine-tuning changed, over all parameters of a tower, as one flat vector.

    Operators give new task vectors and leave their operands alone: ``a + b``, ``a - b``, ``-a``, ``0.3 * a``,
    ``a * 0.3``; ``sum(vectors, TaskVector.zeros(layout))`` adds up a list.

    Attributes:
        layout: which part of the vector is which parameter.
        vector: (numel,) residual, contiguous and finite: checked here once, so that an edit need not.
    Raises: TaskVectorError if the vector does not fit the layout, is not floating-point, or holds NaN or
        infinity.
    """

    layout: FlatLayout
    vector: Tensor

    def __post_init__(self) -> None:
        if self.vector.shape != (self.layout.numel,) or not self.vector.is_contiguous():
            raise TaskVectorError(
                f"Expected a contiguous vector of {self.layout.numel} weights, "
                f"got {tuple(self.vector.shape)}."
            )
        if not self.vector.is_floating_point():
            raise TaskVectorError(f"A task vector is floating-point, got {self.vector.dtype}.")
        # one number instead of a mask as large as the vector; only a sum that overflowed needs the mask
        if not math.isfinite(self.vector.sum()) and not bool(self.vector.isfinite().all()):
            bad = [
                name
                for name, part in self.layout.unflatten(self.vector).items()
                if not bool(part.isfinite().all())
            ]
            raise TaskVectorError(f"NaN or infinity in {len(bad)} parameters, the first is {bad[0]!r}.")

    @classmethod
    def zeros(cls, layout: FlatLayout, dtype: torch.dtype = torch.float32) -> "TaskVector":
        """The task vector of a model that was not fine-tuned."""
        return cls(layout, torch.zeros(layout.numel, dtype=dtype))

    def __add__(self, other: "TaskVector") -> "TaskVector":
        if not isinstance(other, TaskVector):
            return NotImplemented
        self._check_alike(other)
        return TaskVector(self.layout, self.vector + other.vector)

    def __sub__(self, other: "TaskVector") -> "TaskVector":
        if not isinstance(other, TaskVector):
            return NotImplemented
        self._check_alike(other)
        return TaskVector(self.layout, self.vector - other.vector)

    def __neg__(self) -> "TaskVector":
        return TaskVector(self.layout, -self.vector)

    def __mul__(self, factor: float) -> "TaskVector":
        if not isinstance(factor, int | float):
            return NotImplemented
        if not math.isfinite(factor):
            raise TaskVectorError(f"A task vector is scaled by a finite number, got {factor}.")
        return TaskVector(self.layout, self.vector * factor)

    __rmul__ = __mul__

    def scaled(self, block_scales: Tensor, before: float, after: float) -> "TaskVector":
        """lambda(l) * tau: each block times its scale, the first step of LiNeS (Eq. 1).

        Args:
            block_scales: (L,) factors, shallowest block first.
            before: factor for the parameters in no block that act before the first.
            after: factor for those that act after the last.
        Raises: TaskVectorError if the count is not L, or a scale is not finite.
        """
        if block_scales.shape != (self.layout.num_blocks,):
            raise TaskVectorError(
                f"Expected {self.layout.num_blocks} block scales, got {tuple(block_scales.shape)}."
            )
        scales = [float(before), *map(float, block_scales.tolist()), float(after)]
        if not all(map(math.isfinite, scales)):
            raise TaskVectorError(f"Scales must be finite, got {scales[1:-1]}, {before=} and {after=}.")
        vector = torch.empty_like(self.vector)
        for index, scale in enumerate(scales):
            part = self.layout.segment(index)
            torch.mul(self.vector[part], scale, out=vector[part])
        return TaskVector(self.layout, vector)

    def norms(self, order: int = 2) -> Tensor:
        """Length of the residual in each segment, float64 of shape (L + 2,): before, block 1..L, after.

        Args:
            order: 2 for the Euclidean length, 1 for the sum of magnitudes that Eq. 2 needs.
        Raises: TaskVectorError for another order.
        """
        if order not in (1, 2):
            raise TaskVectorError(f"The order of a norm here is 1 or 2, got {order}.")
        parts = (self.vector[self.layout.segment(index)] for index in range(self.layout.num_blocks + 2))
        return torch.stack([torch.linalg.vector_norm(part, order, dtype=torch.float64) for part in parts])

    def _check_alike(self, other: "TaskVector") -> None:
        if self.layout != other.layout:
            raise TaskVectorError(
                f"Task vectors of different models: {self.layout.num_blocks} blocks and {self.layout.numel} "
                f"weights against {other.layout.num_blocks} and {other.layout.numel}, or other names."
            )
        mine, theirs = self.vector, other.vector
        if mine.dtype != theirs.dtype or mine.device != theirs.device:
            raise TaskVectorError(
                f"Task vectors of different kinds: {mine.dtype} on {mine.device} against "
                f"{theirs.dtype} on {theirs.device}."
            )


def task_vector(pretrained: Mapping[str, Tensor], finetuned: Mapping[str, Tensor]) -> TaskVector:
    """tau_t = theta_t - theta_0, computed and kept in float32 whatever the checkpoints' dtype.

    Args:
        pretrained: theta_0, the parameters of one tower.
        finetuned: theta_t, the same names and shapes.
    Raises: LayerError if pretrained is no known tower; TaskVectorError if finetuned differs from it in
        names or shapes, or a difference is not finite.
    Source: arXiv:2410.17146, section 3.
    """
    layout = FlatLayout.of(pretrained)
    try:
        residual = layout.flatten(finetuned)
    except LayerError as error:
        raise TaskVectorError(f"The finetuned weights do not fit the pretrained ones. {error}") from error
    return TaskVector(layout, residual.sub_(layout.flatten(pretrained)))
