"""How the CPU's cores are shared out: all of them for the live model, or one for each worker of a map."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_ONE_MAP = threading.Lock()
_NUMBER = threading.Lock()  # held while a thread has set torch's number for itself, which others take over
_all = 0


@contextmanager
def one_thread_per_worker() -> Iterator[int]:
    """Torch uses one thread in each thread, for the length of a ``with`` block.

    Yields: how many workers have a core of their own then; 0 if somebody has shared the cores out already,
        and everything stays as it is.
    """
    global _all
    if not _ONE_MAP.acquire(blocking=False):
        yield 0
        return
    try:
        with _NUMBER:
            _all = torch.get_num_threads()
            torch.set_num_threads(1)
        yield _all
    finally:
        torch.set_num_threads(_all)
        _ONE_MAP.release()


def use_all_cores() -> None:
    """Let this thread use all cores again if it was born while they were shared out.

    A thread takes over torch's number of threads when it first computes, and keeps it.
    """
    if _all and not _ONE_MAP.locked() and torch.get_num_threads() != _all:
        torch.set_num_threads(_all)


@contextmanager
def all_cores_but_one() -> Iterator[None]:
    """This thread uses all cores but one for the length of a ``with`` block, if they are not shared out."""
    with _NUMBER:
        number = torch.get_num_threads()
        if number == 1 or _ONE_MAP.locked():
            yield
            return
        torch.set_num_threads(number - 1)
        try:
            yield
        finally:
            torch.set_num_threads(number)
