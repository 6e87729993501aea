"""How many cores a model uses while requests wait."""

import threading
from collections.abc import Callable

import pytest
import torch

from evaluators.encoder.cpu_threads import all_cores_but_one, one_thread_per_worker
from evaluators.engine import reserved_core
from evaluators.engine.reserved_core import ReservedCore


class Clock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def two_threads(torch_threads: Callable[[int], None]) -> None:
    torch_threads(2)


def choices(reserved: ReservedCore, clock: Clock, chunks: int, on_all: float, on_less: float) -> list[bool]:
    """For each chunk of ten images whether a core was left, given the seconds that they take."""
    left = []
    for _ in range(chunks):
        with reserved.counting(10) as leaves:
            left.append(leaves)
            assert torch.get_num_threads() == (1 if leaves else 2)
            clock.now += on_less if leaves else on_all
        assert torch.get_num_threads() == 2
    return left


def test_a_core_is_left_where_that_costs_little(two_threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(reserved_core, "time", clock)
    left = choices(ReservedCore(), clock, 48, on_all=1.0, on_less=1.1)
    assert left.count(True) >= 44, "most chunks leave a core"
    assert not all(left[-16:]), "all cores are tried again"


def test_all_cores_are_used_where_one_less_costs_much(
    two_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(reserved_core, "time", clock)
    reserved = ReservedCore()
    assert choices(reserved, clock, 48, on_all=1.0, on_less=1.9).count(True) <= 4
    later = choices(reserved, clock, 480, on_all=2.0, on_less=1.9)  # the load has grown
    assert later[-32:].count(True) >= 30


def test_all_cores_are_used_again_after_an_error(two_threads: None) -> None:
    def fail() -> None:
        with ReservedCore().counting(10) as leaves:
            assert leaves
            raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        fail()
    assert torch.get_num_threads() == 2


def test_one_thread_for_each_worker_stays_so(two_threads: None) -> None:
    with one_thread_per_worker() as workers:
        assert workers == 2
        with all_cores_but_one():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_a_grid_waits_for_all_cores(two_threads: None) -> None:
    """A thread takes over the number that another has set last: the grid waits until that is all cores."""
    inside, workers = threading.Event(), []

    def share() -> None:
        inside.set()
        with one_thread_per_worker() as number:
            workers.append(number)

    with all_cores_but_one():
        other = threading.Thread(target=share)
        other.start()
        inside.wait()
        other.join(0.1)  # time in which a broken lock would let it in
        assert workers == []
    other.join()
    assert workers == [2]
