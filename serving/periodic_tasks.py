"""What has to be done now and then for as long as the server runs."""

import logging
import threading
from collections.abc import Callable, Sequence

EVERY = 60.0
_LOG = logging.getLogger(__name__)


def keep_house(chores: Sequence[Callable[[], object]], every: float = EVERY) -> threading.Event:
    """Do the chores every so many seconds, in a thread of its own. Returns: what ends it once it is set.

    A chore that fails is logged and tried again the next time.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every):
            for chore in chores:
                try:
                    chore()
                except Exception:  # noqa: BLE001 -- a thread has nobody to raise to
                    _LOG.exception("A chore failed")

    threading.Thread(target=run, name="housekeeping", daemon=True).start()
    return ended
