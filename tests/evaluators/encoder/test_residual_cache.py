"""Shared computations, cancellation, pins and eviction, on a clock that the tests advance."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor

from evaluators.encoder.residual_cache import CANCEL_DELAY, EVICT_AFTER, CancelCheck, ResidualCache
from evaluators.errors import LabError, Preparing, Superseded
from evaluators.specs.merge_spec import MergeSpec
from evaluators.specs.resolved_spec import ResidualSpec
from tests.waiting import soon

WATCHDOG = 60.0


class Computer:
    """A cache of residuals that cost 10 bytes; computing one lasts until its spec is in `finished`.

    Attributes:
        started, cancelled: specs in the order in which that happened.
        checks: calls of cancel checks.
        most: residuals in memory at once, cached or being computed.
        now: what the clock of the cache says.
    """

    def __init__(self, max_bytes: int) -> None:
        self.started: list[ResidualSpec] = []
        self.cancelled: list[ResidualSpec] = []
        self.finished: set[ResidualSpec] = set()
        self.error: Exception | None = None
        self.checks = self.most = 0
        self.now = 0.0
        self.cache = ResidualCache(self.compute, lambda spec: 10, max_bytes, clock=lambda: self.now)

    def compute(self, spec: ResidualSpec, check: CancelCheck) -> Tensor:
        self.started.append(spec)
        self.most = max(self.most, len(self.cache.keys) + 1)
        while spec not in self.finished:
            try:
                check()
            except Superseded:
                self.cancelled.append(spec)
                raise
            self.checks += 1
            time.sleep(0.001)
        if self.error is not None:
            raise self.error
        return torch.tensor([float(len(self.started))])

    def wait_for_checks(self) -> None:
        """Until a whole check has begun and ended."""
        seen = self.checks
        soon(lambda: self.checks >= seen + 2)

    def wait_for_requests(self, spec: ResidualSpec, count: int) -> None:
        """Until so many requests have joined the computation of a residual."""
        soon(lambda: len(self.cache._computations[spec].checks) == count)


class Request:
    """A request for a residual, until it is superseded."""

    def __init__(self) -> None:
        self.superseded = False

    def check(self) -> None:
        if self.superseded:
            raise Superseded("Superseded.")


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


def ask(
    computer: Computer, spec: ResidualSpec, request: Request | None = None, patience: float | None = None
) -> Tensor:
    with computer.cache.pinned(spec, (request or Request()).check, patience) as residual:
        return residual


def test_concurrent_requests_share_one_computation(threads: ThreadPoolExecutor) -> None:
    computer = Computer(100)
    asking = [threads.submit(ask, computer, "digits") for _ in range(6)]
    soon(lambda: computer.started)
    computer.finished.add("digits")
    assert len({id(one.result(WATCHDOG)) for one in asking}) == 1
    assert computer.started == ["digits"]
    assert ask(computer, "digits") is asking[0].result()


def test_a_computation_without_requests_is_cancelled_after_a_delay(threads: ThreadPoolExecutor) -> None:
    computer, request = Computer(100), Request()
    asking = threads.submit(ask, computer, "digits", request)
    soon(lambda: computer.started)
    request.superseded = True
    with pytest.raises(Superseded):
        asking.result(WATCHDOG)
    computer.wait_for_checks()
    assert not computer.cancelled
    computer.now += CANCEL_DELAY
    soon(lambda: computer.cancelled)
    computer.finished.add("digits")
    ask(computer, "digits")
    assert computer.started == ["digits"] * 2


def test_a_merge_that_waits_for_another_is_cancelled_unstarted(threads: ThreadPoolExecutor) -> None:
    """A slider that is dragged over five densities requests five merges; only the last is needed."""
    computer, moves = Computer(100), [Request() for _ in range(5)]
    merges = [MergeSpec(("digits", "faces"), "ties", (("density", n / 10),)) for n in range(5)]
    asking = []
    for number, (merge, move) in enumerate(zip(merges, moves, strict=True)):
        asking.append(threads.submit(ask, computer, merge, move))
        soon(lambda count=number + 1: len(computer.cache._computations) == count)  # type: ignore[misc]
    soon(lambda: computer.started)
    for move in moves[:-1]:
        move.superseded = True
    computer.wait_for_checks()
    computer.now += CANCEL_DELAY
    computer.finished.add(merges[-1])
    asking[-1].result(WATCHDOG)
    assert len(computer.started) == 2, "the one that was being computed, and the last"
    assert list(computer.cache.keys) == [merges[-1]]


def test_a_checkpoint_and_a_cache_hit_do_not_wait_for_a_merge(threads: ThreadPoolExecutor) -> None:
    computer, merge = Computer(20), MergeSpec(("digits", "faces"))
    merging = threads.submit(ask, computer, merge)
    soon(lambda: computer.started)
    computer.finished.update(("digits", "faces"))
    for key in ("digits", "faces", "faces"):
        threads.submit(ask, computer, key).result(WATCHDOG)
    assert not merging.done()
    assert list(computer.cache.keys) == ["faces"], "there is memory for one beside the merge"
    computer.finished.add(merge)
    merging.result(WATCHDOG)
    assert list(computer.cache.keys) == ["faces", merge]


def test_a_computation_goes_on_while_one_request_is_left(threads: ThreadPoolExecutor) -> None:
    computer, first = Computer(100), Request()
    asking = threads.submit(ask, computer, "digits", first)
    soon(lambda: computer.started)
    staying = threads.submit(ask, computer, "digits")
    computer.wait_for_requests("digits", 2)
    first.superseded = True
    with pytest.raises(Superseded):
        asking.result(WATCHDOG)
    for _ in range(2):
        computer.wait_for_checks()
        computer.now += 2 * CANCEL_DELAY
    computer.wait_for_checks()
    computer.finished.add("digits")
    staying.result(WATCHDOG)
    assert computer.started == ["digits"]


def test_a_newer_request_joins_the_computation(threads: ThreadPoolExecutor) -> None:
    """Each move of another slider supersedes the request before it, and needs the same residual."""
    computer, request = Computer(100), Request()
    asking: Future[Any] = threads.submit(ask, computer, "digits", request)
    soon(lambda: computer.started)
    for number in range(5):
        computer.wait_for_requests("digits", number + 1)
        computer.wait_for_checks()
        request.superseded = True
        with pytest.raises(Superseded):
            asking.result(WATCHDOG)
        computer.wait_for_checks()
        computer.now += 0.9 * CANCEL_DELAY
        request = Request()
        asking = threads.submit(ask, computer, "digits", request)
    computer.finished.add("digits")
    asking.result(WATCHDOG)
    assert computer.started == ["digits"]


def test_after_its_patience_a_request_ends_and_the_computation_goes_on(threads: ThreadPoolExecutor) -> None:
    computer = Computer(100)
    for requests, seconds in enumerate((3.0, 5.0), start=1):
        asking = threads.submit(ask, computer, "digits", patience=2.0)
        soon(lambda: computer.started)
        computer.wait_for_requests("digits", requests)
        computer.now = seconds
        with pytest.raises(Preparing, match=f"in preparation for {seconds:.0f} s") as raised:
            asking.result(WATCHDOG)
        assert raised.value.seconds == seconds
    computer.finished.add("digits")
    soon(lambda: computer.cache.keys)
    assert computer.started == ["digits"]


def test_pinned_residuals_stay_and_the_limit_holds(threads: ThreadPoolExecutor) -> None:
    computer = Computer(20)
    computer.finished.update("abcde")
    with computer.cache.pinned("a") as pinned:
        for spec in "bcd":
            computer.cache.get(spec)
        assert list(computer.cache.keys) == ["a", "d"]
        with computer.cache.pinned("d"):
            asking = threads.submit(ask, computer, "e")
            soon(lambda: computer.cache._memory_waits)
            with computer.cache._changed:
                assert computer.cache._memory_waits, "it still waits"
                assert "e" not in computer.started
        asking.result(WATCHDOG)
        assert ask(computer, "a") is pinned
    assert computer.most == 2


def test_one_residual_is_cached_however_large_it_is() -> None:
    computer = Computer(5)
    computer.finished.update("ab")
    for spec in "aab":
        computer.cache.get(spec)
    assert computer.started == ["a", "b"]
    assert list(computer.cache.keys) == ["b"]


def test_a_residual_in_constant_use_makes_room_for_another(threads: ThreadPoolExecutor) -> None:
    """Two sessions with a merge each, where there is memory for one: both get answers."""
    computer, done = Computer(10), threading.Event()
    computer.finished.update("ab")
    uses = {"a": 0, "b": 0}

    def use(spec: str) -> None:
        while not done.is_set():
            with computer.cache.pinned(spec):
                computer.now += EVICT_AFTER / 20
                uses[spec] += 1
                time.sleep(0.001)

    using = [threads.submit(use, spec) for spec in "ab"]
    try:
        soon(lambda: all(computer.started.count(spec) >= 2 and uses[spec] > 2 for spec in "ab"))
    finally:
        done.set()
    for one in using:
        one.result(WATCHDOG)
    assert computer.most == 1


def test_a_dropped_residual_is_not_cached(threads: ThreadPoolExecutor) -> None:
    computer = Computer(100)
    computer.finished.add("a")
    computer.cache.get("a")
    asking = threads.submit(ask, computer, "mine")
    soon(lambda: "mine" in computer.started)
    computer.cache.drop(lambda spec: spec == "mine")
    computer.finished.add("mine")
    asking.result(WATCHDOG)
    assert list(computer.cache.keys) == ["a"]
    computer.cache.drop(lambda spec: spec == "a")
    assert list(computer.cache.keys) == []


def test_an_error_reaches_all_requests_and_the_next_one_tries_again(threads: ThreadPoolExecutor) -> None:
    computer = Computer(100)
    computer.error = LabError("The file is absent.")
    asking = [threads.submit(ask, computer, "digits") for _ in range(3)]
    soon(lambda: computer.started)
    computer.wait_for_requests("digits", 3)
    computer.finished.add("digits")
    for one in asking:
        with pytest.raises(LabError, match="absent"):
            one.result(WATCHDOG)
    computer.error = None
    ask(computer, "digits")
    assert computer.cache._pins == {}


def test_evict_all_waits_for_pinned_residuals(threads: ThreadPoolExecutor) -> None:
    computer = Computer(100)
    computer.finished.update("ab")
    computer.cache.get("a")
    with computer.cache.pinned("b"):
        evicting = threads.submit(computer.cache.evict_all, Request().check)
        soon(lambda: computer.cache._memory_waits)
        assert list(computer.cache.keys) == ["a", "b"]
    assert evicting.result(WATCHDOG)
    assert list(computer.cache.keys) == []
    assert not computer.cache.evict_all(Request().check)
