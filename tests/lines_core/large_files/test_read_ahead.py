"""Items made ahead by a thread: in order, errors where they belong, no thread left behind."""

import threading
from collections.abc import Iterator

import pytest

from lines_core.large_files.read_ahead import read_ahead


def test_order_and_error() -> None:
    def three() -> Iterator[int]:
        yield from range(3)
        raise OSError("gone")

    got: list[int] = []
    with pytest.raises(OSError, match="gone"):
        got.extend(read_ahead(three()))
    assert got == [0, 1, 2]


def test_another_thread_makes_a_few_items_ahead() -> None:
    made: list[int] = []
    ahead = threading.Event()

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(threading.get_ident())
            if number == 3:
                ahead.set()
            yield number

    iterator = read_ahead(items(), ahead=2)
    next(iterator)
    assert ahead.wait(60), "the fourth is made while nobody has asked for the second"
    iterator.close()  # type: ignore[attr-defined]
    assert threading.get_ident() not in made
    assert len(made) <= 5


def test_the_thread_ends_and_closes_its_items_when_the_reader_stops() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    iterator = read_ahead(items())
    next(iterator)
    iterator.close()  # type: ignore[attr-defined]
    assert closed.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "read ahead"]
