"""Flat vector of all parameters of a tower, in depth order.

The pretrained weights, a task vector and the live model have the same layout, so an edit is a few passes over
memory and merging is one-dimensional arithmetic. A live model's parameters are views into its vector, at
fixed addresses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor, nn

from lines_core.architectures import Family, depth_order
from lines_core.errors import LayerError


@dataclass(frozen=True)
class FlatLayout:
    """Position of each parameter in the flat vector. Vectors of equal layouts are interchangeable.

    Attributes:
        names: parameter names in depth order.
        shapes: shape of each.
        offsets: first element of each; row-major, without gaps.
        bounds: L + 3 positions; segment i runs from `bounds[i]` to `bounds[i + 1]`.
    """

    names: tuple[str, ...]
    shapes: tuple[torch.Size, ...]
    offsets: tuple[int, ...]
    bounds: tuple[int, ...]

    @classmethod
    def of(
        cls, named: Mapping[str, Tensor], family: Family | None = None, part: str | None = None
    ) -> "FlatLayout":
        """The layout of one tower's parameters, given in any order, without buffers.

        Args:
            named: parameters; also of a model whose towers act one after the other, as T5's do.
            family, part: as in `architectures.recognise`.
        Raises: LayerError as `architectures.depth_order`, or if a tensor is not floating-point.
        """
        return cls.in_segments(named, depth_order(named, family, part).segments)

    @classmethod
    def in_segments(cls, named: Mapping[str, Tensor], segments: Sequence[Sequence[str]]) -> "FlatLayout":
        """The layout of parameters whose names are given in L + 2 segments, in the order of their depth.

        Raises: LayerError if a tensor is not floating-point.
        """
        for name, tensor in named.items():
            if not tensor.is_floating_point():
                raise LayerError(f"{name!r} is {tensor.dtype}; only floating-point weights can be scaled.")
        names = tuple(name for segment in segments for name in segment)
        shapes = tuple(named[name].shape for name in names)
        ends = [0, *accumulate(shape.numel() for shape in shapes)]
        counts = accumulate((len(segment) for segment in segments), initial=0)
        return cls(names, shapes, tuple(ends[:-1]), tuple(ends[count] for count in counts))

    @property
    def numel(self) -> int:
        """Number of weights."""
        return self.bounds[-1]

    @property
    def num_blocks(self) -> int:
        """L, the number of residual blocks."""
        return len(self.bounds) - 3

    def segment(self, index: int) -> slice:
        """The part of the vector with one coefficient: 0 before, 1..L the paper's block l, L + 1 after.

        Raises: LayerError if there is no such segment.
        """
        if not 0 <= index <= self.num_blocks + 1:
            raise LayerError(f"Segments run from 0 to {self.num_blocks + 1}, got {index}.")
        return slice(self.bounds[index], self.bounds[index + 1])

    def flatten(self, named: Mapping[str, Tensor], dtype: torch.dtype = torch.float32) -> Tensor:
        """Copy the parameters into a new flat vector of the given dtype, shape (numel,), on their device.

        Raises: LayerError if a name is missing or unexpected, a shape differs, a tensor is not
            floating-point, or the parameters are on several devices.
        """
        self._check(named)
        vector = torch.empty(self.numel, dtype=dtype, device=named[self.names[0]].device)
        for name, view in self.unflatten(vector).items():
            view.copy_(named[name].detach())
        return vector

    def unflatten(self, vector: Tensor) -> dict[str, Tensor]:
        """The parameters as views into the vector, in depth order; nothing is copied.

        Raises: LayerError if the vector is not contiguous of shape (numel,).
        """
        if vector.shape != (self.numel,) or not vector.is_contiguous():
            raise LayerError(
                f"Expected a contiguous vector of {self.numel} weights, got {tuple(vector.shape)}."
            )
        return {
            name: vector[offset : offset + shape.numel()].view(shape)
            for name, shape, offset in zip(self.names, self.shapes, self.offsets, strict=True)
        }

    def _check(self, named: Mapping[str, Tensor]) -> None:
        missing = [name for name in self.names if name not in named]
        unexpected = sorted(set(named).difference(self.names))
        if missing or unexpected:
            raise LayerError(f"The names do not fit the layout: missing {missing}, unexpected {unexpected}.")
        for name, shape in zip(self.names, self.shapes, strict=True):
            if named[name].shape != shape:
                raise LayerError(f"{name!r} is {tuple(named[name].shape)}, the layout has {tuple(shape)}.")
            if not named[name].is_floating_point():
                raise LayerError(
                    f"{name!r} is {named[name].dtype}; only floating-point weights can be scaled."
                )
        devices = {str(named[name].device) for name in self.names}
        if len(devices) > 1:
            raise LayerError(
                f"The parameters are on several devices, {sorted(devices)}: move them to one first."
            )


def adopt(
    module: nn.Module,
    names: str | Sequence[str] = "",
    dtype: torch.dtype = torch.float32,
    layout: FlatLayout | None = None,
) -> tuple[FlatLayout, Tensor]:
    """Turn parameters of a module into views of one new contiguous vector, and return that vector.

    Writing to the vector changes the module and vice versa; `load_state_dict` writes in place too. Parameter
    objects, names and state dict keys stay the same. Addresses stay fixed, unless the module is moved (`.to`,
    `.half`), which separates it from its vector: see `is_adopted`.

    Args:
        module: for example a CLIP, or its image tower.
        names: the parameters to adopt, as their full names or as one prefix such as "visual.".
            They must be one tower; other parameters are not changed.
        dtype: of the vector and the adopted parameters.
        layout: of them, if it is not the usual one of one tower; its names are adopted then.
    Returns: the layout, whose names are those of `module.named_parameters()`, and the live vector (numel,).
    Raises: LayerError if a name is not a parameter of the module, no parameter has the prefix, or the
        names are not one known tower.
    """
    parameters = dict(module.named_parameters())
    if layout is not None:
        chosen = list(layout.names)
    elif isinstance(names, str):
        chosen = [name for name in parameters if name.startswith(names)]
        if not chosen:
            raise LayerError(f"No parameter of the module starts with {names!r}.")
    else:
        chosen = list(names)
        absent = [name for name in chosen if name not in parameters]
        if absent:
            raise LayerError(f"Not parameters of the module: {absent}.")
    adopted = {name: parameters[name] for name in chosen}
    layout = layout or FlatLayout.of(adopted)
    live = layout.flatten(adopted, dtype)
    for name, view in layout.unflatten(live).items():
        parameters[name].data = view
    return layout, live


def is_adopted(module: nn.Module, layout: FlatLayout, live: Tensor) -> bool:
    """Whether the module's parameters are still the views into `live` that `adopt` made."""
    parameters = dict(module.named_parameters())
    return all(
        name in parameters
        and parameters[name].data_ptr() == view.data_ptr()
        and parameters[name].dtype == view.dtype
        for name, view in layout.unflatten(live).items()
    )
