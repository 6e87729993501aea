"""Forward pass captured as a CUDA graph and replayed after every edit.

Edits write into the weights in place, so a captured graph sees each of them. A replay saves the launches of
some hundred kernels, which for a small chunk take longer than the kernels themselves.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

GRAPHS_KEPT = 4
"""For a whole chunk, for the first and the last, which are smaller, and for a single image."""
WARM_UPS = 3
_LOG = logging.getLogger(__name__)

Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class CapturedGraph:
    """A forward pass over an input of one shape.

    Args:
        images: input buffer.
        features: output buffer.
        replay: runs the pass.
    """

    images: Tensor
    features: Tensor
    replay: Callable[[], None]


def capture(forward: Forward, images: Tensor) -> CapturedGraph:
    """Capture ``forward`` for inputs like ``images``, on their CUDA device.

    Raises: RuntimeError if it does something that cannot be captured.
    Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
    """
    buffer = images.clone()
    stream = torch.cuda.Stream(images.device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(images.device))
    with torch.cuda.stream(stream):
        for _ in range(WARM_UPS):
            forward(buffer)
    torch.cuda.current_stream(images.device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        features = forward(buffer)
    return CapturedGraph(buffer, features, graph.replay)


class CudaGraphForward:
    """``forward``, by replaying a captured graph where that gives the same features.

    The first call with a shape captures a graph and compares; if they differ, or it cannot be captured, all
    later calls run ``forward`` itself. The caller holds the scheduler's turn.

    Args:
        forward: from images (n, 3, H, W) to features (n, D); its weights keep their memory.
        capture: captures a graph.
    """

    def __init__(
        self, forward: Forward, capture: Callable[[Forward, Tensor], CapturedGraph] = capture
    ) -> None:
        self._forward = forward
        self._capture = capture
        self._captured: OrderedDict[tuple[torch.Size, torch.dtype], CapturedGraph] = OrderedDict()
        self.replays = True

    def __call__(self, images: Tensor) -> Tensor:
        """Features of the images. Raises: whatever ``forward`` raises."""
        if not self.replays:
            return self._forward(images)
        shape = (images.shape, images.dtype)
        captured = self._captured.get(shape)
        if captured is None:
            return self._first_pass(shape, images)
        self._captured.move_to_end(shape)
        return _replayed(captured, images)

    def _first_pass(self, shape: tuple[torch.Size, torch.dtype], images: Tensor) -> Tensor:
        features = self._forward(images)
        try:
            captured = self._capture(self._forward, images)
            replayed = _replayed(captured, images)
        except RuntimeError as error:  # out of memory too: a graph keeps memory of its own
            self._disable(f"the pass cannot be captured: {error}")
            return features
        if not torch.equal(features, replayed):
            self._disable("a replay gave other features than the pass itself")
            return features
        self._captured[shape] = captured
        while len(self._captured) > GRAPHS_KEPT:
            self._captured.popitem(last=False)
        return features

    def _disable(self, reason: str) -> None:
        _LOG.warning("CUDA graphs are disabled: %s.", reason)
        self.replays = False
        self._captured.clear()


def _replayed(captured: CapturedGraph, images: Tensor) -> Tensor:
    captured.images.copy_(images)
    captured.replay()
    return captured.features.clone()
