"""Whether a model on the CPU leaves one core to the pages while visitors wait: measured as it goes.

Threads that compute in step wait for the one that the pages' server interrupts. A small model keeps that
server busy, so that all cores but one count as fast as all, and every page is answered sooner; beside a large
one the server has little to do, and its core would lie idle.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from evaluators.encoder.cpu_threads import one_left

_WORTH = 1.25
"""Times the seconds on all cores that a image may cost on all but one, for the sake of the pages."""
_TRIED = 16
"""Every so many chunks the other way is measured again: a crowd comes and goes."""
_MEMORY = 0.9


class ReservedCore:
    """The experience with one model. For one thread, which counts."""

    def __init__(self) -> None:
        self._seconds = {True: 0.0, False: 0.0}  # a image, by whether a core was left
        self._chunks = 0

    @contextmanager
    def counting(self, images: int) -> Iterator[bool]:
        """Leave a core, or not, for the length of a ``with`` block that counts so many images.

        Yields: whether one is left.
        """
        self._chunks += 1
        leave = self._seconds[True] <= _WORTH * self._seconds[False]
        if self._chunks % _TRIED == 0:
            leave = not leave
        began = time.perf_counter()
        if leave:
            with one_left():
                yield True
        else:
            yield False
        seconds = (time.perf_counter() - began) / images
        self._seconds[leave] = _MEMORY * (self._seconds[leave] or seconds) + (1 - _MEMORY) * seconds
