"""How many cores a model uses while visitors wait."""

import threading
from collections.abc import Callable

import pytest
import torch

from evaluators.encoder.cpu_threads import one_each, one_left
from evaluators.engine import reserved_core as spare_core
from evaluators.engine.reserved_core import ReservedCore


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def two_threads(torch_threads: Callable[[int], None]) -> None:
    torch_threads(2)


def left(spare: ReservedCore, clock: Clock, chunks: int, on_all: float, on_less: float) -> list[bool]:
    """For each of so many chunks of ten images whether a core was left, given the seconds they take."""
    variants = []
    for _ in range(chunks):
        with spare.counting(10) as leaves:
            variants.append(leaves)
            assert torch.get_num_threads() == (1 if leaves else 2)
            clock.now += on_less if leaves else on_all
        assert torch.get_num_threads() == 2
    return variants


def test_a_core_is_left_where_that_costs_little(two_threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(spare_core, "time", clock)
    variants = left(ReservedCore(), clock, 48, on_all=1.0, on_less=1.1)
    assert variants.count(True) >= 44, "most chunks leave a core"
    assert not all(variants[-16:]), "all cores are tried again"


def test_all_cores_are_used_where_one_less_costs_much(
    two_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(spare_core, "time", clock)
    spare = ReservedCore()
    assert left(spare, clock, 48, on_all=1.0, on_less=1.9).count(True) <= 4
    later = left(spare, clock, 480, on_all=2.0, on_less=1.9)  # the crowd has grown
    assert later[-32:].count(True) >= 30


def test_a_core_that_is_left_is_taken_back_after_an_error(two_threads: None) -> None:
    def fail() -> None:
        with ReservedCore().counting(10) as leaves:
            assert leaves
            raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        fail()
    assert torch.get_num_threads() == 2


def test_cores_that_are_shared_out_stay_so(two_threads: None) -> None:
    with one_each() as workers:
        assert workers == 2
        with one_left():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_a_map_sees_all_cores_while_one_is_left(two_threads: None) -> None:
    """A thread takes over the number that another has set last: the map waits until that is all cores."""
    inside, workers = threading.Event(), []

    def share() -> None:
        inside.set()
        with one_each() as number:
            workers.append(number)

    with one_left():
        other = threading.Thread(target=share)
        other.start()
        inside.wait()
        other.join(0.1)
        assert workers == []
    other.join()
    assert workers == [2]
