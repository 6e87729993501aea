"""A forward pass as one call, during which other threads may run.

Python lets one thread run at a time. An eager pass takes that lock anew after each of some hundred
operations, and waits up to five milliseconds for it whenever another thread computes: with two busy threads
beside it, a pass of 0.08 s takes 1.4 s, a traced one 0.14 s.
"""

import logging
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

CHECKED = 3
"""Calls with each shape that are compared with the eager pass: TorchScript optimises during the first two."""
SHAPES_KEPT = 16
_LOG = logging.getLogger(__name__)


class TracedForward:
    """``forward``, by its trace where that gives the same features bit for bit, else as it is.

    An edit writes into the weights where they lie, so the trace sees each new edit. One call at a time.

    Args:
        module: from images (n, 3, H, W) to features (n, D).
        forward: the same, eagerly; what the trace is compared with.
    """

    def __init__(self, module: nn.Module, forward: Callable[[Tensor], Tensor]) -> None:
        self._module = module
        self._forward = forward
        self._traced: Callable[[Tensor], Tensor] | None = None
        self._checked: dict[tuple[torch.Size, torch.dtype], int] = {}
        self.traces = True

    def __call__(self, images: Tensor) -> Tensor:
        """Features of the images. Raises: whatever ``forward`` raises."""
        if not self.traces:
            return self._forward(images)
        shape = (images.shape, images.dtype)
        checked = self._checked.get(shape, 0)
        if self._traced is not None and checked >= CHECKED:
            return self._traced(images)
        features = self._forward(images)
        try:
            if self._traced is None:
                self._traced = _trace(self._module, images)
            again = self._traced(images)
        except RuntimeError as error:
            self._give_up(f"the pass cannot be traced: {error}")
            return features
        if not torch.equal(features, again):
            self._give_up("the trace gave other features than the pass itself")
            return features
        self._checked[shape] = checked + 1
        while len(self._checked) > SHAPES_KEPT:
            self._checked.pop(next(iter(self._checked)))
        return features

    def _give_up(self, why: str) -> None:
        _LOG.warning("Forward passes are run operation by operation from now on: %s.", why)
        self.traces = False
        self._traced = None


def _trace(module: nn.Module, images: Tensor) -> Callable[[Tensor], Tensor]:
    """Raises: RuntimeError if the module does something that cannot be traced."""
    example = torch.zeros(images.shape, dtype=images.dtype, device=images.device)
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        # TorchScript is kept though not developed; torch.compile would need a C++ compiler on every machine,
        # and a trace says itself that it fixes what Python decides, which the comparison above covers.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        traced: Any = torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]
    called: Callable[[Tensor], Tensor] = traced
    return called
