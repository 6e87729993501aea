"""HTTP client for the Hub with time-outs, bounded retries, byte counting and cancellation.

huggingface_hub sends all requests through one HTTP client, which a program may replace. `TimeoutClient` gives
a time-out to every request that has none. Inside a `watching` block it also retries temporary failures (429,
5xx, a broken connection), counts the bytes of a file as they arrive, and stops when the transfer is ended.
The library's own retries are bypassed: they ignore the length of Retry-After, cannot be stopped, and wait 23
seconds for a Hub that is down.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from huggingface_hub import get_session, set_client_factory
from huggingface_hub.utils import httpx

from evaluators.errors import Cancelled

RETRIED = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses of a temporary failure."""


@dataclass(frozen=True)
class Timeouts:
    """Time-outs and retries of requests to the Hub.

    Args:
        connect: seconds for a connection.
        read: seconds without a byte.
        attempts: at one request, and connections without progress at one file.
        pause: seconds before the second attempt; each further pause is twice as long.
        longest_pause: seconds; if the Hub asks for more (Retry-After), the request fails at once.
        slowest: bytes a second, over 30 seconds, below which a transfer fails.
    """

    connect: float = 10.0
    read: float = 10.0
    attempts: int = 4
    pause: float = 1.0
    longest_pause: float = 30.0
    slowest: float = 1024.0


PATIENCE = Timeouts()
WINDOW = 30.0


