"""Merges with one coefficient for each group of parameters and task, and their gradient.

    theta(c) = theta_0 + sum_t c[t, g] tau_t[g]    for the parameters of every group g

AdaMerging and aTLAS learn c by gradient descent through the model; LiNeS prescribes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.flat import FlatLayout

GRAINS = ("block", "half", "tensor")
"""How finely parameters are grouped, see ``CoefficientGroups.of``."""
ATTENTION, MLP, OUTSIDE = "attention", "mlp", "outside"
_ATTENTION_NAMES = ("attn", "attention", "ln_1", "norm1", "layer_norm1")


@dataclass(frozen=True)
class CoefficientGroups:
    """Which coefficient each parameter of a layout has.

    Args:
        of_tensor: group of each parameter of the layout, counted from 0.
        segments: of each group: 0 before the first block, 1..L the paper's block l, L + 1 after the last.
        parts: of each group: `ATTENTION` or `MLP` within a block that is divided, `OUTSIDE` in no block,
            empty for a whole block.
        sizes: weights of each group.
    """

    of_tensor: tuple[int, ...]
    segments: tuple[int, ...]
    parts: tuple[str, ...]
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, layout: FlatLayout, grain: str) -> "CoefficientGroups":
        """The groups of a layout.

        Args:
            grain: "block" for one a segment; "half" for attention and MLP of each block apart, each with the
                norm before it; "tensor" for each parameter apart, as AdaMerging's and aTLAS's authors do.
        Raises: MergeError for another grain.
        """
        if grain not in GRAINS:
            raise MergeError(f"Unknown grain of coefficients {grain!r}: pick one of {', '.join(GRAINS)}.")
        keys = []
        for name, offset in zip(layout.names, layout.offsets, strict=True):
            segment = next(i for i in range(layout.num_blocks + 2) if offset < layout.bounds[i + 1])
            outside = segment in (0, layout.num_blocks + 1)
            part = OUTSIDE if outside else "" if grain == "block" else part_of(name)
            keys.append((segment, part, name if grain == "tensor" else ""))
        numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        sizes = [0] * len(numbers)
        for key, shape in zip(keys, layout.shapes, strict=True):
            sizes[numbers[key]] += shape.numel()
        return cls(
            tuple(numbers[key] for key in keys),
            tuple(segment for segment, _, _ in numbers),
            tuple(part for _, part, _ in numbers),
            tuple(sizes),
        )

    def __len__(self) -> int:
        """Number of groups G."""
        return len(self.segments)

    def by_depth(self, coefficients: Tensor) -> dict[str, Tensor]:
        """The coefficients of the blocks by part, (T, L) each (Fig. 5): means over weights.

        Args:
            coefficients: (T, G).
        Returns: by part, `ATTENTION` and `MLP`, or "" if blocks are not divided; a part that a block lacks is
            NaN there.
        """
        num_blocks = max(self.segments) - 1
        found = {}
        for part in dict.fromkeys(part for part in self.parts if part != OUTSIDE):
            total = coefficients.new_zeros(len(coefficients), num_blocks)
            weights = coefficients.new_zeros(num_blocks)
            for group, (segment, its, size) in enumerate(
                zip(self.segments, self.parts, self.sizes, strict=True)
            ):
                if its == part:
                    total[:, segment - 1] += size * coefficients[:, group]
                    weights[segment - 1] += size
            found[part] = total / weights
        return found


def part_of(name: str) -> str:
    """`ATTENTION` or `MLP`, the half of its block that a parameter is in; the norms are with what they feed.

    >>> part_of("visual.transformer.resblocks.3.ln_2.weight")
    'mlp'
    """
    pieces = name.split(".")
    return ATTENTION if any(piece in _ATTENTION_NAMES for piece in pieces) else MLP


class WeightedMerge:
    """theta(c) of several task vectors, and what a gradient in theta is in c.

    Args:
        layout: of all vectors.
        pretrained: theta_0, (numel,).
        residuals: tau_t, (numel,) each, of pretrained's dtype and device; they may be memory-mapped.
        groups: of the layout's parameters.
    Raises: MergeError if there is no residual, or one does not fit.
    """

    def __init__(
        self,
        layout: FlatLayout,
        pretrained: Tensor,
        residuals: Sequence[Tensor],
        groups: CoefficientGroups,
    ) -> None:
        if not residuals:
            raise MergeError("A merge needs at least one task vector.")
        for vector in (pretrained, *residuals):
            same = vector.dtype == pretrained.dtype and vector.device == pretrained.device
            if vector.shape != (layout.numel,) or not same:
                raise MergeError(
                    f"Expected vectors of {layout.numel} weights, all of one dtype and device, got "
                    f"{tuple(vector.shape)} of {vector.dtype} on {vector.device}."
                )
        self.groups = groups
        self.shape = (len(residuals), len(groups))
        self._pretrained = pretrained
        self._residuals = tuple(residuals)
        self._runs = _runs(layout, groups)

    @torch.no_grad()
    def weights(self, coefficients: Tensor) -> Tensor:
        """theta(c), a new vector (numel,).

        Args:
            coefficients: (T, G).
        Raises: MergeError for another shape.
        Cost: a pass over all residuals.
        """
        if coefficients.shape != self.shape:
            raise MergeError(f"Expected coefficients {self.shape}, got {tuple(coefficients.shape)}.")
        weights = self._pretrained.clone()
        for residual, row in zip(self._residuals, coefficients.tolist(), strict=True):
            for run, group in self._runs:
                weights[run].add_(residual[run], alpha=row[group])
        return weights

    @torch.no_grad()
    def gradient(self, of_weights: Tensor) -> Tensor:
        """The gradient in c, (T, G), of a loss whose gradient in theta is given, (numel,): the chain rule.

        dL/dc[t, g] = sum over the group's weights of dL/dtheta tau_t
        """
        found = of_weights.new_zeros(self.shape)
        for task, residual in enumerate(self._residuals):
            for run, group in self._runs:
                found[task, group] += torch.dot(of_weights[run], residual[run])
        return found


def _runs(layout: FlatLayout, groups: CoefficientGroups) -> list[tuple[slice, int]]:
    """Stretches of the flat vector with one coefficient."""
    ends = (*layout.offsets[1:], layout.numel)
    tensors = zip(layout.offsets, ends, groups.of_tensor, strict=True)
    runs = []
    for group, run in groupby(tensors, key=lambda tensor: tensor[2]):
        stretch = list(run)
        runs.append((slice(stretch[0][0], stretch[-1][1]), group))
    return runs
