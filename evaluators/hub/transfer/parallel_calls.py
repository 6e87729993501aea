"""Blocking calls side by side, by a caller who may be told to stop at any time."""

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
"""Bytes of a listing or card at most."""
_LOOK = 0.1
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_thread(function: Callable[[], _Result], name: str) -> Future[_Result]:
    """Start a blocking call in a daemon thread of its own, which a process that ends does not wait for."""
    future: Future[_Result] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised to whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


class Traffic:
    """What has come in, and whether anybody still waits for more. Any thread may use it."""

    def __init__(self, patience: Timeouts) -> None:
        self.bytes_read = 0
        self.heard = time.monotonic()
        """When something last came in."""
        self.redirected: dict[str, str] = {}
        """Where the Hub sends us for a file: asked there from then on, as the Hub counts its own requests."""
        self._patience = patience
        self._ended = False
        self._asking: set[Transfer] = set()
        self._lock = threading.Lock()

    @contextmanager
    def asking(self, most_bytes: int) -> Iterator[None]:
        """All that this thread asks of the Hub within the block is bounded, and ends when nobody waits.

        Raises: Cancelled if nobody waits any more.
        """
        transfer = Transfer(self._patience, most_bytes)
        with self._lock:
            # a Hub that has answered before is given another chance when it once does not
            transfer.done = self.bytes_read
            self._asking.add(transfer)
            if self._ended:
                transfer.end()
        try:
            transfer.check()
            with watching(transfer):
                yield
        finally:
            with self._lock:
                self._asking.discard(transfer)

    def arrived(self, count: int = 0) -> None:
        """Count bytes that came in."""
        with self._lock:
            self.bytes_read += count
            self.heard = time.monotonic()

    def end(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._ended = True
            for transfer in self._asking:
                transfer.end()

    def check(self) -> None:
        """Raises: Cancelled if nobody waits any more."""
        if self._ended:
            raise Cancelled("Nobody waits for these images any more.")


class Workers:
    """Threads for calls that wait for the network.

    The caller looks up every 0.1 s, so it is free again at once however long a call still waits: the thread
    ends by itself when its time-out does, and its result is dropped. Use it in a ``with`` statement.

    Args:
        stop: set by whoever no longer wants the result.
        at_once: calls that run side by side.
        patience: with each request.
        silence: seconds without a piece of a file or a result after which the Hub counts as gone.
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

    def ask(self, function: Callable[[], _Result]) -> _Result:
        """What ``function`` returns, which asks the Hub. Raises: what it raises, and as ``each`` does."""

        def asked(_: None) -> _Result:
            with self.traffic.asking(_LISTINGS):
                return function()

        ((_, result),) = self.each(asked, [None])
        return result

    def each(
        self, function: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Iterator[tuple[_Item, _Result]]:
        """Items with their results, the ones done first coming first.

        Raises: the first exception of a call; Cancelled within 0.1 s of being told to stop; HubError after
            too long a silence.
        """
        self.traffic.arrived()
        running: dict[Future[_Result], _Item] = {self._pool.submit(function, item): item for item in items}
        while running:
            if self._stop.is_set():
                raise Cancelled("Stopped: the images read so far are kept for the next time.")
            done, _ = wait(running, _LOOK, FIRST_COMPLETED)
            if done:
                self.traffic.arrived()
            elif time.monotonic() - self.traffic.heard > self._silence:
                raise HubError(f"The Hub has sent nothing for {self._silence:.0f} seconds: try again later.")
            for future in done:
                yield running.pop(future), future.result()
