"""Learning of coefficients beside the live model: for one visitor at a time, in a thread of its own."""

import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

from evaluators.encoder.cpu_threads import one_thread_per_worker
from evaluators.errors import Cancelled, QueueFull
from evaluators.experiments.grid import yield_to_live_requests
from evaluators.experiments.learned_merge import LearnedMerge
from evaluators.experiments.learning_run import SMALL, CoefficientRun, LearningRequest
from evaluators.experiments.spread import POLL_SECONDS
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio


class LearningDesk:
    """Learns for one visitor at a time; a process has one of it. Thread-safe."""

    def __init__(self) -> None:
        self._taken = threading.Lock()

    def learn(
        self,
        studio: Studio,
        request: LearningRequest,
        ticket: Ticket | None = None,
        stop: threading.Event | None = None,
    ) -> Iterator[LearnedMerge]:
        """Learn beside the live model; yields the newest state whenever it is read, the last one counted.

        Requests that wait for the live model come before each forward pass.

        Args:
            ticket: ends it once superseded, as when its visitor leaves.
            stop: ends it at the next forward pass.
        Raises: QueueFull if another one is under way; Cancelled; Superseded; as ``CoefficientRun`` and
            ``learned``.
        """
        if not self._taken.acquire(blocking=False):
            raise QueueFull(
                "Coefficients are being learned for another visitor, one at a time: try again in a few "
                "minutes."
            )
        ended, results = threading.Event(), queue.SimpleQueue[Any]()

        def pause() -> None:
            if ended.is_set() or (stop is not None and stop.is_set()):
                raise Cancelled("Learning was stopped.")
            if ticket is not None:
                ticket.check()
            yield_to_live_requests(studio.busy, ended)

        def work() -> None:
            try:
                lab = studio.lab_of(request.model)
                for state in CoefficientRun(lab, request, pause).steps():
                    results.put(state)
                results.put(None)
            except BaseException as problem:  # noqa: BLE001 -- raised again where the results are read
                results.put(problem)

        small = studio.lab_of(request.model).encoder.layout.numel <= SMALL
        try:
            with (
                one_thread_per_worker() if small else nullcontext(),
                ThreadPoolExecutor(1, thread_name_prefix="learning") as pool,
            ):
                pool.submit(work)
                try:
                    yield from _newest(results)
                finally:
                    ended.set()
        finally:
            self._taken.release()


def _newest(results: "queue.SimpleQueue[Any]") -> Iterator[LearnedMerge]:
    """The first result, then the newest one every ``POLL_SECONDS`` at most, up to None or an exception.

    The last one is never left out.
    """
    newest = results.get()
    while not _ends(newest):
        yield newest
        due = time.monotonic() + POLL_SECONDS
        newest = results.get()
        while not _ends(newest):
            try:
                following = results.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                break
            if _ends(following):
                yield newest
            newest = following
    if newest is not None:
        raise newest


def _ends(result: Any) -> bool:
    return result is None or isinstance(result, BaseException)
