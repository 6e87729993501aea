import threading
import time
from typing import Any

import pytest

from evaluators.errors import Queued, QueueFull, Superseded
from evaluators.service import scheduler as module
from evaluators.service.scheduler import Priority, Scheduler, Ticket, Visitor
from tests.waiting import soon

ANNA = Visitor("anna")


class Line:
    """Visitors on threads of their own, and the order in which they are served."""

    def __init__(self) -> None:
        self.turns = Scheduler()
        self.served: list[Any] = []
        self.failed: dict[Any, Exception] = {}
        self.threads: list[threading.Thread] = []

    def join(
        self,
        name: Any,
        visitor: Visitor | None = None,
        priority: Priority = Priority.NUMBERS,
        patience: float | None = None,
        ticket: Ticket | None = None,
    ) -> Ticket:
        """Begin to wait, behind all who wait already."""
        mine = ticket or (Ticket() if visitor is None else self.turns.ticket(visitor))

        def visit() -> None:
            try:
                with self.turns.turn(mine, priority, patience):
                    self.served.append(name)
            except Exception as error:  # noqa: BLE001 -- looked at by the test
                self.failed[name] = error

        before = self.turns.waiting
        thread = threading.Thread(target=visit)
        thread.start()
        self.threads.append(thread)
        soon(lambda: self.turns.waiting == before + 1)
        return mine

    def end(self) -> None:
        """Until everybody was served or has given up."""
        for thread in self.threads:
            thread.join(5)
            assert not thread.is_alive()
        assert (self.turns.held, self.turns.waiting) == (False, 0)


@pytest.fixture
def line() -> Line:
    return Line()


def test_serves_in_order_of_arrival(line: Line) -> None:
    with line.turns.turn(Ticket(None)):
        for name in range(8):
            line.join(name)
        assert line.turns.held
    line.end()
    assert line.served == list(range(8))


def test_who_comes_back_queues_behind_who_waits() -> None:
    """With threading.Lock the thread that releases and takes again in a loop keeps the other out."""
    turns, order = Scheduler(), []

    def other() -> None:
        for _ in range(3):
            with turns.turn(Ticket(None)):
                order.append("other")
                soon(lambda: turns.waiting == 1 or order.count("we") == 3)

    thread = threading.Thread(target=other)
    with turns.turn(Ticket(None)):
        thread.start()
        soon(lambda: turns.waiting == 1)
    for turn in range(3):
        with turns.turn(Ticket(None)):
            order.append("we")
            if turn < 2:
                soon(lambda: turns.waiting == 1)
    thread.join(5)
    assert order == ["other", "we"] * 3


