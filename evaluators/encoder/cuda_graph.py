"""One forward pass captured as a CUDA graph and replayed after every edit.

An edit writes into the weights where they lie, so a graph captured once sees each new edit. A replay spares
the launch of some hundred kernels, which for a small chunk takes longer than the kernels themselves.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

GRAPHS_KEPT = 3
"""A whole chunk, and the first and the last, which are smaller."""
WARM_UPS = 3
_LOG = logging.getLogger(__name__)

Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class CapturedGraph:
    """A pass over an input of one shape.

    Args:
        images: where the input is written.
        features: where the output stands after ``replay``.
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
    still = images.clone()
    stream = torch.cuda.Stream(images.device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(images.device))
    with torch.cuda.stream(stream):
        for _ in range(WARM_UPS):
            forward(still)
    torch.cuda.current_stream(images.device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        features = forward(still)
    return CapturedGraph(still, features, graph.replay)


class CudaGraphForward:
    """``forward``, by replaying a captured pass where that gives the same features.

    The first call with a shape captures it and compares; where the two differ, or nothing can be captured,
    every later call runs ``forward`` itself. Whoever calls it holds the studio's lock.

    Args:
        forward: from images (n, 3, H, W) to features (n, D); its weights stay where they are.
        capturing: how a pass is captured.
    """

    def __init__(
        self, forward: Forward, capturing: Callable[[Forward, Tensor], CapturedGraph] = capture
    ) -> None:
        self._forward = forward
        self._capturing = capturing
        self._captured: OrderedDict[tuple[torch.Size, torch.dtype], CapturedGraph] = OrderedDict()
        self.replays = True

    def __call__(self, images: Tensor) -> Tensor:
        """Features of the images. Raises: whatever ``forward`` raises."""
        if not self.replays:
            return self._forward(images)
        shape = (images.shape, images.dtype)
        captured = self._captured.get(shape)
        if captured is None:
            return self._capture(shape, images)
        self._captured.move_to_end(shape)
        return _replayed(captured, images)

    def _capture(self, shape: tuple[torch.Size, torch.dtype], images: Tensor) -> Tensor:
        features = self._forward(images)
        try:
            captured = self._capturing(self._forward, images)
            again = _replayed(captured, images)
        except RuntimeError as error:  # also an out-of-memory: a graph keeps memory of its own
            self._give_up(f"the pass cannot be captured: {error}")
            return features
        if not torch.equal(features, again):
            self._give_up("a replay gave other features than the pass itself")
            return features
        self._captured[shape] = captured
        while len(self._captured) > GRAPHS_KEPT:
            self._captured.popitem(last=False)
        return features

    def _give_up(self, why: str) -> None:
        _LOG.warning("Forward passes are run one by one from now on: %s.", why)
        self.replays = False
        self._captured.clear()


def _replayed(captured: CapturedGraph, images: Tensor) -> Tensor:
    captured.images.copy_(images)
    captured.replay()
    return captured.features.clone()
