"""Torch's number of CPU threads: all cores for the live model, or one for each of several workers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_PER_WORKER = threading.Lock()  # held while each worker has one thread
_SETTING = (
    threading.Lock()
)  # held while a thread has set a number for itself, which new threads would inherit
_all_cores = 0


@contextmanager
def one_thread_per_worker() -> Iterator[int]:
    """Torch uses one CPU thread in each Python thread within the ``with`` block.

    Yields: number of workers that have a core each; 0 if another block is active, and nothing changes.
    """
    global _all_cores
    if not _PER_WORKER.acquire(blocking=False):
        yield 0
        return
    try:
        with _SETTING:
            _all_cores = torch.get_num_threads()
            torch.set_num_threads(1)
        yield _all_cores
    finally:
        torch.set_num_threads(_all_cores)
        _PER_WORKER.release()


def use_all_cores() -> None:
    """Let this thread use all cores again if it first computed within `one_thread_per_worker`.

    A thread inherits torch's number of threads when it first computes, and keeps it.
    """
    if _all_cores and not _PER_WORKER.locked() and torch.get_num_threads() != _all_cores:
        torch.set_num_threads(_all_cores)


@contextmanager
def all_cores_but_one() -> Iterator[None]:
    """This thread uses all cores but one within the ``with`` block, unless each worker has one thread."""
    with _SETTING:
        number = torch.get_num_threads()
        if number == 1 or _PER_WORKER.locked():
            yield
            return
        torch.set_num_threads(number - 1)
        try:
            yield
        finally:
            torch.set_num_threads(number)
