"""The pictures of several tasks as one tensor, in chunks that hold equally many of each task.

A chunk is what the studio evaluates under its lock before it looks up again. Because every chunk asks all
tasks, the first one already says something about each, and further ones narrow the intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from evaluators.subsets import Subset

CHUNK = 160


class Part(NamedTuple):
    """The pictures of one task within a chunk: rows ``start`` to ``stop`` of the big tensor."""

    task: int
    start: int
    stop: int


@dataclass(frozen=True)
class Chunk:
    """Pictures that are evaluated together.

    Args:
        parts: one a task that has pictures left, in the order of the tasks, back to back if ``whole``.
        whole: True unless the number of pictures asked for cuts the chunk short.
    """

    parts: tuple[Part, ...]
    whole: bool


class Pictures:
    """Pictures of k tasks on the device: one uint8 tensor, interleaved in chunks.

    The chunk boundaries depend on the number of tasks only, never on how many pictures are asked for, so
    a picture is always encoded in the same company and evaluations of different sizes share their chunks.
    """

    def __init__(
        self,
        subsets: Sequence[Subset],
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
        dtype: torch.dtype,
        chunk: int = CHUNK,
    ) -> None:
        """Args: one subset a task, the encoder's normalisation, and pictures a chunk over all tasks."""
        self.a_chunk = max(1, chunk // len(subsets))
        self.largest = max(map(len, subsets))
        self._lengths = tuple(map(len, subsets))
        images: list[Tensor] = []
        labels: list[Tensor] = []
        self._starts: list[list[int]] = []
        row = 0
        for first in range(0, self.largest, self.a_chunk):
            starts = []
            for subset in subsets:
                images.append(subset.images[first : first + self.a_chunk])
                labels.append(subset.labels[first : first + self.a_chunk])
                starts.append(row)
                row += len(labels[-1])
            self._starts.append(starts)
        self._images = torch.cat(images).to(device)
        self.labels = torch.cat(labels).to(device)
        self._dtype = dtype
        self._buffer = torch.empty((self.a_chunk * len(subsets), *self._images.shape[1:]), device=device)
        # (x / 255 - mean) / std as one factor and one shift
        factor = [1 / (255 * s) for s in std]
        shift = [m / s for m, s in zip(mean, std, strict=True)]
        self._factor = torch.tensor(factor, device=device).view(1, -1, 1, 1)
        self._shift = torch.tensor(shift, device=device).view(1, -1, 1, 1)

    def counts(self, images: int) -> tuple[int, ...]:
        """Pictures a task when ``images`` are asked for: fewer where there are fewer."""
        return tuple(min(images, length) for length in self._lengths)

    def chunks(self, images: int) -> tuple[Chunk, ...]:
        """The chunks that hold the first ``images`` pictures of each task."""
        chunks = []
        for number, starts in enumerate(self._starts):
            first = number * self.a_chunk
            if first >= images:
                break
            parts = []
            for task, (start, length) in enumerate(zip(starts, self._lengths, strict=True)):
                taken = min(images, length, first + self.a_chunk) - first
                if taken > 0:
                    parts.append(Part(task, start, start + taken))
            chunks.append(Chunk(tuple(parts), first + self.a_chunk <= images or images >= self.largest))
        return tuple(chunks)

    def normalised(self, chunk: Chunk) -> Tensor:
        """The pictures of a chunk as the encoder wants them, in a buffer that the next call overwrites."""
        if chunk.whole:
            rows = self._images[chunk.parts[0].start : chunk.parts[-1].stop]
            filled = self._buffer[: len(rows)]
            torch.mul(rows, self._factor, out=filled)
        else:
            end = 0
            for _, start, stop in chunk.parts:
                end, begin = end + stop - start, end
                torch.mul(self._images[start:stop], self._factor, out=self._buffer[begin:end])
            filled = self._buffer[:end]
        return filled.sub_(self._shift).to(self._dtype)
