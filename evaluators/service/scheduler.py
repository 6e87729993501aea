"""Whose turn it is: one model, many visitors, the newest request of each.

A request announces itself, and every chunk it counts takes one turn. First numbers come before what refines
numbers on the screen, and that before sweeps, but nobody waits for ever: after a few turns of one rank the
next lower one gets one. Within a rank, whoever has waited longest comes first, and a visitor who asks for
something else meanwhile keeps the place.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from itertools import count
from weakref import WeakValueDictionary

from evaluators.errors import Queued, QueueFull, Superseded

MOST_WAITING = 256
"""Requests in the line; one more is turned away."""
IN_A_ROW = 8
"""Turns that one rank has while lower ones wait, before one of these gets one."""
PLACES_KEPT = 4096
PLACE_LASTS = 30.0
"""Seconds for which a visitor who was told to wait keeps the place without asking again."""
_FIRST_GUESS = 0.1
_MEMORY = 0.9


class Priority(IntEnum):
    """What a turn is for, most urgent first."""

    NUMBERS = 0
    """First numbers, which somebody looks at an old image for."""
    MOVING = 1
    """First numbers of a place that a slider passes: where it comes to rest matters more."""
    REFINEMENT = 2
    """Narrower intervals around numbers that are shown."""
    BACKGROUND = 3
    """Sweeps and programs."""


class Ticket:
    """One request of a visitor. It is over once a newer one of the same visitor is announced."""

    __slots__ = ("__weakref__", "_called", "_place", "_rank", "superseded", "visitor")

    def __init__(self, visitor: Hashable | None) -> None:
        self.visitor = visitor
        self.superseded = False
        self._called = threading.Event()
        self._rank = Priority.NUMBERS
        self._place: int | None = None  # kept from the first time it waited until it is served

    def check(self) -> None:
        """Raises: Superseded if the visitor has announced a newer request, or has left."""
        if self.superseded:
            raise Superseded("A newer request of the same visitor took the place of this one.")


class Scheduler:
    """Mutual exclusion by tickets. Any method may be called from any thread; turns are not reentrant.

    Visitors are told apart by their names. One who does several things at once has a name for each, which
    begins with the name of the session and a colon (``session_of``).
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._newest: WeakValueDictionary[Hashable, Ticket] = WeakValueDictionary()
        self._waiting: list[Ticket] = []
        self._holder: Ticket | None = None
        self._places: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()
        self._numbers = count()
        self._in_a_row = dict.fromkeys(Priority, 0)
        self._seconds = _FIRST_GUESS
        self._closed = False

    @property
    def held(self) -> bool:
        """Whether somebody has the turn."""
        return self._holder is not None

    @property
    def waiting(self) -> int:
        """Requests in the line."""
        return len(self._waiting)

    def wait(self, rank: Priority = Priority.NUMBERS) -> float:
        """Seconds that a new request of this rank would wait, as far as turns go on as they did."""
        with self._mutex:
            return self._expected(rank, None)[1]

    def announce(self, visitor: Hashable | None) -> Ticket:
        """The ticket of a new request, which supersedes the visitor's older one; None is nobody.

        An older request that waits gives its place to the new one; one that has the turn ends after it.
        """
        ticket = Ticket(visitor)
        if visitor is not None:
            with self._mutex:
                self._supersede(visitor)
                self._newest[visitor] = ticket
        return ticket

    def leave(self, session: str) -> None:
        """Supersede all that a session has asked for, under any of its names."""
        with self._mutex:
            for visitor in [one for one in self._newest if session_of(one) == session]:
                self._supersede(visitor)
            for visitor in [one for one in self._places if session_of(one) == session]:
                del self._places[visitor]

    def close(self) -> None:
        """Supersede everything, and turn away whatever comes from now on."""
        with self._mutex:
            self._closed = True
            for ticket in {*self._waiting, *self._newest.values()}:
                self._end(ticket)

    @contextmanager
    def turn(
        self, ticket: Ticket, rank: Priority = Priority.NUMBERS, patience: float | None = None
    ) -> Iterator[None]:
        """Have the turn for the length of a ``with`` block.

        Args:
            patience: seconds to wait for it at most. Whoever gives up keeps the place in the line for the
                visitor's next request.
        Raises: Superseded if the visitor has announced a newer request, at once also while waiting; Queued
            if it was not served within ``patience``; Crowded if too many wait already.
        """
        self._enter(ticket, rank, patience)
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            with self._mutex:
                self._seconds = _MEMORY * self._seconds + (1 - _MEMORY) * took
                self._pass_on()

    def _enter(self, ticket: Ticket, rank: Priority, patience: float | None) -> None:
        with self._mutex:
            ticket.check()
            if self._closed:
                raise QueueFull("The app is being stopped: try again in a minute.")
            if self._holder is None:
                self._holder = ticket
                self._forget_place(ticket)
                return
            if len(self._waiting) >= MOST_WAITING:
                _, seconds = self._expected(rank, None)
                raise QueueFull(
                    f"{len(self._waiting)} requests are waiting already, which takes about {seconds:.0f} s: "
                    "try again after that."
                )
            ticket._rank = rank
            ticket._place = self._place_of(ticket)
            ticket._called.clear()
            self._waiting.append(ticket)
        try:
            called = ticket._called.wait(patience)
        except BaseException:  # interrupted while waiting: leave the line, or hand on a turn just given
            with self._mutex:
                self._give_up(ticket)
            raise
        with self._mutex:
            if self._holder is ticket and not ticket.superseded:
                return
            if called or ticket.superseded:
                self._give_up(ticket)
                ticket.check()
            ahead, seconds = self._expected(ticket._rank, ticket)
            self._give_up(ticket)
            self._keep_place(ticket)
            raise Queued(f"{ahead} requests come first, which takes about {seconds:.0f} s.", ahead, seconds)

    def _give_up(self, ticket: Ticket) -> None:
        if ticket in self._waiting:
            self._waiting.remove(ticket)
        elif self._holder is ticket:
            self._pass_on()

    def _supersede(self, visitor: Hashable) -> None:
        older = self._newest.pop(visitor, None)
        if older is not None:
            self._end(older)

    def _end(self, ticket: Ticket) -> None:
        """Say to a request that it is over; one that waits leaves its place to the visitor's next."""
        ticket.superseded = True
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            self._keep_place(ticket)
            ticket._called.set()

    def _pass_on(self) -> None:
        self._holder = self._next()
        if self._holder is not None:
            self._waiting.remove(self._holder)
            self._forget_place(self._holder)
            self._holder._called.set()

    def _next(self) -> Ticket | None:
        for rank in Priority:
            mine = [ticket for ticket in self._waiting if ticket._rank == rank]
            if not mine:
                continue
            if any(ticket._rank > rank for ticket in self._waiting):
                if self._in_a_row[rank] >= IN_A_ROW:
                    self._in_a_row[rank] = 0
                    continue
                self._in_a_row[rank] += 1
            return min(mine, key=_place)
        return None

    def _expected(self, rank: Priority, ticket: Ticket | None) -> tuple[int, float]:
        """How many come before a ticket, or before a new one, and the seconds that they take."""
        ahead = sum(
            one._rank < rank or (one._rank == rank and (ticket is None or _place(one) < _place(ticket)))
            for one in self._waiting
        )
        lower = any(one._rank > rank for one in self._waiting)
        turns = ahead + (self._holder is not None) + (ahead // IN_A_ROW if lower else 0)
        return ahead, turns * self._seconds

    def _place_of(self, ticket: Ticket) -> int:
        kept, until = self._places.pop(ticket.visitor, (0, 0.0))
        return kept if until > time.monotonic() else next(self._numbers)

    def _keep_place(self, ticket: Ticket) -> None:
        if ticket.visitor is not None:
            self._places[ticket.visitor] = _place(ticket), time.monotonic() + PLACE_LASTS
            while len(self._places) > PLACES_KEPT:
                self._places.popitem(last=False)

    def _forget_place(self, ticket: Ticket) -> None:
        ticket._place = None
        self._places.pop(ticket.visitor, None)


def session_of(visitor: Hashable | None) -> str:
    """The session that a visitor's name belongs to: all of it, or what stands before its first colon."""
    return "" if visitor is None else str(visitor).partition(":")[0]


def _place(ticket: Ticket) -> int:
    assert ticket._place is not None  # whoever waits has one
    return ticket._place
