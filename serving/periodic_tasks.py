"""Periodic tasks of the server, run in one background thread."""

import logging
import threading
from collections.abc import Callable, Sequence

INTERVAL = 60.0
_LOG = logging.getLogger(__name__)


def run_periodically(tasks: Sequence[Callable[[], object]], seconds: float = INTERVAL) -> threading.Event:
    """Run the tasks every so many seconds in a daemon thread. Returns: an event that ends it.

    A task that raises is logged and runs again the next time.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            for task in tasks:
                try:
                    task()
                except Exception:  # noqa: BLE001 -- nobody handles what a thread raises
                    _LOG.exception("A periodic task failed")

    threading.Thread(target=run, name="periodic tasks", daemon=True).start()
    return ended