def test_first_numbers_come_before_refinement_and_that_before_sweeps_yet_each_gets_its_share(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IN_A_ROW", 3)
    with line.turns.turn(Ticket(None)):
        for priority in reversed(Priority):
            for number in range(5):
                line.join(f"{priority.name[0]}{number}", priority=priority)
    line.end()
    assert line.served == "N0 N1 N2 M0 N3 N4 M1 M2 R0 M3 M4 R1 R2 B0 R3 R4 B1 B2 B3 B4".split()


def test_the_newest_request_of_a_visitor_takes_the_place_of_the_older(line: Line) -> None:
    """Whoever drags would otherwise begin at the end of the line with every move, and never be served."""
    with line.turns.turn(Ticket(None)):
        line.join("old", ANNA)
        line.join("ben", Visitor("ben"))
        newer = line.turns.ticket(ANNA)
        soon(lambda: "old" in line.failed)
        line.join("new", ticket=newer)
        assert line.turns.waiting == 2
    line.end()
    assert line.served == ["new", "ben"]
    assert isinstance(line.failed["old"], Superseded)


def test_a_dragging_visitor_has_one_running_and_one_waiting_request_at_most(line: Line) -> None:
    running = line.turns.ticket(ANNA)
    with line.turns.turn(running):
        for move in range(20):
            newest = line.turns.ticket(ANNA)
            soon(lambda: line.turns.waiting == 0)
            line.join(move, ticket=newest)
            assert (line.turns.held, line.turns.waiting) == (True, 1)
        assert running.superseded
    line.end()
    assert line.served == [19]


def test_whoever_gives_up_keeps_the_place(line: Line) -> None:
    with line.turns.turn(Ticket(None)):
        line.join("first", Visitor("zoe"))
        with pytest.raises(Queued, match="1 requests come first") as told:
            with line.turns.turn(line.turns.ticket(ANNA), patience=0.01):
                pass
        assert (told.value.ahead, line.turns.waiting) == (1, 1)
        assert told.value.seconds == pytest.approx(2 * line.turns._seconds)
        line.join("ben", Visitor("ben"))
        line.join("anna", ANNA)
    line.end()
    assert line.served == ["first", "anna", "ben"]


def test_a_kept_place_does_not_last_for_ever(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POSITION_SECONDS", -1.0)
    with line.turns.turn(Ticket(None)):
        with pytest.raises(Queued), line.turns.turn(line.turns.ticket(ANNA), patience=0.01):
            pass
        line.join("ben", Visitor("ben"))
        line.join("anna", ANNA)
    line.end()
    assert line.served == ["ben", "anna"]


def test_leaving_stops_all_that_a_session_asked_for_and_nobody_else(line: Line) -> None:
    running = line.turns.ticket(ANNA)
    with line.turns.turn(running):
        line.join("sweep", Visitor("anna", "sweep"), Priority.BACKGROUND)
        line.join("other", Visitor("annabel"))
        line.turns.leave("anna")
        assert running.superseded
    line.end()
    assert line.served == ["other"]
    assert isinstance(line.failed["sweep"], Superseded)
    assert set(line.turns._latest) == {Visitor("annabel")}


def test_too_many_are_turned_away_and_told_when_to_come_back(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    with line.turns.turn(Ticket(None)):
        for name in range(3):
            line.join(name)
        line.turns._seconds = 2.0
        assert line.turns.wait() == 8.0
        with pytest.raises(QueueFull, match="3 requests are waiting already, which takes about 8 s"):
            with line.turns.turn(Ticket(None)):
                pass
    line.end()
    assert line.served == [0, 1, 2]


def test_a_superseded_request_never_begins(line: Line) -> None:
    older = line.turns.ticket(ANNA)
    line.turns.ticket(ANNA)
    with pytest.raises(Superseded), line.turns.turn(older):
        line.served.append("older")
    assert not line.served
    assert not line.turns.held


def test_an_exception_passes_the_turn_on(line: Line) -> None:
    with pytest.raises(ZeroDivisionError), line.turns.turn(Ticket(None)):
        raise ZeroDivisionError
    with line.turns.turn(Ticket(None)):
        assert line.turns.held
    line.end()


def test_interrupted_while_waiting_leaves_the_line(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: threading.Event, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    with line.turns.turn(Ticket(None)):
        with monkeypatch.context() as patch:
            patch.setattr(threading.Event, "wait", interrupt)
            with pytest.raises(KeyboardInterrupt), line.turns.turn(Ticket(None)):
                pass
        assert line.turns.waiting == 0
    line.end()


def test_the_visitor_silent_for_longest_is_forgotten(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "VISITORS_KEPT", 2)
    tickets = [line.turns.ticket(Visitor(name), "key") for name in ("anna", "ben", "cleo")]
    assert list(line.turns._latest) == [Visitor("ben"), Visitor("cleo")]
    assert not any(ticket.superseded for ticket in tickets)
    assert line.turns.ticket(Visitor("anna"), "key").version > tickets[-1].version


def test_a_move_that_arrives_after_a_later_one_replaces_nothing(line: Line) -> None:
    later = line.turns.ticket(ANNA, "later", moves=9)
    with pytest.raises(Superseded, match="arrived before"):
        line.turns.ticket(ANNA, "earlier", moves=8)
    assert not later.superseded
    line.turns.ticket(ANNA, "later", moves=8)  # of the same position
    with pytest.raises(Superseded, match="arrived before"):
        line.turns.ticket(ANNA, "earlier", moves=8)
    line.turns.ticket(Visitor("anna", "merge"), "earlier", moves=1)
    line.turns.ticket(ANNA, "uncounted")
    assert later.superseded


def test_first_numbers_do_not_replace_the_settling_of_the_same_position(line: Line) -> None:
    settling = line.turns.ticket(ANNA, "here", settles=True)
    with pytest.raises(Superseded, match="settles the same position"):
        line.turns.ticket(ANNA, "here")
    settling.check()
    line.turns.ticket(ANNA, "here", settles=True)
    with pytest.raises(Superseded, match="newer request"):
        settling.check()
    line.turns.ticket(ANNA, "elsewhere")
    assert not line.turns.ticket(ANNA, "here").superseded


def test_whoever_has_left_is_superseded_by_nothing_of_the_past(line: Line) -> None:
    line.turns.ticket(ANNA, "here", moves=9, settles=True)
    line.turns.leave("anna")
    assert not line.turns.ticket(ANNA, "here", moves=1).superseded


def test_many_threads_never_share_a_turn() -> None:
    turns, inside, most = Scheduler(), 0, 0

    def work(thread: int) -> None:
        nonlocal inside, most
        for number in range(50):
            try:
                with turns.turn(turns.ticket(Visitor(f"{thread % 4}")), Priority(number % 3), patience=0.05):
                    inside += 1
                    most = max(most, inside)
                    time.sleep(0)
                    inside -= 1
            except (Superseded, Queued):
                continue

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (most, turns.held, turns.waiting) == (1, False, 0)
