"""Progress on standard error: what is done and how long it still takes, once it takes over a second."""

import sys
import time
from types import TracebackType

QUIET = 1.0
"""Seconds without a word."""
LEAST_PERCENT = 3
"""Before that, how long it takes is not said: the first pieces are no measure of it."""
EVERY = {True: 0.2, False: 10.0}
"""Seconds between two reports to a terminal, and to a file."""


class ProgressLine:
    """Called with what is done and the total; a line that is rewritten on a terminal, lines elsewhere."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._width = 0
        self._terminal = sys.stderr.isatty()
        self.restart()

    def restart(self) -> None:
        """Begin anew: what is done from now on says how long the rest takes."""
        self._began = time.monotonic()
        self._next = self._began + QUIET

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._next or not 0 < done < total:
            return
        self._next = now + EVERY[self._terminal]
        left = (now - self._began) * (total - done) / done
        known = 100 * done >= LEAST_PERCENT * total
        text = f"{self._title}: {100 * done // total} %" + (f", {duration(left)} left" if known else "")
        if self._terminal:
            sys.stderr.write(f"\r{text:{self._width}}")
            self._width = len(text)
        else:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._width:
            sys.stderr.write(f"\r{'':{self._width}}\r")


def duration(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes.

    >>> duration(8.2), duration(80), duration(2 * 3600 + 65)
    ('9 s', '1 min 20 s', '2 h 1 min')
    """
    whole = int(-(-seconds // 1))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
