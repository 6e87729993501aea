"""Size of a fine-tuning's update relative to the pretrained weights: by parameter, block and in total."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from lines_core.errors import LayerError
from lines_core.merging.slices import over_slices
from lines_core.untrusted_text import quoted

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
    pretrained: Mapping[str, Tensor],
    finetuned: Mapping[str, Tensor],
    blocks: Mapping[str, int | None],
    *,
    renamed: Mapping[str, str] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> UpdateNorms:
    """Norms of tau = finetuned - pretrained, in float64.

    Args:
        pretrained, finetuned: weights by name, in any dtypes; read one name at a time, so `WeightFiles` need
            memory for the two largest tensors only.
        blocks: for each parameter its residual block from 0, or None if it is in no block. Names that are not
            in it, and integer buffers, are left out.
        renamed: names in `pretrained` that differ from those of `finetuned`, by the latter.
        progress: called with the number of parameters that are done, and of all.
    Raises: LayerError if a parameter is absent on one side, or its shapes differ.
    Cost: one read of each.
    """
    by_name = {}
    for number, name in enumerate(blocks):
        source = (renamed or {}).get(name, name)
        if source not in pretrained or name not in finetuned:
            where = "fine-tuned" if source in pretrained else "pre-trained"
            raise LayerError(f"{quoted(name)} is not among the {where} weights.")
        if progress is not None:
            progress(number, len(blocks))
        before, after = pretrained[source], finetuned[name]
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
    def work(
        part: slice, scratch: list[Tensor]
    ) -> tuple[float, float, bool, set[torch.dtype], set[torch.dtype]]:
        old, new = before[part], after[part]
        exact, moved = (tensor.copy_(side) for tensor, side in zip(scratch, (old, new), strict=True))
        copies = {half for half in _HALVES if torch.equal(old.to(half).double(), moved)}
        originals = {half for half in _HALVES if torch.equal(new.to(half).double(), exact)}
        same = torch.equal(exact, moved)
        residual = float(moved.sub_(exact).square_().sum())
        return residual, float(exact.square_().sum()), same, copies, originals

    parts = over_slices(before, work, torch.float64, torch.float64)
    residuals, squares, equal, all_copies, all_originals = zip(*parts, strict=True)
    norm, base = math.sqrt(sum(residuals)), math.sqrt(sum(squares))
    copies, originals = set.intersection(*all_copies), set.intersection(*all_originals)
    # A small update of weights that half precision holds exactly rounds back to them too, but is far smaller
    # than what rounding drops, 0.2 eps; of a few numbers one cannot tell.
    dropped = any(
        len(before) < _FEW or norm >= _LEAST_ROUNDING * torch.finfo(half).eps * base for half in originals
    )
    return UpdateNorm(norm, base, all(equal) or bool(copies) or dropped)


def _joined(norms: list[UpdateNorm]) -> UpdateNorm:
    return UpdateNorm(
        math.hypot(*(norm.residual for norm in norms)),
        math.hypot(*(norm.pretrained for norm in norms)),
        all(norm.rounded for norm in norms),
    )
