"""One line of JSON a request on standard error: what it cost and how it ended, no word about who asked."""

import json
import logging
import queue
import sys
import threading
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, TextIO

from evaluators.service.request_stats import Observer, RequestStats

LOGGER = "lines.requests"
KEPT = 1000
"""Lines that wait to be written; where nobody reads standard error, further ones are lost, not waited for."""
LAST = 1.0
"""Seconds that the end of the process waits for lines that are left."""
_DIGITS = 4


def request_log(stream: TextIO | None = None) -> Observer:
    """What a studio tells its accounts, so that each becomes one line of the logger ``lines.requests``.

    A second call takes the place of the first: there is never more than one line a request. Lines are
    written by a thread of their own: whoever stops reading them must not stop the visitors.

    Args:
        stream: where lines go; standard error if left out.
    Cost: 30 microseconds a line, which is why superseded requests of a moving slider are lines too.
    """
    log = logging.getLogger(LOGGER)
    for earlier in log.handlers:
        earlier.close()
    log.handlers = [_Apart(logging.StreamHandler(sys.stderr if stream is None else stream))]
    log.propagate = False  # else a handler of the root logger writes each line once more
    log.setLevel(logging.INFO)

    def observe(account: RequestStats) -> None:
        log.info(json.dumps(line(account), separators=(",", ":")))

    return observe


class _Apart(logging.Handler):
    """Hands records to a thread that writes them, and never waits for it but at the end.

    The end may come more than once: whoever configures logging anew, as uvicorn does when it starts, closes
    every handler there is. The next record begins another thread.
    """

    def __init__(self, writes: logging.Handler) -> None:
        super().__init__()
        self._writes = writes
        self._records: queue.Queue[logging.LogRecord | None] = queue.Queue(KEPT)
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="request log", daemon=True)
            self._thread.start()
        with suppress(queue.Full):
            self._records.put_nowait(record)

    def flush(self) -> None:
        """Give the thread a second to write what is left."""
        records = self._records
        with records.all_tasks_done:
            records.all_tasks_done.wait_for(lambda: not records.unfinished_tasks, LAST)

    def close(self) -> None:
        """End the thread, once it has written what is left."""
        if self._thread is not None:
            with suppress(queue.Full):
                self._records.put_nowait(None)
            self._thread.join(LAST)
            self._thread = None
        super().close()

    def _write(self) -> None:
        going = True
        while going:
            record = self._records.get()
            if record is None:
                going = False
            else:
                self._writes.handle(record)
            self._records.task_done()


def line(account: RequestStats) -> dict[str, Any]:
    """The fields of a request's line, in order; seconds to four decimals."""
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "event": "request",
        "spec": account.spec,
        "outcome": account.outcome,
        "cached": account.cached,
        "queue": round(account.queue, _DIGITS),
        "edit": round(account.edit, _DIGITS),
        "forward": round(account.forward, _DIGITS),
        "seconds": round(account.seconds, _DIGITS),
        "first": round(account.first, _DIGITS),
        "counted": account.counted,
        "shared": account.shared,
        "error": account.error,
    }