class Refused(Exception):
    """Every attempt ended with a temporary failure."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.retry_after = retry_after


class Unreachable(Exception):
    """Every attempt ended without an answer, or the connection kept breaking."""


class TooLarge(Exception):
    """More bytes arrived than the caller allows."""


class Transfer:
    """State of one transfer, shared by the thread that fetches and the one that waits for it.

    Args:
        most_bytes: of a file; more end the transfer.
    Attributes:
        done: bytes of the file that have arrived.
        total: its size, None while unknown.
    """

    def __init__(self, patience: Timeouts, most_bytes: int) -> None:
        self.patience = patience
        self.done = 0
        self.total: int | None = None
        self._most_bytes = most_bytes
        self._ended = threading.Event()
        self._furthest = 0
        self._last_furthest = -1
        self._without_progress = 0
        self._window = (time.monotonic(), 0)

    def end(self) -> None:
        """Make the fetching thread stop at its next step."""
        self._ended.set()

    def check(self) -> None:
        """Raises: Cancelled if it has been ended."""
        if self._ended.is_set():
            raise Cancelled("The transfer was stopped.")

    def sleep(self, seconds: float) -> None:
        """Wait. Raises: Cancelled if it is ended meanwhile."""
        self._ended.wait(seconds)
        self.check()

    def connected(self, start: int, size: int | None) -> None:
        """A connection sends ``size`` bytes, from position ``start`` of the file on.

        Raises: Unreachable if too many connections in a row made no progress.
        """
        self._without_progress = self._without_progress + 1 if self._furthest == self._last_furthest else 0
        if self._without_progress >= self.patience.attempts:
            raise Unreachable(
                f"the transfer broke off {self._without_progress} times in a row at byte {self._furthest}"
            )
        self._last_furthest = self._furthest
        self._window = (time.monotonic(), start)
        self.done = start
        if self.total is None and size is not None:
            self.total = start + size

    def arrived(self, count: int) -> None:
        """Count bytes that arrived.

        Raises: Cancelled; TooLarge; Unreachable if they come too slowly.
        """
        self.check()
        self.done += count
        self._furthest = max(self._furthest, self.done)
        if self.done > self._most_bytes:
            raise TooLarge(f"more than {self._most_bytes} bytes")
        began, at = self._window
        now = time.monotonic()
        if now - began >= WINDOW:
            if self.done - at < self.patience.slowest * (now - began):
                raise Unreachable(f"only {self.done - at} bytes came in {now - began:.0f} seconds")
            self._window = (now, self.done)


_CURRENT: ContextVar[Transfer | None] = ContextVar("transfer", default=None)
_INSTALLING = threading.Lock()
_installed = False


@contextmanager
def watching(transfer: Transfer) -> Iterator[None]:
    """All requests of this thread to the Hub belong to a transfer until the block ends."""
    install_client()
    token = _CURRENT.set(transfer)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def install_client() -> None:
    """Make huggingface_hub send its requests through `TimeoutClient`, for the rest of this process."""
    global _installed
    with _INSTALLING:
        if not _installed:
            hooks = get_session().event_hooks  # of the library's own client: offline mode, request ids
            set_client_factory(lambda: TimeoutClient(hooks))
            _installed = True


class TimeoutClient(httpx.Client):
    """The client of huggingface_hub with time-outs, and with retries and byte counting for a `Transfer`.

    Args:
        hooks: event hooks of the client that it replaces.
    """

    def __init__(self, hooks: dict[str, list[Callable[..., Any]]]) -> None:
        super().__init__(event_hooks=hooks, follow_redirects=True)

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send a request. Raises: as httpx does; in a transfer also Refused, Unreachable and Cancelled."""
        transfer = _CURRENT.get()
        patience = PATIENCE if transfer is None else transfer.patience
        ours = {key: patience.connect if key in ("connect", "pool") else patience.read for key in _PHASES}
        given = {} if transfer else request.extensions.get("timeout", {})
        given = {key: seconds for key, seconds in given.items() if seconds is not None}
        request.extensions = {**request.extensions, "timeout": ours | given}
        if transfer is None:
            return super().send(request, stream=stream, **options)

        if stream:
            request.headers["Accept-Encoding"] = "identity"  # so that the size is known and can be counted
        response = self._attempt(transfer, request, stream, options)
        # Most large files are stored in Xet too, but only plain HTTP transfers can be stopped and counted.
        response.headers.pop("X-Xet-Hash", None)
        if stream and response.status_code in (200, 206):
            try:
                transfer.connected(*_span(response))
            except Unreachable:
                response.close()
                raise
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = _CountedStream(response.stream, transfer)
        return response

    def _attempt(
        self, transfer: Transfer, request: httpx.Request, stream: bool, options: dict[str, Any]
    ) -> httpx.Response:
        """The first response that is not a temporary failure."""
        patience = transfer.patience
        for attempt in range(1, patience.attempts + 1):
            transfer.check()
            pause = min(patience.pause * 2 ** (attempt - 1), patience.longest_pause)
            try:
                response = super().send(request, stream=stream, **options)
            except httpx.TransportError as error:
                # A Hub that does not answer at all is not asked again, unless it did a moment ago.
                hung_up = isinstance(error, (httpx.ReadError, httpx.RemoteProtocolError))
                if attempt == patience.attempts or not (hung_up or transfer.done):
                    raise Unreachable(_describe(error)) from error
            else:
                if response.status_code not in RETRIED:
                    return response
                response.close()
                retry_after = _retry_after(response)
                too_long = retry_after is not None and retry_after > patience.longest_pause
                if attempt == patience.attempts or too_long:
                    raise Refused(response.status_code, retry_after)
                pause = pause if retry_after is None else retry_after
            transfer.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


_PHASES = ("connect", "read", "write", "pool")


class _CountedStream(httpx.SyncByteStream):
    """The bytes of a file, counted; a connection reset looks like a hang-up, which the client resumes."""

    def __init__(self, stream: httpx.SyncByteStream, transfer: Transfer) -> None:
        self._stream = stream
        self._transfer = transfer

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                self._transfer.arrived(len(chunk))
                yield chunk
        except httpx.NetworkError as error:
            raise httpx.RemoteProtocolError(_describe(error)) from error

    def close(self) -> None:
        self._stream.close()


def _span(response: httpx.Response) -> tuple[int, int | None]:
    """Position of a response's first byte in the file, and the number of bytes, None if unknown."""
    start = 0
    if response.status_code == 206:
        start = int(response.headers["Content-Range"].removeprefix("bytes ").partition("-")[0])
    length = response.headers.get("Content-Length")
    return start, None if length is None else int(length)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds of Retry-After, None without it (or for a date, which the Hub never sends)."""
    text = response.headers.get("Retry-After", "").strip()
    return float(text) if text.isdigit() else None


def _describe(error: Exception) -> str:
    """Text of an error for a message: time-outs carry none of their own."""
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__
