"""Images or texts of several tasks on the device, in chunks that hold equally many of each task.

The scheduler runs one chunk at a time. The first chunk already gives an estimate for every task, and further
ones narrow the intervals. The first is small: it answers a moving slider, and so decides the waiting time
when many sessions are active.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from evaluators.data.image_subset import Subset

CHUNK = 160
FIRST_CHUNK = 64
"""Images of the first chunk over all tasks, unless chunks are smaller."""


class TaskSlice(NamedTuple):
    """Images of one task in a chunk: positions ``start`` to ``stop`` of its subset."""

    task: int
    start: int
    stop: int


@dataclass(frozen=True)
class Chunk:
    """Images that are evaluated together.

    Args:
        parts: one a task that has images left, in the order of the tasks.
        whole: False if the requested number of images cuts the chunk short.
    """

    parts: tuple[TaskSlice, ...]
    whole: bool

    @property
    def images(self) -> int:
        """Number of images over all tasks."""
        return sum(part.stop - part.start for part in self.parts)


class TaskBatches:
    """Examples of k tasks.

    Chunk boundaries do not depend on the number of requested examples: one is always encoded in the same
    batch, and evaluations of different sizes share their chunks.

    Args:
        labels: right class of each example, a tensor (n,) a task.
        chunk: examples a chunk over all tasks.
    """

    def __init__(self, labels: list[Tensor], chunk: int) -> None:
        self._examples_a_chunk = chunk
        self._hold_labels(labels)

    def _hold_labels(self, labels: list[Tensor]) -> None:
        self._labels = labels
        self._chunk = max(1, self._examples_a_chunk // len(labels))
        self._first_chunk = max(1, min(self._examples_a_chunk, FIRST_CHUNK) // len(labels))
        self.max_images = max(map(len, labels))

    def counts(self, images: int) -> tuple[int, ...]:
        """Examples of each task when ``images`` a task are requested."""
        return tuple(min(images, len(labels)) for labels in self._labels)

    def counts_after(self, chunks: int, images: int) -> tuple[int, ...]:
        """Examples of each task in the first ``chunks`` chunks."""
        if not chunks:
            return self.counts(0)
        return self.counts(min(images, self._first_chunk + (chunks - 1) * self._chunk))

    def chunks(self, images: int) -> tuple[Chunk, ...]:
        """Chunks that hold the first ``images`` examples of each task."""
        chunks = []
        ends = range(self._first_chunk, min(images, self.max_images) + self._chunk, self._chunk)
        for first, end in zip((0, *ends), ends, strict=False):
            stops = [min(count, end) for count in self.counts(images)]
            parts = [TaskSlice(task, first, stop) for task, stop in enumerate(stops) if stop > first]
            chunks.append(Chunk(tuple(parts), end <= images or images >= self.max_images))
        return tuple(chunks)

    def labels(self, part: TaskSlice) -> Tensor:
        """Labels of the examples of a part."""
        return self._labels[part.task][part.start : part.stop]


class ImageBatches(TaskBatches):
    """Images of k tasks as uint8."""

    def __init__(
        self,
        subsets: Sequence[Subset],
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
        dtype: torch.dtype,
        chunk: int = CHUNK,
    ) -> None:
        """Args: one subset a task, the encoder's normalisation, and images a chunk over all tasks.

        On the CPU the subsets are not copied; they may be memory-mapped.
        """
        super().__init__([one.labels.to(device) for one in subsets], chunk)
        self._dtype = dtype
        self._images = [subset.images.to(device) for subset in subsets]
        shape = self._images[0].shape[1:]
        self._buffer = torch.empty((max(chunk, len(subsets)), *shape), device=device)
        # (x / 255 - mean) / std as one factor and one shift
        factor = [1 / (255 * s) for s in std]
        shift = [m / s for m, s in zip(mean, std, strict=True)]
        self._factor = torch.tensor(factor, device=device).view(1, -1, 1, 1)
        self._shift = torch.tensor(shift, device=device).view(1, -1, 1, 1)

    def with_more(self, subsets: Sequence[Subset], *, alone: bool = False) -> "ImageBatches":
        """These images and those of further tasks, or only the latter; all share memory and buffer.

        So that one of them may be used at a time.
        """
        view = copy.copy(self)
        device = self._buffer.device
        images = [subset.images.to(device) for subset in subsets]
        labels = [subset.labels.to(device) for subset in subsets]
        view._images = images if alone else self._images + images
        view._hold_labels(labels if alone else self._labels + labels)
        if len(view._images) > len(self._buffer):
            view._buffer = torch.empty((len(view._images), *self._buffer.shape[1:]), device=device)
        return view

    def normalised(self, chunk: Chunk) -> Tensor:
        """Normalised images of a chunk, in a buffer that the next call overwrites."""
        end = 0
        for task, start, stop in chunk.parts:
            end, begin = end + stop - start, end
            torch.mul(self._images[task][start:stop], self._factor, out=self._buffer[begin:end])
        return self._buffer[:end].sub_(self._shift).to(self._dtype)

    def pixels(self, part: TaskSlice) -> Tensor:
        """Images of a part, uint8 of shape (n, 3, S, S), in main memory."""
        return self._images[part.task][part.start : part.stop].cpu()

    def normalise(self, pixels: Tensor) -> Tensor:
        """Images from elsewhere, uint8 of shape (n, 3, S, S), as the encoder takes them, on its device."""
        return (pixels.to(self._factor.device) * self._factor - self._shift).to(self._dtype)
