import threading
import time
from typing import Any

import pytest

from evaluators.errors import Queued, QueueFull, Superseded
from evaluators.service import scheduler as module
from evaluators.service.scheduler import Priority, Scheduler, Ticket, Visitor
from tests.waiting import soon

ANNA = Visitor("anna")


class Queue:
    """Requests on threads of their own, and the order in which they are served."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
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
        """Begin to wait, behind all that wait already."""
        mine = ticket or (Ticket() if visitor is None else self.scheduler.ticket(visitor))

        def visit() -> None:
            try:
                with self.scheduler.turn(mine, priority, patience):
                    self.served.append(name)
            except Exception as error:  # noqa: BLE001 -- looked at by the test
                self.failed[name] = error

        before = self.scheduler.waiting
        thread = threading.Thread(target=visit)
        thread.start()
        self.threads.append(thread)
        soon(lambda: self.scheduler.waiting == before + 1)
        return mine

    def end(self) -> None:
        """Wait until every request was served or has given up."""
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        assert (self.scheduler.held, self.scheduler.waiting) == (False, 0)


@pytest.fixture
def queue() -> Queue:
    return Queue()


def test_serves_in_order_of_arrival(queue: Queue) -> None:
    with queue.scheduler.turn(Ticket(None)):
        for name in range(8):
            queue.join(name)
        assert queue.scheduler.held
    queue.end()
    assert queue.served == list(range(8))


def test_a_returning_request_queues_behind_waiting_ones() -> None:
    """With threading.Lock the thread that releases and takes again in a loop keeps the other out."""
    scheduler, order = Scheduler(), []

    def other() -> None:
        for _ in range(3):
            with scheduler.turn(Ticket(None)):
                order.append("other")
                soon(lambda: scheduler.waiting == 1 or order.count("we") == 3)

    thread = threading.Thread(target=other)
    with scheduler.turn(Ticket(None)):
        thread.start()
        soon(lambda: scheduler.waiting == 1)
    for turn in range(3):
        with scheduler.turn(Ticket(None)):
            order.append("we")
            if turn < 2:
                soon(lambda: scheduler.waiting == 1)
    thread.join(60)
    assert order == ["other", "we"] * 3


def test_higher_priorities_come_first_and_lower_ones_do_not_starve(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IN_A_ROW", 3)
    with queue.scheduler.turn(Ticket(None)):
        for priority in reversed(Priority):
            for number in range(5):
                queue.join(f"{priority.name[0]}{number}", priority=priority)
    queue.end()
    assert queue.served == "N0 N1 N2 M0 N3 N4 M1 M2 R0 M3 M4 R1 R2 B0 R3 R4 B1 B2 B3 B4".split()


def test_a_newer_request_takes_over_the_queue_position(queue: Queue) -> None:
    """Dragging would otherwise begin at the end of the queue with every move, and never be served."""
    with queue.scheduler.turn(Ticket(None)):
        queue.join("old", ANNA)
        queue.join("ben", Visitor("ben"))
        newer = queue.scheduler.ticket(ANNA)
        soon(lambda: "old" in queue.failed)
        queue.join("new", ticket=newer)
        assert queue.scheduler.waiting == 2
    queue.end()
    assert queue.served == ["new", "ben"]
    assert isinstance(queue.failed["old"], Superseded)


def test_a_dragging_visitor_has_one_running_and_one_waiting_request_at_most(queue: Queue) -> None:
    running = queue.scheduler.ticket(ANNA)
    with queue.scheduler.turn(running):
        for move in range(20):
            newest = queue.scheduler.ticket(ANNA)
            soon(lambda: queue.scheduler.waiting == 0)
            queue.join(move, ticket=newest)
            assert (queue.scheduler.held, queue.scheduler.waiting) == (True, 1)
        assert running.superseded
    queue.end()
    assert queue.served == [19]


def test_a_request_that_stops_waiting_keeps_its_position(queue: Queue) -> None:
    with queue.scheduler.turn(Ticket(None)):
        queue.join("first", Visitor("zoe"))
        with pytest.raises(Queued, match="1 requests come first") as error:
            with queue.scheduler.turn(queue.scheduler.ticket(ANNA), patience=0.01):
                pass
        assert (error.value.ahead, queue.scheduler.waiting) == (1, 1)
        assert error.value.seconds == pytest.approx(2 * queue.scheduler._seconds)
        queue.join("ben", Visitor("ben"))
        queue.join("anna", ANNA)
    queue.end()
    assert queue.served == ["first", "anna", "ben"]


def test_a_kept_position_expires(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POSITION_SECONDS", -1.0)
    with queue.scheduler.turn(Ticket(None)):
        with pytest.raises(Queued), queue.scheduler.turn(queue.scheduler.ticket(ANNA), patience=0.01):
            pass
        queue.join("ben", Visitor("ben"))
        queue.join("anna", ANNA)
    queue.end()
    assert queue.served == ["ben", "anna"]


def test_leaving_supersedes_every_request_of_the_session_only(queue: Queue) -> None:
    running = queue.scheduler.ticket(ANNA)
    with queue.scheduler.turn(running):
        queue.join("sweep", Visitor("anna", "sweep"), Priority.BACKGROUND)
        queue.join("other", Visitor("annabel"))
        queue.scheduler.leave("anna")
        assert running.superseded
    queue.end()
    assert queue.served == ["other"]
    assert isinstance(queue.failed["sweep"], Superseded)
    assert set(queue.scheduler._latest) == {Visitor("annabel")}


def test_a_full_queue_refuses_and_says_when_to_retry(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    with queue.scheduler.turn(Ticket(None)):
        for name in range(3):
            queue.join(name)
        queue.scheduler._seconds = 2.0
        assert queue.scheduler.wait() == 8.0
        with pytest.raises(QueueFull, match="3 requests are waiting already, which takes about 8 s"):
            with queue.scheduler.turn(Ticket(None)):
                pass
    queue.end()
    assert queue.served == [0, 1, 2]


def test_a_superseded_request_never_begins(queue: Queue) -> None:
    older = queue.scheduler.ticket(ANNA)
    queue.scheduler.ticket(ANNA)
    with pytest.raises(Superseded), queue.scheduler.turn(older):
        queue.served.append("older")
    assert not queue.served
    assert not queue.scheduler.held


def test_an_exception_passes_the_turn_on(queue: Queue) -> None:
    with pytest.raises(ZeroDivisionError), queue.scheduler.turn(Ticket(None)):
        raise ZeroDivisionError
    with queue.scheduler.turn(Ticket(None)):
        assert queue.scheduler.held
    queue.end()


def test_an_interrupt_while_waiting_leaves_the_queue(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    wait, here = threading.Event.wait, threading.current_thread()

    def interrupt(self: threading.Event, timeout: float | None = None) -> bool:
        if threading.current_thread() is not here:  # one that an earlier test has left
            return wait(self, timeout)
        raise KeyboardInterrupt

    with queue.scheduler.turn(Ticket(None)):
        with monkeypatch.context() as patch:
            patch.setattr(threading.Event, "wait", interrupt)
            with pytest.raises(KeyboardInterrupt), queue.scheduler.turn(Ticket(None)):
                pass
        assert queue.scheduler.waiting == 0
    queue.end()


def test_the_visitor_silent_for_longest_is_forgotten(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "VISITORS_KEPT", 2)
    tickets = [queue.scheduler.ticket(Visitor(name), "key") for name in ("anna", "ben", "cleo")]
    assert list(queue.scheduler._latest) == [Visitor("ben"), Visitor("cleo")]
    assert not any(ticket.superseded for ticket in tickets)
    assert queue.scheduler.ticket(Visitor("anna"), "key").version > tickets[-1].version


def test_a_move_that_arrives_after_a_later_one_replaces_nothing(queue: Queue) -> None:
    later = queue.scheduler.ticket(ANNA, "later", moves=9)
    with pytest.raises(Superseded, match="arrived before"):
        queue.scheduler.ticket(ANNA, "earlier", moves=8)
    assert not later.superseded
    queue.scheduler.ticket(ANNA, "later", moves=8)  # of the same position
    with pytest.raises(Superseded, match="arrived before"):
        queue.scheduler.ticket(ANNA, "earlier", moves=8)
    queue.scheduler.ticket(Visitor("anna", "merge"), "earlier", moves=1)
    queue.scheduler.ticket(ANNA, "uncounted")
    assert later.superseded


def test_first_numbers_do_not_replace_the_settling_of_the_same_position(queue: Queue) -> None:
    settling = queue.scheduler.ticket(ANNA, "here", settles=True)
    with pytest.raises(Superseded, match="settles the same position"):
        queue.scheduler.ticket(ANNA, "here")
    settling.check()
    queue.scheduler.ticket(ANNA, "here", settles=True)
    with pytest.raises(Superseded, match="newer request"):
        settling.check()
    queue.scheduler.ticket(ANNA, "elsewhere")
    assert not queue.scheduler.ticket(ANNA, "here").superseded


def test_a_session_that_left_starts_anew(queue: Queue) -> None:
    queue.scheduler.ticket(ANNA, "here", moves=9, settles=True)
    queue.scheduler.leave("anna")
    assert not queue.scheduler.ticket(ANNA, "here", moves=1).superseded


def test_many_threads_never_share_a_turn() -> None:
    scheduler, inside, most = Scheduler(), 0, 0

    def work(thread: int) -> None:
        nonlocal inside, most
        for number in range(50):
            try:
                with scheduler.turn(
                    scheduler.ticket(Visitor(f"{thread % 4}")), Priority(number % 3), patience=0.05
                ):
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
        thread.join(60)
    assert (most, scheduler.held, scheduler.waiting) == (1, False, 0)


def test_several_turns_at_once(queue: Queue) -> None:
    """As many as there are encoders; one more waits, and a joining encoder serves it."""
    queue.scheduler.resize(2)
    with queue.scheduler.turn(Ticket()), queue.scheduler.turn(Ticket()):
        assert queue.scheduler.wait() > 0
        queue.join("late")
        assert (queue.scheduler.held, queue.scheduler.waiting) == (2, 1)
        queue.scheduler.resize(3)
        soon(lambda: queue.served == ["late"])
    queue.end()


def test_encoders_that_leave_end_their_turns_first(queue: Queue) -> None:
    queue.scheduler.resize(2)
    with queue.scheduler.turn(Ticket()):
        with queue.scheduler.turn(Ticket()):
            queue.scheduler.resize(0)
            queue.join("next")
        assert (queue.scheduler.held, queue.scheduler.waiting, queue.served) == (1, 1, [])
    queue.end()
    assert queue.served == ["next"]


def test_nobody_waits_while_a_turn_is_free() -> None:
    scheduler = Scheduler()
    scheduler.resize(2)
    with scheduler.turn(Ticket()):
        assert scheduler.wait() == 0.0
