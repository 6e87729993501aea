"""Waiting in tests for what other threads do."""

import time
from collections.abc import Callable


def soon(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Until ``condition()`` holds, for at most so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)
