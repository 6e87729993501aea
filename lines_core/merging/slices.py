"""Slice-wise, multithreaded and stoppable work on long vectors.

A merge allocates its result and a few slices, for any T and d; task vectors may be memory-mapped files.
Threads
divide the slices, not each tensor operation: a merge is many short operations, and threads that synchronise
after each of them mostly wait for each other on a busy machine.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from threading import Barrier
from typing import TypeVar

import torch
from torch import Tensor

Found = TypeVar("Found")
Item = TypeVar("Item")

SLICE = 31 << 10
"""Entries of a slice on the CPU: its scratch fits into the second-level cache, and operations on it are just
too short (below 2**15) for torch to parallelise. No result depends on it."""

DEVICE_SLICE = 1 << 22
"""Entries of a slice on other devices, which are faster on long slices."""


_CHECK: ContextVar[Callable[[], object]] = ContextVar("check", default=lambda: None)


@contextmanager
def stopped_by(check: Callable[[], object]) -> Iterator[None]:
    """Within the ``with`` block, work on slices calls the check before each slice.

    The check raises to stop a merge, which has changed nothing then. Several threads call it at once.

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
    """Length of the vector's slices; only the last may be shorter."""
    return min(len(vector), SLICE if vector.device.type == "cpu" else DEVICE_SLICE)


def each_slice(vector: Tensor, *scratch: torch.dtype) -> Iterator[tuple[slice, list[Tensor]]]:
    """The parts of a vector in order, each with scratch tensors of its length and device.

    The scratch is allocated once and keeps the values of the previous part.

    Args:
        vector: (numel,), used for its length and device only.
        scratch: the dtype of each scratch tensor.
    """
    return _parts(vector, scratch, first=0, stride=1)


def over_slices(
    vector: Tensor, work: Callable[[slice, list[Tensor]], Found], *scratch: torch.dtype
) -> list[Found]:
    """Call ``work`` on every part of a vector, on as many threads as torch uses, without gradients.

    Args:
        vector: (numel,), used for its length and device only.
        work: (part, scratch) -> any; parts come in no particular order, each thread has its own scratch.
        scratch: the dtype of each scratch tensor.
    Returns: the results, in the order of the parts.
    Raises: whatever ``work`` raises.
    """
    count = -(-len(vector) // slice_length(vector))
    threads = max(1, min(count, torch.get_num_threads())) if vector.device.type == "cpu" else 1

    def run(first: int) -> list[Found]:
        return [work(part, tensors) for part, tensors in _parts(vector, scratch, first, threads)]

    runs = on_threads(run, range(threads))
    return [runs[number % threads][number // threads] for number in range(count)]


def check_stopped() -> None:
    """Call the check of `stopped_by`: for work that is not on slices."""
    _CHECK.get()()


def on_threads(
    work: Callable[[Item], Found], items: Iterable[Item], *, whole_cores: bool = False
) -> list[Found]:
    """The results of ``work`` for all items, in order, on as many threads as torch uses, without gradients.

    Args:
        whole_cores: torch uses one core in each of the threads, for operations that it would divide among
            threads of its own. Those wait for each other: two eigendecompositions of 768 rows took 7 s side
            by side on two busy cores, and 0.6 s with a core each.
    Raises: whatever ``work`` raises.
    """

    def run(item: Item) -> Found:
        with torch.no_grad():  # threads do not inherit it
            return work(item)

    inputs = list(items)
    threads = min(len(inputs), torch.get_num_threads())
    if threads <= 1:
        return [run(item) for item in inputs]
    contexts = [copy_context() for _ in inputs]  # threads do not inherit the check either
    started, cores = Barrier(threads + 1), torch.get_num_threads()

    def take_one_core() -> None:
        torch.get_num_threads()  # a thread's first call sets the number that it inherits
        torch.set_num_threads(1)
        started.wait()

    with ThreadPoolExecutor(threads, initializer=take_one_core if whole_cores else None) as executor:
        results = executor.map(lambda context, item: context.run(run, item), contexts, inputs)
        if whole_cores:
            started.wait()
            torch.set_num_threads(cores)  # what threads that are started from now on inherit
        return list(results)


def _parts(
    vector: Tensor, scratch: Iterable[torch.dtype], first: int, stride: int
) -> Iterator[tuple[slice, list[Tensor]]]:
    numel, size = len(vector), slice_length(vector)
    tensors = [torch.empty(size, dtype=dtype, device=vector.device) for dtype in scratch]
    check = _CHECK.get()
    for start in range(first * size, numel, stride * size):
        check()
        part = slice(start, min(start + size, numel))
        yield part, [tensor[: part.stop - part.start] for tensor in tensors]
