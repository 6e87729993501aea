"""Who asked for what last: small per-visitor state with a time to live."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex
from typing import TYPE_CHECKING

from evaluators.errors import Superseded
from evaluators.service import scheduler as turns

if TYPE_CHECKING:
    import gradio as gr

TIME_TO_LIVE = 3600.0
CAPACITY = 2000


def session_of(request: gr.Request) -> str:
    """The session that a request belongs to, under a name that nobody can choose.

    The browser makes one up for each page it opens. Whoever sends none is alone with this one request.
    """
    given = request.session_hash
    return sha256(str(given).encode("utf-8", "replace")).hexdigest()[:32] if given else token_hex(16)


@dataclass(frozen=True)
class Request:
    """A visitor's latest request: `version` grows by one with each, `key` names what was asked.

    Args:
        settles: whether it tells all numbers until they are complete.
        moves: how often the page's controls had moved by then, as it says itself.
    """

    version: int
    key: str
    settles: bool = False
    moves: float = 0


class Visitors:
    """Latest request of each visitor. Every method takes the one lock and returns at once."""

    def __init__(self, time_to_live: float = TIME_TO_LIVE, capacity: int = CAPACITY) -> None:
        self._lock = threading.Lock()
        self._latest: OrderedDict[str, tuple[float, Request]] = OrderedDict()
        self._time_to_live = time_to_live
        self._capacity = capacity
        self._count = 0

    def arrive(self, visitor: str, key: str, settles: bool = False, moves: float | None = None) -> Request:
        """Note a new request and forget visitors who have been silent for too long.

        Args:
            moves: as for ``Request``; None if the page does not say.
        Raises: Superseded if the page had sent a request for another position later, which was faster.
        """
        now = time.monotonic()
        with self._lock:
            _, before = self._latest.get(visitor, (now, None))
            if before is not None and before.key != key and moves is not None and moves < before.moves:
                raise Superseded("A later request of the same visitor was faster.")
            if moves is None:
                moves = 0 if before is None else before.moves
            self._count += 1  # one counter for all: a version stays newer even when a visitor was forgotten
            request = Request(self._count, key, settles, moves)
            self._latest[visitor] = (now, request)
            self._latest.move_to_end(visitor)
            while self._latest:
                seen, _ = next(iter(self._latest.values()))
                if now - seen <= self._time_to_live and len(self._latest) <= self._capacity:
                    break
                self._latest.popitem(last=False)
            return request

    def latest(self, visitor: str) -> Request | None:
        """The visitor's latest request, None if there was none or it was forgotten."""
        with self._lock:
            entry = self._latest.get(visitor)
            return entry[1] if entry else None

    def settles(self, visitor: str, key: str) -> bool:
        """Whether the visitor's latest request tells all numbers of just this."""
        latest = self.latest(visitor)
        return latest is not None and latest.settles and latest.key == key

    def leave(self, session: str) -> None:
        """A session has gone: nothing that it asked for, under any of its names, is the latest any more."""
        with self._lock:
            for visitor in [one for one in self._latest if turns.session_of(one) == session]:
                del self._latest[visitor]

    def is_latest(self, visitor: str, request: Request) -> bool:
        """Whether nothing newer has arrived from this visitor."""
        return self.latest(visitor) == request
