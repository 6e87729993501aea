"""Priority scheduler for the encoders, and the registry of every visitor's latest request.

A request has one ticket, and takes one turn for every chunk that it counts. First numbers come before what
refines numbers on the screen, and that before sweeps; after a few turns of one priority the next lower one
gets one, so that none starves. Within a priority the queue is first in, first out, and a visitor's newer
request takes over the queue position of the one that it replaces.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from itertools import count
from typing import NamedTuple

from evaluators.errors import Queued, QueueFull, Superseded

MOST_WAITING = 256
"""Requests in the queue; another one is refused."""
IN_A_ROW = 8
"""Turns that one priority has while lower ones wait, before one of these gets one."""
VISITORS_KEPT = 4096
"""Visitors whose latest request is remembered; beyond that the one silent for longest is forgotten."""
POSITION_SECONDS = 30.0
"""For which a visitor who has stopped waiting keeps the queue position without asking again."""
_FIRST_GUESS = 0.1
_MEMORY = 0.9


class Priority(IntEnum):
    """What a turn is for, most urgent first."""

    NUMBERS = 0
    """First numbers for controls at rest: the visitor looks at an outdated figure until they come."""
    MOVING = 1
    """First numbers of a position that a slider passes: where it comes to rest matters more."""
    REFINEMENT = 2
    """Narrower intervals around numbers that are shown."""
    BACKGROUND = 3
    """Sweeps and programs."""


class Visitor(NamedTuple):
    """Whose request it is: a newer request replaces an older one of the same visitor.

    Args:
        session: of one open page; empty for programs.
        panel: the part of the page; requests of different panels do not replace each other.
    """

    session: str
    panel: str = ""


class Ticket:
    """One request, from the first handler to the last chunk.

    Args:
        visitor: whose it is; None for a request that nothing supersedes.
        key: names what is asked for.
        moves: how often the page's controls had moved by then, as the page counts.
        settles: whether it asks for all numbers, not only for the first ones.
        version: larger than that of every earlier ticket of the same scheduler.
    Attributes:
        superseded: whether a newer request has replaced it, or its visitor has left.
    """

    def __init__(
        self,
        visitor: Visitor | None = None,
        key: str = "",
        moves: float = 0,
        settles: bool = False,
        version: int = 0,
    ) -> None:
        self.visitor = visitor
        self.key = key
        self.moves = moves
        self.settles = settles
        self.version = version
        self.superseded = False
        self._called = threading.Event()
        self._priority = Priority.NUMBERS
        self._position: int | None = None  # in the queue, from the first wait until it is served
        self._position_until = 0.0

    def check(self) -> None:
        """Raises: Superseded if a newer request has replaced this one, or the visitor has left."""
        if self.superseded:
            raise Superseded("A newer request of the same visitor has replaced this one.")


class Scheduler:
    """As many turns at once as there are encoders. Any method may be called from any thread.

    Turns are not reentrant.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._latest: OrderedDict[Visitor, Ticket] = OrderedDict()
        self._waiting: list[Ticket] = []
        self._holders: list[Ticket] = []
        self._turns = 1
        self._versions = count(1)
        self._positions = count()
        self._in_a_row = dict.fromkeys(Priority, 0)
        self._seconds = _FIRST_GUESS
        self._closed = False

    def resize(self, turns: int) -> None:
        """Give so many turns at once from now on, at least one; those that are taken end by themselves."""
        with self._mutex:
            self._turns = max(1, turns)
            self._serve_waiting()

    @property
    def held(self) -> int:
        """Requests that have a turn."""
        return len(self._holders)

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiting)

    def wait(self, priority: Priority = Priority.NUMBERS) -> float:
        """Seconds that a new request of this priority would wait, if turns stay as long as they were."""
        with self._mutex:
            return self._expected(priority, None)[1]

    def ticket(
        self, visitor: Visitor, key: str = "", moves: float | None = None, settles: bool = False
    ) -> Ticket:
        """The ticket of a new request, which supersedes the visitor's older one.

        An older request that waits leaves its queue position to the new one; one that has the turn ends
        after it.

        Args:
            key, moves, settles: as for ``Ticket``; moves is None if the page does not count them.
        Raises: Superseded, and nothing is replaced, if the page sent a request for another position later
            that arrived earlier, or the visitor's latest request settles the very same key.
        """
        with self._mutex:
            older = self._latest.get(visitor)
            moved = 0.0 if older is None else older.moves
            if older is not None and older.key != key and moves is not None and moves < moved:
                raise Superseded("A later request of the same visitor arrived before this one.")
            if older is not None and older.key == key and older.settles and not settles:
                raise Superseded("A request that settles the same position has already begun.")
            ticket = Ticket(visitor, key, max(moved, moves or 0), settles, next(self._versions))
            if older is not None:
                self._end(older)
                ticket._position, ticket._position_until = older._position, older._position_until
            self._latest[visitor] = ticket
            self._latest.move_to_end(visitor)
            while len(self._latest) > VISITORS_KEPT:
                self._latest.popitem(last=False)
            return ticket

    def leave(self, session: str) -> None:
        """Supersede every request of a session, and forget it."""
        with self._mutex:
            for visitor in [visitor for visitor in self._latest if visitor.session == session]:
                self._end(self._latest.pop(visitor))

    def close(self) -> None:
        """Supersede everything, and refuse every later request."""
        with self._mutex:
            self._closed = True
            for ticket in {*self._waiting, *self._latest.values()}:
                self._end(ticket)

    def check(self, ticket: Ticket) -> None:
        """Raises: Superseded if the ticket is; QueueFull once ``close`` was called."""
        ticket.check()
        if self._closed:
            raise QueueFull("The app is being stopped: try again in a minute.")

    @contextmanager
    def turn(
        self, ticket: Ticket, priority: Priority = Priority.NUMBERS, patience: float | None = None
    ) -> Iterator[None]:
        """Hold the turn for the length of a ``with`` block.

        Args:
            patience: seconds to wait for it at most. The queue position is kept for the ticket's next turn,
                and for the visitor's next request.
        Raises: Superseded if the ticket is, also while waiting; Queued if it was not served within
            ``patience``; QueueFull if too many wait already.
        """
        self._enter(ticket, priority, patience)
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            with self._mutex:
                self._seconds = _MEMORY * self._seconds + (1 - _MEMORY) * took
                self._pass_on(ticket)

    def _enter(self, ticket: Ticket, priority: Priority, patience: float | None) -> None:
        with self._mutex:
            self.check(ticket)
            if len(self._holders) < self._turns:
                self._serve(ticket)
                return
            if len(self._waiting) >= MOST_WAITING:
                _, seconds = self._expected(priority, None)
                raise QueueFull(
                    f"{len(self._waiting)} requests are waiting already, which takes about {seconds:.0f} s: "
                    "try again after that."
                )
            ticket._priority = priority
            if ticket._position is None or ticket._position_until < time.monotonic():
                ticket._position = next(self._positions)
            ticket._called.clear()
            self._waiting.append(ticket)
        try:
            called = ticket._called.wait(patience)
        except BaseException:  # interrupted while waiting: leave the queue, or pass on a turn just received
            with self._mutex:
                self._withdraw(ticket)
            raise
        with self._mutex:
            if ticket in self._holders and not ticket.superseded:
                return
            ahead, seconds = 0, 0.0
            if not called and not ticket.superseded:
                ahead, seconds = self._expected(ticket._priority, ticket)
            self._withdraw(ticket)
            ticket.check()
            ticket._position_until = time.monotonic() + POSITION_SECONDS
            raise Queued(f"{ahead} requests come first, which takes about {seconds:.0f} s.", ahead, seconds)

    def _withdraw(self, ticket: Ticket) -> None:
        if ticket in self._waiting:
            self._waiting.remove(ticket)
        elif ticket in self._holders:
            self._pass_on(ticket)

    def _end(self, ticket: Ticket) -> None:
        """Supersede a request; if it waits, its queue position stays for the visitor's next."""
        ticket.superseded = True
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            ticket._position_until = time.monotonic() + POSITION_SECONDS
            ticket._called.set()

    def _serve(self, ticket: Ticket) -> None:
        self._holders.append(ticket)
        ticket._position = None

    def _pass_on(self, ticket: Ticket) -> None:
        self._holders.remove(ticket)
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        while len(self._holders) < self._turns and (ticket := self._next()) is not None:
            self._waiting.remove(ticket)
            self._serve(ticket)
            ticket._called.set()

    def _next(self) -> Ticket | None:
        for priority in Priority:
            waiting = [ticket for ticket in self._waiting if ticket._priority == priority]
            if not waiting:
                continue
            if any(ticket._priority > priority for ticket in self._waiting):
                if self._in_a_row[priority] >= IN_A_ROW:
                    self._in_a_row[priority] = 0
                    continue
                self._in_a_row[priority] += 1
            return min(waiting, key=_position)
        return None

    def _expected(self, priority: Priority, ticket: Ticket | None) -> tuple[int, float]:
        """How many come before a ticket, or before a new one, and the seconds that they take."""
        ahead = sum(
            other._priority < priority
            or (other._priority == priority and (ticket is None or _position(other) < _position(ticket)))
            for other in self._waiting
        )
        lower = any(other._priority > priority for other in self._waiting)
        if len(self._holders) < self._turns:
            return ahead, 0.0
        turns = ahead + len(self._holders) + (ahead // IN_A_ROW if lower else 0)
        return ahead, turns * self._seconds / self._turns


def _position(ticket: Ticket) -> int:
    assert ticket._position is not None  # every waiting ticket has one
    return ticket._position
