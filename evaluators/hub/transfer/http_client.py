"""Requests to the Hub that end: each has time-outs, a few attempts, and somebody who may stop it.

huggingface_hub sends everything through one HTTP client, which a program may replace. The one put in its
place here gives a time-out to every request that has none; and while a thread is inside `watching`, it
retries what may pass (429, 5xx, a hang-up), counts the bytes of a file as they come in, and lets go when the
transfer is over for whoever began it. The client's own retries do not show through: they have no bound on
Retry-After, cannot be stopped, and wait 23 seconds for a Hub that is not there.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from huggingface_hub import set_client_factory
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]
from huggingface_hub.utils._http import hf_request_event_hook

from evaluators.errors import Cancelled

MAY_PASS = frozenset({408, 429, 500, 502, 503, 504})
"""Answers that say "later" rather than "no"."""


@dataclass(frozen=True)
class Timeouts:
    """How long to wait for the Hub.

    Args:
        connect: seconds for a connection.
        read: seconds without a byte.
        attempts: at one request, and connections without progress at one file.
        pause: seconds before the second attempt; each further pause is twice as long.
        longest_pause: seconds; a Hub that asks for more (Retry-After) is not waited for.
        slowest: bytes a second, over 30 seconds, below which a file is given up.
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
    """The Hub said "later" until patience ended."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.retry_after = retry_after


class Unreachable(Exception):
    """There was no answer, or it broke off until patience ended."""


class TooLarge(Exception):
    """More bytes came in than the caller allows."""


class Transfer:
    """What one thread fetches while another one waits for it.

    Args:
        most_bytes: of a file; more end the transfer.
    Attributes:
        done: bytes of the file that are here.
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
        self._in_vain = 0
        self._window = (time.monotonic(), 0)

    def end(self) -> None:
        """Nobody waits for it any more: whatever the thread does next, it stops."""
        self._ended.set()

    def check(self) -> None:
        """Raises: Cancelled if it has been ended."""
        if self._ended.is_set():
            raise Cancelled("Nobody waits for this file any more.")

    def sleep(self, seconds: float) -> None:
        """Wait. Raises: Cancelled if it is ended meanwhile."""
        self._ended.wait(seconds)
        self.check()

    def connected(self, start: int, size: int | None) -> None:
        """Bytes are about to come in, from the ``start``-th on.

        Raises: Unreachable if connection after connection brought nothing new.
        """
        self._in_vain = self._in_vain + 1 if self._furthest == self._last_furthest else 0
        if self._in_vain >= self.patience.attempts:
            raise Unreachable(
                f"the transfer broke off {self._in_vain} times in a row at byte {self._furthest}"
            )
        self._last_furthest = self._furthest
        self._window = (time.monotonic(), start)
        self.done = start
        if self.total is None and size is not None:
            self.total = start + size

    def arrived(self, count: int) -> None:
        """Count bytes that came in.

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
    """All that this thread asks of the Hub belongs to a transfer until the block ends."""
    install_client()
    token = _CURRENT.set(transfer)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def install_client() -> None:
    """Have huggingface_hub send its requests through `TimeoutClient`, in this process and for good."""
    global _installed
    with _INSTALLING:
        if not _installed:
            set_client_factory(TimeoutClient)
            _installed = True


class TimeoutClient(httpx.Client):
    """The client of huggingface_hub with time-outs, and with attempts and counting for a `Transfer`."""

    def __init__(self) -> None:
        super().__init__(event_hooks={"request": [hf_request_event_hook]}, follow_redirects=True)

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
        # Most large files are in Xet as well. Plain HTTP is the way that can be stopped and counted.
        response.headers.pop("X-Xet-Hash", None)
        if stream and response.status_code in (200, 206):
            try:
                transfer.connected(*_span(response))
            except Unreachable:
                response.close()
                raise
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = _Watched(response.stream, transfer)
        return response

    def _attempt(
        self, transfer: Transfer, request: httpx.Request, stream: bool, options: dict[str, Any]
    ) -> httpx.Response:
        """The first answer that is not "later"."""
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
                    raise Unreachable(_in_words(error)) from error
            else:
                if response.status_code not in MAY_PASS:
                    return response
                response.close()
                asked = _retry_after(response)
                if attempt == patience.attempts or (asked is not None and asked > patience.longest_pause):
                    raise Refused(response.status_code, asked)
                pause = pause if asked is None else asked
            transfer.sleep(pause)
        raise AssertionError("every way out of the last attempt raises")


_PHASES = ("connect", "read", "write", "pool")


class _Watched(httpx.SyncByteStream):
    """The bytes of a file, counted; a reset connection ends as a hang-up does, which the client resumes."""

    def __init__(self, stream: httpx.SyncByteStream, transfer: Transfer) -> None:
        self._stream = stream
        self._transfer = transfer

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._stream:
                self._transfer.arrived(len(piece))
                yield piece
        except httpx.NetworkError as error:
            raise httpx.RemoteProtocolError(_in_words(error)) from error

    def close(self) -> None:
        self._stream.close()


def _span(response: httpx.Response) -> tuple[int, int | None]:
    """First byte of a reply in its file, and how many there are, None if the reply does not say."""
    start = 0
    if response.status_code == 206:
        start = int(response.headers["Content-Range"].removeprefix("bytes ").partition("-")[0])
    length = response.headers.get("Content-Length")
    return start, None if length is None else int(length)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the Hub asks to wait, None if it says nothing (or a date, which the Hub never does)."""
    text = response.headers.get("Retry-After", "").strip()
    return float(text) if text.isdigit() else None


def _in_words(error: Exception) -> str:
    """What went wrong, for a message: time-outs carry no text of their own."""
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__
