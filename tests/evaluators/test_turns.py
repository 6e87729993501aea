import threading
import time

import pytest

from evaluators.turns import TurnLock


def wait_for(condition: object) -> None:
    """Until ``condition()`` holds, for at most five seconds."""
    assert callable(condition)
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_serves_in_order_of_arrival() -> None:
    lock, order, threads = TurnLock(), [], []

    def visit(name: int) -> None:
        with lock:
            order.append(name)

    with lock:
        for name in range(8):
            threads.append(threading.Thread(target=visit, args=(name,)))
            threads[-1].start()
            wait_for(lambda waiting=name + 1: len(lock._waiting) == waiting)
    for thread in threads:
        thread.join(5)
    assert order == list(range(8))


def test_who_comes_back_queues_behind_who_waits() -> None:
    """With threading.Lock the thread that releases and takes again in a loop keeps the other out."""
    lock, order = TurnLock(), []

    def other() -> None:
        for _ in range(3):
            with lock:
                order.append("other")
                wait_for(lambda: len(lock._waiting) == 1 or order.count("we") == 3)

    thread = threading.Thread(target=other)
    with lock:
        thread.start()
        wait_for(lambda: len(lock._waiting) == 1)
    for turn in range(3):
        with lock:
            order.append("we")
            wait_for(lambda last=turn == 2: last or len(lock._waiting) == 1)
    thread.join(5)
    assert order == ["other", "we"] * 3


def test_an_exception_passes_the_turn_on() -> None:
    lock = TurnLock()
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    with lock:
        assert lock._held
    assert not lock._held


def test_interrupted_while_waiting_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = TurnLock()

    def interrupt(self: threading.Event, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    with lock:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Event, "wait", interrupt)
            with pytest.raises(KeyboardInterrupt):
                lock.__enter__()
        assert not lock._waiting
    assert not lock._held
