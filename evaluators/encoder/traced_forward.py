"""TorchScript trace of the forward pass, which runs without Python's global interpreter lock.

An eager pass acquires the lock again after each of some hundred operations, and waits up to five
milliseconds for it while another thread computes: beside two busy threads, a pass of 0.08 s takes 1.4 s, a
traced one 0.14 s.
"""

import logging
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

CHECKED = 3
"""Calls of each shape that are compared with the eager pass: TorchScript optimises during the first two."""
SHAPES_KEPT = 16
_LOG = logging.getLogger(__name__)


class TracedForward:
    """``forward``, by its trace if that gives bit-identical features.

    Edits write into the weights in place, so the trace sees each of them. Not thread-safe.

    Args:
        module: from images (n, 3, H, W) to features (n, D).
        forward: the same, eagerly; the trace is compared with it.
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
            traced = self._traced(images)
        except RuntimeError as error:
            self._disable(f"the pass cannot be traced: {error}")
            return features
        if not torch.equal(features, traced):
            self._disable("the trace gave other features than the pass itself")
            return features
        self._checked[shape] = checked + 1
        while len(self._checked) > SHAPES_KEPT:
            self._checked.pop(next(iter(self._checked)))
        return features

    def _disable(self, reason: str) -> None:
        _LOG.warning("Traced forward passes are disabled: %s.", reason)
        self.traces = False
        self._traced = None


def _trace(module: nn.Module, images: Tensor) -> Callable[[Tensor], Tensor]:
    """Raises: RuntimeError if the module does something that cannot be traced."""
    example = torch.zeros(images.shape, dtype=images.dtype, device=images.device)
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        # TorchScript is deprecated, but torch.compile would need a C++ compiler on every machine. The tracer
        # warns that it fixes Python's branches, which the comparison above covers.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        traced: Any = torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]
    called: Callable[[Tensor], Tensor] = traced
    return called
