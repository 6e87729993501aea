"""Walking along vectors in slices, so that a merge holds its result and a few slices, whatever T and d are.

Task vectors may be files mapped into memory: every slice is read, used and forgotten.

Work is shared out by slices, not inside of each tensor operation: a merge is many short operations, and
threads that meet after each of them wait for each other, on a busy machine most of the time.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TypeVar

import torch
from torch import Tensor

Found = TypeVar("Found")
Item = TypeVar("Item")

SLICE = 31 << 10
"""Entries of a slice on the CPU: its scratch stays in the second-level cache, and operations on it are just
too short (below 2**15) for torch to share them out. No result depends on it."""

DEVICE_SLICE = 1 << 22
"""Entries of a slice on other devices, which are the faster the more they get at once."""


_CHECK: ContextVar[Callable[[], object]] = ContextVar("check", default=lambda: None)


@contextmanager
def stopped_by(check: Callable[[], object]) -> Iterator[None]:
    """For the length of a ``with`` block, what walks along vectors calls the check before each slice.

    By raising it stops a merge, which then has changed nothing. It is called from several threads at once.

    >>> with stopped_by(lambda: None):
    ...     on_threads(abs, [-1, -2])
    [1, 2]
    """
    token = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(token)


def slice_length(vector: Tensor) -> int:
    """Entries of the vector's slices, of which only the last may be shorter."""
    return min(len(vector), SLICE if vector.device.type == "cpu" else DEVICE_SLICE)


def each_slice(vector: Tensor, *scratch: torch.dtype) -> Iterator[tuple[slice, list[Tensor]]]:
    """The parts of a vector one after the other, each with scratch tensors of its length and device.

    The scratch is allocated once and comes back with whatever the last part left in it.

    Args:
        vector: (numel,), only looked at for its length and device.
        scratch: one dtype for each scratch tensor.
    """
    return _every(vector, scratch, first=0, stride=1)


def over_slices(
    vector: Tensor, work: Callable[[slice, list[Tensor]], Found], *scratch: torch.dtype
) -> list[Found]:
    """Do some work on every part of a vector, on as many threads as torch uses, without gradients.

    Args:
        vector: (numel,), only looked at for its length and device.
        work: (part, scratch) -> anything; parts come in no particular order, each thread has its own scratch.
        scratch: one dtype for each scratch tensor.
    Returns: what the work returned, in the order of the parts.
    Raises: what the work raises.
    """
    count = -(-len(vector) // slice_length(vector))
    threads = max(1, min(count, torch.get_num_threads())) if vector.device.type == "cpu" else 1

    def run(first: int) -> list[Found]:
        return [work(part, tensors) for part, tensors in _every(vector, scratch, first, threads)]

    runs = on_threads(run, range(threads))
    return [runs[number % threads][number // threads] for number in range(count)]


def on_threads(work: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
    """The work's results for all items, in order, on as many threads as torch uses, without gradients.

    Raises: what the work raises.
    """

    def run(item: Item) -> Found:
        with torch.no_grad():  # which threads do not inherit
            return work(item)

    listed = list(items)
    threads = min(len(listed), torch.get_num_threads())
    if threads <= 1:
        return [run(item) for item in listed]
    contexts = [copy_context() for _ in listed]  # threads do not inherit the check either
    with ThreadPoolExecutor(threads) as executor:
        return list(executor.map(lambda context, item: context.run(run, item), contexts, listed))


def _every(
    vector: Tensor, scratch: Iterable[torch.dtype], first: int, stride: int
) -> Iterator[tuple[slice, list[Tensor]]]:
    numel, size = len(vector), slice_length(vector)
    tensors = [torch.empty(size, dtype=dtype, device=vector.device) for dtype in scratch]
    check = _CHECK.get()
    for start in range(first * size, numel, stride * size):
        check()
        part = slice(start, min(start + size, numel))
        yield part, [tensor[: part.stop - part.start] for tensor in tensors]
