"""Waiting for a condition that another thread or process brings about."""

import time
from collections.abc import Callable

WATCHDOG = 240.0
"""Seconds until a test gives up waiting for a process: generous, since tests share the machine, but less than
the time limit of a test, so that the test can say what the process has written."""
LONGEST_PAUSE = 0.05


def soon(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until ``condition()`` holds; the time limit is a watchdog, not a requirement.

    It is looked at after a millisecond, then after twice as long each time: looking takes time as well.
    """
    end, pause = time.monotonic() + seconds, 0.001
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:.0f} s"
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
