"""Interface of whatever counts correct images: this process's device, a ZeroGPU worker.

A remote worker or the visitor's browser is a further implementation: the request runner, the scheduler and
the caches know nothing else of who counts.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from torch import Tensor

from evaluators.data.image_batches import Chunk
from evaluators.labs.lab import Lab
from evaluators.specs.resolved_spec import ResolvedSpec


class Counted(NamedTuple):
    """Counts of one chunk.

    Args:
        correct: correct images per task.
        predictions: predicted classes per task, ``predictions.pack``, in the order of the chunk's images.
    """

    correct: tuple[int, ...]
    predictions: tuple[bytes, ...]


class ChunkCounts(NamedTuple):
    """What one chunk gave, and what it took.

    Args:
        counted: its counts.
        edit: seconds in which weights were written.
        forward: seconds in which images were counted.
        device: kind of device that counted, such as "cpu" or "cuda".
    """

    counted: Counted
    edit: float
    forward: float
    device: str


class LoadedEdit(Protocol):
    """One edit of one lab, ready to be counted chunk by chunk. Used by one request, closed by it."""

    def ready(self, check: Callable[[], None], patience: float | None) -> AbstractContextManager[object]:
        """Hold the edit's weights in memory for the length of a ``with`` block around ``count``.

        Args:
            check: raises Superseded once the request is not wanted any more.
            patience: seconds to wait at most; the weights are prepared further all the same.
        Raises: what ``check`` raises; Preparing after ``patience``; LabError or CheckpointError if files are
            damaged.
        """

    def count(self, chunk: Chunk) -> ChunkCounts:
        """Count one chunk. Raises: LinesError if the device, a file or the worker fails."""

    def close(self) -> None:
        """Stop what is still being counted; may be called more than once."""


class EncodingEdit(LoadedEdit, Protocol):
    """An edit that encodes images of visitors as well."""

    def encode(self, pixels: Tensor) -> Tensor:
        """Features (n, D), float32, of images as uint8 (n, 3, S, S). Raises: as ``count``."""


class Engine(Protocol):
    """Counts edits.

    Attributes:
        exclusive: whether all edits share one encoder, so that requests have to take turns a chunk at a time;
            else every loaded edit is counted on its own, and in the order of its chunks.
    """

    exclusive: bool

    def load(self, lab: Lab, resolved: ResolvedSpec, chunks: Sequence[Chunk]) -> LoadedEdit:
        """Prepare to count an edit.

        Args:
            lab: that holds the model, the images and the classifier heads.
            resolved: the edit.
            chunks: that will be counted, in this order; an exclusive engine may be given others later.
        Cost: little; what takes long happens in ``ready`` and ``count``.
        """


class EncodingEngine(Engine, Protocol):
    """Counts edits, and encodes images of visitors with them."""

    def load(self, lab: Lab, resolved: ResolvedSpec, chunks: Sequence[Chunk]) -> EncodingEdit:
        """As ``Engine.load``."""
