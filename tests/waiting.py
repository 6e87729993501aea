"""Waiting for a condition that another thread brings about."""

import time
from collections.abc import Callable


def soon(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until ``condition()`` holds; the time limit is a watchdog, not a requirement."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)
