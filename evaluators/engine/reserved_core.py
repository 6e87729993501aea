"""Adaptive choice whether a model on the CPU leaves one core to the web server while requests wait.

Threads that compute in step wait for the one that the web server interrupts. A small model keeps that server
busy, so that all cores but one count as fast as all, and every page is answered sooner; with a large model
the server has little to do, and its core would lie idle. So both are timed while chunks are counted.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from evaluators.encoder.cpu_threads import all_cores_but_one

_MOST_COST = 1.25
"""Most seconds an image on all cores but one, as a multiple of those on all cores."""
_RETRY_CHUNKS = 16
"""Chunks after which the other choice is timed again: the load on the server changes."""
_MEMORY = 0.9


class ReservedCore:
    """Timings of one model. Not thread-safe: for the thread that counts."""

    def __init__(self) -> None:
        self._seconds = {True: 0.0, False: 0.0}  # an image, by whether a core was left
        self._chunks = 0

    @contextmanager
    def counting(self, images: int) -> Iterator[bool]:
        """Leave a core or not, for the length of a ``with`` block that counts ``images`` images.

        Yields: whether a core is left.
        """
        self._chunks += 1
        leave = self._seconds[True] <= _MOST_COST * self._seconds[False]
        if self._chunks % _RETRY_CHUNKS == 0:
            leave = not leave
        began = time.perf_counter()
        if leave:
            with all_cores_but_one():
                yield True
        else:
            yield False
        seconds = (time.perf_counter() - began) / images
        self._seconds[leave] = _MEMORY * (self._seconds[leave] or seconds) + (1 - _MEMORY) * seconds
