"""Weights of several models side by side, in pieces that fit into memory whatever the size of a tensor."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from lines_core.checkpoints.weight_files import WeightFiles, as_tensor
from lines_core.errors import TaskVectorError
from lines_core.untrusted_text import quoted

PIECE = 1 << 20
"""Weights of a piece: large enough for the disk, small enough for the processor's cache."""

Source = tuple[WeightFiles, str]
"""A tensor: the model and its name there."""
Progress = Callable[[int, int], object]
"""Called with the bytes that are done and the bytes in all."""


@dataclass(frozen=True)
class Piece:
    """A part of one parameter.

    Attributes:
        name: of the parameter.
        start: index of its first weight in the flattened parameter.
        data: its bytes in each source.
        dtypes: of each source.
    """

    name: str
    start: int
    data: tuple[bytearray, ...]
    dtypes: tuple[torch.dtype, ...]

    def floats(self, number: int) -> Tensor:
        """The weights of one source, flat, as a new float32 tensor."""
        return as_tensor(self.data[number], self.dtypes[number]).to(torch.float32, copy=True)

    @property
    def num_bytes(self) -> int:
        """Bytes that were read for it."""
        return sum(map(len, self.data))


def pieces(names: Iterable[str], sources: Callable[[str], Sequence[Source]]) -> Iterator[Piece]:
    """The parameters piece by piece, in the order given.

    Args:
        sources: of a parameter; all have its number of weights.
    Raises: CheckpointError as `WeightFiles.read`.
    """
    for name in names:
        given = sources(name)
        entries = [weights.entries[source] for weights, source in given]
        dtypes = tuple(entry.dtype for entry in entries)
        numel = prod(entries[0].shape)
        for start in range(0, numel, PIECE):
            count = min(PIECE, numel - start)
            data = tuple(bytearray(count * dtype.itemsize) for dtype in dtypes)
            for (weights, source), dtype, part in zip(given, dtypes, data, strict=True):
                weights.read_part(source, start * dtype.itemsize, memoryview(part))
            yield Piece(name, start, data, dtypes)


def rounded(weights: Tensor, dtype: torch.dtype, name: str) -> bytearray:
    """The weights rounded to a dtype, as the bytes of a file.

    Raises: TaskVectorError if one of them is not finite, also by rounding.
    """
    data = bytearray(len(weights) * dtype.itemsize)
    result = torch.frombuffer(data, dtype=dtype).copy_(weights)
    # a sum instead of a mask as large as the piece; the mask is only needed if the sum overflowed
    if not (bool(result.sum().isfinite()) or bool(result.isfinite().all())):
        raise TaskVectorError(
            f"{quoted(name)} would hold NaN or infinity in {str(dtype).removeprefix('torch.')}: one of the "
            "models does, or a weight is too large for that dtype."
        )
    return data
