"""Many edits at once, one a worker: each is streamed by a thread of its own while others are counted."""

import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from evaluators.errors import Cancelled
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation

POLL_SECONDS = 0.1
"""Interval at which cancellation is checked while no result arrives."""
MOST_AT_ONCE = 256
"""Edits that wait for a turn or are counted."""
Measured = tuple[EditSpec, Evaluation]


def run_spread(
    studio: Studio,
    specs: Sequence[EditSpec],
    ticket: Ticket | None = None,
    cancelled: threading.Event | None = None,
    *,
    fresh: bool = False,
) -> Iterator[Measured]:
    """As ``run_sweep``, in any order, on as many workers as there are at any moment.

    Args, Raises: as ``run_sweep``; edits that are being counted then are given up.
    """
    waiting: queue.SimpleQueue[EditSpec] = queue.SimpleQueue()
    for spec in specs:
        waiting.put(spec)
    results: queue.SimpleQueue[Measured | BaseException] = queue.SimpleQueue()
    stop, left, started = threading.Event(), len(specs), 0

    def count() -> None:
        try:
            while not stop.is_set():
                spec = waiting.get_nowait()
                for evaluation in studio.stream(spec, fresh=fresh, background=True):
                    if stop.is_set():
                        return
                    if evaluation.complete:
                        results.put((spec, evaluation))
        except queue.Empty:
            pass
        except BaseException as problem:  # noqa: BLE001 -- raised again where the results are read
            results.put(problem)

    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="spread") as pool:
        try:
            while left:
                while started < min(_lanes(studio), len(specs)):
                    pool.submit(count)
                    started += 1
                if cancelled is not None and cancelled.is_set():
                    raise Cancelled(f"The sweep was cancelled after {len(specs) - left} points.")
                if ticket is not None:
                    ticket.check()
                try:
                    result = results.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    continue
                if isinstance(result, BaseException):
                    raise result
                left -= 1
                yield result
        finally:
            stop.set()


def _lanes(studio: Studio) -> int:
    """Edits to stream at once: one more than there are workers, so that none waits for this process."""
    return min(MOST_AT_ONCE, 1 + (1 if studio.workers is None else studio.workers.ready))
