"""How often numbers that are being refined are sent: the rarer, the more requests are counted at once."""

from __future__ import annotations

import time
from collections.abc import Callable

ANSWER_SECONDS = 0.002
"""Of the app, one thread for all visitors, such an answer: `python -m benchmarks app_costs` measures it."""
SHARE = 0.25
"""Of the app's time, at most, that goes into answers which only narrow intervals."""


class AnswerPace:
    """Which of a request's answers are sent: the first one, the complete one, and between them as many as the
    app can make for all requests.

    On one device an answer is sent a chunk. On many workers the refinements of some visitors would delay the
    first numbers of others.

    Args:
        running: how many requests are counted just now.
        clock: in seconds.
    """

    def __init__(self, running: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._running = running
        self._clock = clock
        self._sent = float("-inf")

    def due(self, complete: bool) -> bool:
        """Whether an answer that is there now is to be sent."""
        now = self._clock()
        if not complete and now - self._sent < self._running() * ANSWER_SECONDS / SHARE:
            return False
        self._sent = now
        return True
