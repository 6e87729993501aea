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
class Captured:
    """A pass over an input of one shape.

    Args:
        pictures: where the input is written.
        features: where the output stands after ``replay``.
        replay: runs the pass.
    """

    pictures: Tensor
    features: Tensor
    replay: Callable[[], None]


def capture(forward: Forward, pictures: Tensor) -> Captured:
    """Capture ``forward`` for inputs like ``pictures``, on their CUDA device.

    Raises: RuntimeError if it does something that cannot be captured.
    Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
    """
    still = pictures.clone()
    stream = torch.cuda.Stream(pictures.device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(pictures.device))
    with torch.cuda.stream(stream):
        for _ in range(WARM_UPS):
            forward(still)
    torch.cuda.current_stream(pictures.device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        features = forward(still)
    return Captured(still, features, graph.replay)


class ReplayedForward:
    """``forward``, by replaying a captured pass where that gives the same features.

    The first call with a shape captures it and compares; where the two differ, or nothing can be captured,
    every later call runs ``forward`` itself. Whoever calls it holds the studio's lock.

    Args:
        forward: from pictures (n, 3, H, W) to features (n, D); its weights stay where they are.
        capturing: how a pass is captured.
    """

    def __init__(self, forward: Forward, capturing: Callable[[Forward, Tensor], Captured] = capture) -> None:
        self._forward = forward
        self._capturing = capturing
        self._captured: OrderedDict[tuple[torch.Size, torch.dtype], Captured] = OrderedDict()
        self.replays = True

    def __call__(self, pictures: Tensor) -> Tensor:
        """Features of the pictures. Raises: whatever ``forward`` raises."""
        if not self.replays:
            return self._forward(pictures)
        shape = (pictures.shape, pictures.dtype)
        captured = self._captured.get(shape)
        if captured is None:
            return self._capture(shape, pictures)
        self._captured.move_to_end(shape)
        return _replayed(captured, pictures)

    def _capture(self, shape: tuple[torch.Size, torch.dtype], pictures: Tensor) -> Tensor:
        features = self._forward(pictures)
        try:
            captured = self._capturing(self._forward, pictures)
            again = _replayed(captured, pictures)
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


def _replayed(captured: Captured, pictures: Tensor) -> Tensor:
    captured.pictures.copy_(pictures)
    captured.replay()
    return captured.features.clone()
