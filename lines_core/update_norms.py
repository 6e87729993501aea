"""Size of a fine-tuning's update relative to the pretrained weights: by parameter, block and in total."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from lines_core.errors import LayerError
from lines_core.untrusted_text import quoted

_CHUNK = 1 << 18
_HALVES = (torch.bfloat16, torch.float16)
_FEW = 64
_LEAST_ROUNDING = 1 / 16


@dataclass(frozen=True)
class UpdateNorm:
    """Update and pretrained weights of a group of parameters.

    Attributes:
        residual: ||tau||_2 of the group.
        pretrained: ||theta_0||_2 of the group.
        rounded: one side is the other in half precision, so that the update is nothing but rounding; True for
            no update.
    """

    residual: float
    pretrained: float
    rounded: bool

    @property
    def relative(self) -> float:
        """||tau|| / ||theta_0||; 0 without an update, infinite for an update of zeros."""
        if self.residual == 0.0:
            return 0.0
        return self.residual / self.pretrained if self.pretrained else math.inf


@dataclass(frozen=True)
class UpdateNorms:
    """Norms of an update.

    Attributes:
        by_name: of each parameter, in the order given.
        blocks: of each residual block, shallowest first.
        outside: of the parameters in no block.
        total: of all.
    """

    by_name: Mapping[str, UpdateNorm]
    blocks: tuple[UpdateNorm, ...]
    outside: UpdateNorm
    total: UpdateNorm

    def of(self, names: Iterable[str]) -> UpdateNorm:
        """The norm of a group of parameters; zero for those that were not measured."""
        return _joined([self.by_name[name] for name in names if name in self.by_name])


@torch.no_grad()
def update_norms(
    pretrained: Mapping[str, Tensor], finetuned: Mapping[str, Tensor], blocks: Mapping[str, int | None]
) -> UpdateNorms:
    """Norms of tau = finetuned - pretrained, in float64.

    Args:
        pretrained, finetuned: weights by name, in any dtypes; read one name at a time, so `WeightFiles` need
            memory for the two largest tensors only.
        blocks: for each parameter its residual block from 0, or None if it is in no block. Names that are not
            in it, and integer buffers, are left out.
    Raises: LayerError if a parameter is absent on one side, or its shapes differ.
    Cost: one read of each.
    """
    by_name = {}
    for name in blocks:
        if name not in pretrained or name not in finetuned:
            where = "fine-tuned" if name in pretrained else "pre-trained"
            raise LayerError(f"{quoted(name)} is not among the {where} weights.")
        before, after = pretrained[name], finetuned[name]
        if before.shape != after.shape:
            raise LayerError(
                f"{quoted(name)} is {tuple(after.shape)} fine-tuned and {tuple(before.shape)} pre-trained."
            )
        if before.is_floating_point() and after.is_floating_point():
            by_name[name] = _norm_of(before.flatten(), after.flatten())
    groups: dict[int | None, list[UpdateNorm]] = {}
    for name, norm in by_name.items():
        groups.setdefault(blocks[name], []).append(norm)
    count = 1 + max((block for block in blocks.values() if block is not None), default=-1)
    return UpdateNorms(
        MappingProxyType(by_name),
        tuple(_joined(groups.get(block, [])) for block in range(count)),
        _joined(groups.get(None, [])),
        _joined(list(by_name.values())),
    )


def _norm_of(before: Tensor, after: Tensor) -> UpdateNorm:
    residual, pretrained = 0.0, 0.0
    same, copies, originals = True, set(_HALVES), set(_HALVES)  # what `after` may be a copy of `before` in
    for start in range(0, len(before), _CHUNK):
        old, new = before[start : start + _CHUNK], after[start : start + _CHUNK]
        exact, new_exact = old.double(), new.double()
        pretrained += float(exact.square().sum())
        residual += float((new_exact - exact).square_().sum())
        same = same and torch.equal(exact, new_exact)
        copies = {half for half in copies if torch.equal(old.to(half).double(), new_exact)}
        originals = {half for half in originals if torch.equal(new.to(half).double(), exact)}
    norm, base = math.sqrt(residual), math.sqrt(pretrained)
    # A small update of weights that half precision holds exactly rounds back to them too, but is far smaller
    # than what rounding drops, 0.2 eps; of a few numbers one cannot tell.
    dropped = any(
        len(before) < _FEW or norm >= _LEAST_ROUNDING * torch.finfo(half).eps * base for half in originals
    )
    return UpdateNorm(norm, base, same or bool(copies) or dropped)


def _joined(norms: list[UpdateNorm]) -> UpdateNorm:
    return UpdateNorm(
        math.hypot(*(norm.residual for norm in norms)),
        math.hypot(*(norm.pretrained for norm in norms)),
        all(norm.rounded for norm in norms),
    )
