"""Polling interval of Gradio's event queue while no event waits."""

from gradio import Blocks

POLL_SECONDS = 0.05
"""A queued event waits half of it on average; live slider moves do not go through the queue."""
PROGRESS_POLL_SECONDS = 0.1


def slow_queue_polling(page: Blocks) -> None:
    """Let a launched page look for queued events 20 times a second, as Gradio itself does on Windows.

    The 1,000 times of other systems take 5 % of a core with nobody there.

    Source: gradio 6.31, queueing.py, ``start_processing`` and ``start_progress_updates``, which read both
    attributes anew in every round.
    """
    page._queue.sleep_when_free = POLL_SECONDS
    page._queue.progress_update_sleep_when_free = PROGRESS_POLL_SECONDS
