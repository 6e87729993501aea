"""Weights of several models side by side, in pieces that fit into memory whatever the size of a tensor."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import prod

import torch
from torch import Tensor

from lines_core.checkpoints.weight_files import WeightFiles, as_tensor
from lines_core.errors import TaskVectorError
from lines_core.merging.slices import each_slice
from lines_core.untrusted_text import quoted

PIECE = 1 << 20
"""Weights of a piece: large enough for the disk, small enough for the processor's cache."""

_READERS = 8
"""Models read at the same time: a disk gives more to several readers than to one."""

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

    def stored(self, number: int) -> Tensor:
        """The weights in one source, flat, in its dtype; shares the memory of the data."""
        return as_tensor(self.data[number], self.dtypes[number])

    @property
    def num_bytes(self) -> int:
        """Bytes that were read for it."""
        return sum(map(len, self.data))


def pieces(
    names: Iterable[str], sources: Callable[[str], Sequence[Source]], whole: bool = False
) -> Iterator[Piece]:
    """The parameters piece by piece, in the order given.

    Args:
        sources: of a parameter; all have its number of weights.
        whole: a piece is a whole parameter, however long.
    Raises: CheckpointError as `WeightFiles.read`.
    """
    with ThreadPoolExecutor(_READERS) as readers:
        for name in names:
            given = sources(name)
            entries = [weights.entries[source] for weights, source in given]
            dtypes = tuple(entry.dtype for entry in entries)
            numel = prod(entries[0].shape)
            size = max(1, numel) if whole else PIECE
            for start in range(0, numel, size):
                count = min(size, numel - start)
                reads = [partial(_read, *source, start, count) for source in given]
                data = tuple(readers.map(_call, reads) if len(reads) > 1 else map(_call, reads))
                yield Piece(name, start, data, dtypes)


def _read(weights: WeightFiles, name: str, start: int, count: int) -> bytearray:
    size = weights.entries[name].dtype.itemsize
    data = bytearray(count * size)
    weights.read_part(name, start * size, memoryview(data))
    return data


def _call(read: Callable[[], bytearray]) -> bytearray:
    return read()


@torch.no_grad()
def rounded(
    count: int,
    dtype: torch.dtype,
    name: str,
    compute: Callable[[slice, list[Tensor]], Tensor],
    *scratch: torch.dtype,
) -> bytearray:
    """Computed weights rounded to a dtype, as the bytes of a file.

    In slices, so short that torch does not divide them among its threads: those wait for each other after
    every operation, which made an edit on a busy machine ten times slower. One core computes as fast as a
    disk reads.

    Args:
        count: of the weights.
        compute: a part of them, given scratch of its length, in any dtype.
    Raises: TaskVectorError if one of them is not finite, also by rounding.
    """
    data = bytearray(count * dtype.itemsize)
    result, total = torch.frombuffer(data, dtype=dtype), torch.zeros(())
    for part, tensors in each_slice(result, *scratch):
        total.add_(result[part].copy_(compute(part, tensors)).sum())
    # a sum instead of a mask as large as the piece; the mask is only needed if the sum overflowed
    if not (
        bool(total.isfinite()) or all(bool(result[part].isfinite().all()) for part, _ in each_slice(result))
    ):
        raise TaskVectorError(
            f"{quoted(name)} would hold NaN or infinity in {str(dtype).removeprefix('torch.')}: one of the "
            "models does, or a weight is too large for that dtype."
        )
    return data
