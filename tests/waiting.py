"""Waiting for a condition that another thread or process brings about."""

import time
from collections.abc import Callable

WATCHDOG = 240.0
"""Seconds until a test gives up waiting for a process: generous, since tests share the machine, but less than
the time limit of a test, so that the test can say what the process has written."""


def soon(condition: Callable[[], object], seconds: float = 60.0, pause: float = 0.001) -> None:
    """Wait until ``condition()`` holds; the time limit is a watchdog, not a requirement.

    Args:
        pause: seconds between two looks, which cost the machine time as well.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:.0f} s"
        time.sleep(pause)
