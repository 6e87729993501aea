"""Blocking network calls in threads, for a caller that can be cancelled at any time."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import TracebackType
from typing import TypeVar

from evaluators.errors import Cancelled, HubError
from evaluators.hub.transfer.http_client import PATIENCE, Timeouts, Transfer, watching

AT_ONCE = 8
SILENCE = 300.0
_LISTINGS = 64 << 20
"""Size limit of a listing or dataset card, in bytes."""
_POLL = 0.1
_GRACE = 0.5
"""Seconds that a stopped transfer gets to delete what it has written before its caller goes on."""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
Progress = Callable[[int, int], None]
"""Called with the part that is done and the total, such as bytes, in the thread that called."""


def in_thread(function: Callable[[], _Result], name: str) -> Future[_Result]:
    """Start a blocking call in a daemon thread of its own, which the process does not wait for at its end."""
    future: Future[_Result] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised to whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def watched(
    function: Callable[[], _Result],
    transfer: Transfer,
    what: str,
    progress: Progress | None,
    stop: threading.Event | None,
) -> _Result:
    """The result of ``function``, which waits for the network in a thread of its own.

    Args:
        transfer: that the requests of ``function`` belong to.
        what: is fetched, for messages.
        progress: called with bytes about ten times a second.
        stop: set it to give up.
    Raises: what ``function`` raises; Cancelled within 0.6 s of ``stop``.
    """

    def in_transfer() -> _Result:
        with watching(transfer):
            return function()

    future = in_thread(in_transfer, f"fetch {what}")
    reported = 0
    try:
        while not future.done():
            wait([future], _POLL)
            if stop is not None and stop.is_set():
                raise Cancelled(f"Stopped fetching {what}.")
            if progress is not None and transfer.total and reported != transfer.done < transfer.total:
                reported = transfer.done
                progress(reported, transfer.total)
    finally:
        transfer.end()
        wait([future], _GRACE)
    return future.result()


class Traffic:
    """Byte count and cancellation of the requests of several threads. Thread-safe.

    Attributes:
        last_arrival: monotonic time when something last arrived.
        redirected: address of each file's storage; asked directly, since the Hub limits its own requests.
    """

    def __init__(self, patience: Timeouts) -> None:
        self.bytes_read = 0
        self.last_arrival = time.monotonic()
        self.redirected: dict[str, str] = {}
        self._patience = patience
        self._ended = False
        self._transfers: set[Transfer] = set()
        self._lock = threading.Lock()

    @contextmanager
    def request(self, most_bytes: int) -> Iterator[None]:
        """All requests of this thread within the block are limited in size, and stop at ``end``.

        Raises: Cancelled if it has ended.
        """
        transfer = Transfer(self._patience, most_bytes)
        with self._lock:
            transfer.done = self.bytes_read  # a Hub that has answered before is retried when it does not once
            self._transfers.add(transfer)
            if self._ended:
                transfer.end()
        try:
            transfer.check()
            with watching(transfer):
                yield
        finally:
            with self._lock:
                self._transfers.discard(transfer)

    def arrived(self, count: int = 0) -> None:
        """Count bytes that arrived."""
        with self._lock:
            self.bytes_read += count
            self.last_arrival = time.monotonic()

    def end(self) -> None:
        """Stop all requests."""
        with self._lock:
            self._ended = True
            for transfer in self._transfers:
                transfer.end()

    def check(self) -> None:
        """Raises: Cancelled if it has ended."""
        if self._ended:
            raise Cancelled("The transfer was stopped.")


class Workers:
    """Thread pool for calls that wait for the network. Use it in a ``with`` statement.

    The caller checks for cancellation every 0.1 s, so it never waits for a blocked call: that thread ends by
    itself at its time-out, and its result is dropped.

    Args:
        stop: set it to cancel.
        at_once: calls that run side by side.
        patience: time-outs of each request.
        silence: seconds without any data or result after which the Hub counts as gone.
    """

    def __init__(
        self,
        stop: threading.Event | None,
        patience: Timeouts = PATIENCE,
        at_once: int = AT_ONCE,
        silence: float = SILENCE,
    ) -> None:
        self.traffic = Traffic(patience)
        self._stop = threading.Event() if stop is None else stop
        self._silence = silence
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="hub")

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.traffic.end()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def call(self, function: Callable[[], _Result]) -> _Result:
        """The result of one call with requests to the Hub. Raises: what it raises, and as ``each`` does."""

        def limited(_: None) -> _Result:
            with self.traffic.request(_LISTINGS):
                return function()

        ((_, result),) = self.each(limited, [None])
        return result

    def each(
        self, function: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Iterator[tuple[_Item, _Result]]:
        """Items with their results, in the order in which they are done.

        Raises: the first exception of a call; Cancelled within 0.1 s of ``stop``; HubError after too long a
            silence.
        """
        self.traffic.arrived()
        running: dict[Future[_Result], _Item] = {self._pool.submit(function, item): item for item in items}
        while running:
            if self._stop.is_set():
                raise Cancelled("Stopped: the images read so far are kept for the next time.")
            done, _ = wait(running, _POLL, FIRST_COMPLETED)
            if done:
                self.traffic.arrived()
            elif time.monotonic() - self.traffic.last_arrival > self._silence:
                raise HubError(f"The Hub has sent nothing for {self._silence:.0f} seconds: try again later.")
            for future in done:
                yield running.pop(future), future.result()
