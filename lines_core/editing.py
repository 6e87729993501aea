"""In-place edits of a live model, ``pretrained + scale * residual``, and rules for weights in no block."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from lines_core.errors import EditError
from lines_core.flat import FlatLayout

_CHUNK = 1 << 18
"""Weights rounded at a time: 1 MiB of float32, which stays in the processor's cache."""


@dataclass(frozen=True)
class OutsideRule:
    """How parameters in no block are scaled.

    Attributes:
        title: name on screen.
        help: one sentence on its effect and source.
    """

    title: str
    help: str


OUTSIDE_RULES: Mapping[str, OutsideRule] = MappingProxyType(
    {
        "alpha": OutsideRule(
            "α, as the authors do",
            "What lies before block 1 and after block L gets α: in a ViT embeddings and ln_pre, but also "
            "ln_post and proj (Appendix A and the authors' code).",
        ),
        "depth": OutsideRule(
            "By depth",
            "Parameters before the first block are scaled like block 1, those after the last like block L.",
        ),
        "pretrained": OutsideRule("Pre-trained", "Parameters in no block stay pre-trained."),
        "finetuned": OutsideRule("Fine-tuned", "Parameters in no block stay fine-tuned."),
    }
)


def outside_scales(rule: str, alpha: float, block_scales: Tensor) -> tuple[float, float]:
    """Scales of the parameters before the first block and of those after the last.

    Args:
        rule: key of `OUTSIDE_RULES`.
        alpha: the schedule's alpha, used by the rule "alpha".
        block_scales: (L,), used by the rule "depth".
    Raises: EditError if the rule is unknown, or there are no block scales.
    Source: "alpha" as in arXiv:2410.17146, Appendix A, and wang-kee/LiNeS src/eval/eval.py.

    >>> outside_scales("alpha", 0.25, torch.tensor([0.25, 1.0]))
    (0.25, 0.25)
    >>> outside_scales("depth", 0.25, torch.tensor([0.25, 1.0]))
    (0.25, 1.0)
    """
    if rule not in OUTSIDE_RULES:
        raise EditError(
            f"Unknown rule for parameters in no block, {rule!r}: pick one of {', '.join(OUTSIDE_RULES)}."
        )
    if block_scales.ndim != 1 or len(block_scales) == 0:
        raise EditError(f"Expected the scales of all blocks, shape (L,), got {tuple(block_scales.shape)}.")
    first, last = float(block_scales[0]), float(block_scales[-1])
    return {
        "alpha": (float(alpha), float(alpha)),
        "depth": (first, last),
        "pretrained": (0.0, 0.0),
        "finetuned": (1.0, 1.0),
    }[rule]


class LayerEditor:
    """Writes edits of one pretrained model into one live vector.

    Not thread-safe: the caller holds the lock of the live model.

    Args:
        layout: layout that all vectors share.
        pretrained: (numel,) weights that every edit starts from; never changed.
        live: (numel,) vector whose views are the model's parameters, same device; may be of a
            narrower dtype than `pretrained`.
    Raises: EditError if a vector does not fit the layout, or the two share memory.
    """

    def __init__(self, layout: FlatLayout, pretrained: Tensor, live: Tensor) -> None:
        self.layout = layout
        self._pretrained = pretrained
        self._live = live
        self._check_vector("pretrained", pretrained)
        self._check_vector("live", live)
        if pretrained.device != live.device:
            raise EditError(f"pretrained is on {pretrained.device}, live on {live.device}: move one.")
        if pretrained.untyped_storage().data_ptr() == live.untyped_storage().data_ptr():
            raise EditError("pretrained and live share memory: an edit would overwrite what it starts from.")
        # On the CPU, torch.add into a narrower dtype allocates a temporary as large as its result.
        rounds = pretrained.dtype != live.dtype and live.device.type == "cpu"
        self._chunk = torch.empty(min(_CHUNK, layout.numel), dtype=pretrained.dtype) if rounds else None

    @torch.no_grad()
    def apply(self, residual: Tensor, block_scales: Tensor, before: float, after: float) -> None:
        """Set every live weight to ``pretrained + scale * residual``, in place.

        Starts from the pretrained weights each time, so calls never add up; a scale of zero gives them back
        bit for bit. Everything is checked before the first write: a refused call changes nothing. The caller
        holds the lock of the live model. At most L + 2 passes, each two reads and one write per weight;
        adjacent segments with the same scale share one. Nothing is allocated.

        Args:
            residual: (numel,) task vector, of pretrained's dtype and device. Its values are taken on trust,
                since checking them would cost as much as the edit.
            block_scales: (L,) factors on the residual, shallowest block first.
            before: factor for the parameters in no block that act before the first.
            after: factor for those that act after the last.
        Raises: EditError if the residual does not fit, the count is not L, or a scale is not finite.
        Source: arXiv:2410.17146, Eq. 1.
        """
        self._check_vector("residual", residual)
        if residual.dtype != self._pretrained.dtype or residual.device != self._pretrained.device:
            raise EditError(
                f"residual is {residual.dtype} on {residual.device}, pretrained {self._pretrained.dtype} on "
                f"{self._pretrained.device}: convert it once, not at every edit."
            )
        if residual.untyped_storage().data_ptr() == self._live.untyped_storage().data_ptr():
            raise EditError("residual and live share memory: the edit would overwrite what it reads.")
        if block_scales.shape != (self.layout.num_blocks,):
            raise EditError(
                f"Expected {self.layout.num_blocks} block scales, got {tuple(block_scales.shape)}."
            )
        scales = [float(before), *map(float, block_scales.tolist()), float(after)]
        if not all(map(math.isfinite, scales)):
            raise EditError(f"Scales must be finite, got {scales[1:-1]}, {before=} and {after=}.")
        for part, scale in self._passes(scales):
            if scale == 0.0:
                self._live[part].copy_(self._pretrained[part])
            elif self._chunk is None:
                torch.add(self._pretrained[part], residual[part], alpha=scale, out=self._live[part])
            else:
                for start in range(part.start, part.stop, len(self._chunk)):
                    step = slice(start, min(start + len(self._chunk), part.stop))
                    exact = self._chunk[: step.stop - step.start]
                    torch.add(self._pretrained[step], residual[step], alpha=scale, out=exact)
                    self._live[step].copy_(exact)

    @torch.no_grad()
    def restore(self) -> None:
        """Set every live weight back to pretrained. The caller holds the lock of the live model."""
        self._live.copy_(self._pretrained)

    def _passes(self, scales: list[float]) -> list[tuple[slice, float]]:
        """Parts of the vector and their scales, adjacent ones of equal scale merged, empty ones omitted."""
        passes: list[tuple[slice, float]] = []
        for index, scale in enumerate(scales):
            part = self.layout.segment(index)
            if part.start == part.stop:
                continue
            if passes and passes[-1][1] == scale:
                part = slice(passes.pop()[0].start, part.stop)
            passes.append((part, scale))
        return passes

    def _check_vector(self, role: str, vector: Tensor) -> None:
        if vector.shape != (self.layout.numel,):
            raise EditError(f"{role} must have shape ({self.layout.numel},), got {tuple(vector.shape)}.")
        if not vector.is_contiguous():
            raise EditError(f"{role} must be contiguous.")
        if not vector.is_floating_point():
            raise EditError(f"{role} must be floating-point, got {vector.dtype}.")
