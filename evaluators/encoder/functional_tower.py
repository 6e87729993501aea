"""An image tower as a function of its flat weights, so that gradients reach what the weights are made of."""

import copy

import torch
from torch import Tensor, nn

from lines_core.flat import FlatLayout


class FunctionalTower:
    """Features of images under any weights. Independent of the tower that it is made of; not thread-safe.

    Args:
        module: the image tower; its parameters are not copied.
        layout: of its parameters, whose names begin with ``prefix``.
        prefix: what the layout's names have before the module's own.
    """

    def __init__(self, module: nn.Module, layout: FlatLayout, prefix: str = "") -> None:
        empty: dict[int, object] = {
            id(parameter): nn.Parameter(torch.empty_like(parameter, device="meta"), requires_grad=False)
            for parameter in module.parameters()
        }
        self._module = copy.deepcopy(module, empty)
        self._names = [name.removeprefix(prefix) for name in layout.names]
        self._shapes = layout.shapes
        self._sizes = [shape.numel() for shape in layout.shapes]

    def __call__(self, weights: Tensor, images: Tensor) -> Tensor:
        """Features (n, D) of images (n, 3, S, S) under flat weights (numel,), differentiable in both."""
        # one split: its gradient is written once, that of a view for each parameter would be summed in full
        parts = torch.split(weights, self._sizes)
        named = {
            name: part.view(shape) for name, part, shape in zip(self._names, parts, self._shapes, strict=True)
        }
        features: Tensor = torch.func.functional_call(self._module, named, (images,), strict=False)
        return features
