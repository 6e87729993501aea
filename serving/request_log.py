"""Request log: one line of JSON per request on standard error, with nothing about its visitor."""

import json
import logging
import queue
import sys
from contextlib import suppress
from datetime import datetime, timezone
from logging.handlers import QueueHandler, QueueListener
from typing import Any, TextIO

from evaluators.service.request_stats import RequestStats

LOGGER = "lines.requests"
MAX_WAITING = 1000
"""Lines that wait to be written; while nobody reads standard error, further lines are dropped."""
FLUSH_SECONDS = 1.0
"""Timeout for writing the remaining lines."""
_DIGITS = 4


class RequestLog:
    """Observer of a studio that writes the stats of each request to the logger ``lines.requests``.

    A ``QueueListener`` writes the lines in its own thread, so a full pipe does not block requests. A second
    log replaces the first: each request is written once.

    Args:
        stream: destination; standard error by default.
    Cost: 30 microseconds per line, so superseded requests of a moving slider are logged too.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._handler = _DroppingQueueHandler(queue.Queue(MAX_WAITING))
        self._listener = QueueListener(
            self._handler.queue, logging.StreamHandler(sys.stderr if stream is None else stream)
        )
        self._listener.start()
        self._logger = logging.getLogger(LOGGER)
        self._logger.handlers = [self._handler]
        self._logger.propagate = False  # handlers of the root logger would write each line again
        self._logger.setLevel(logging.INFO)

    def __call__(self, stats: RequestStats) -> None:
        """Log a finished request. Never blocks."""
        self._logger.info(json.dumps(log_fields(stats), separators=(",", ":")))

    def flush(self) -> None:
        """Wait until all lines are written, for at most ``FLUSH_SECONDS``.

        To be called before the process exits: uvicorn configures logging when it starts, after which
        ``logging.shutdown`` no longer flushes this handler.
        """
        self._handler.flush()

    def close(self) -> None:
        """Write the remaining lines and end the thread."""
        self._logger.removeHandler(self._handler)
        self._listener.stop()


class _DroppingQueueHandler(QueueHandler):
    """Queue handler that drops records while the queue is full."""

    queue: "queue.Queue[logging.LogRecord]"

    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(queue.Full):
            self.queue.put_nowait(record)

    def flush(self) -> None:
        waiting = self.queue
        with waiting.all_tasks_done:
            waiting.all_tasks_done.wait_for(lambda: not waiting.unfinished_tasks, FLUSH_SECONDS)


def log_fields(stats: RequestStats) -> dict[str, Any]:
    """Fields of a request's line, in order; seconds with four decimals."""
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "event": "request",
        "spec": stats.spec,
        "outcome": stats.outcome,
        "cached": stats.cached,
        "queue": round(stats.queue, _DIGITS),
        "edit": round(stats.edit, _DIGITS),
        "forward": round(stats.forward, _DIGITS),
        "seconds": round(stats.seconds, _DIGITS),
        "first": round(stats.first, _DIGITS),
        "counted": stats.counted,
        "shared": stats.shared,
        "error": stats.error,
    }
