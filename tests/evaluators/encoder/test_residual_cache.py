"""Residuals are made once, beside everything else, for as long as somebody wants them."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor

from evaluators.encoder import residual_cache as residuals
from evaluators.encoder.residual_cache import CancelCheck, ResidualCache
from evaluators.errors import LabError, Preparing, Superseded
from evaluators.specs.merge_spec import MergeSpec
from evaluators.specs.resolved_spec import ResidualSpec
from tests.waiting import soon

SOON = 5.0
"""Seconds that anything here has, on a busy machine too."""


class Maker:
    """Makes residuals of ten bytes, each when it is let.

    Attributes:
        begun: of which one was begun to be made, in order.
        given_up: of which it was stopped.
        most: kept and in the making at once.
    """

    def __init__(self, most: int) -> None:
        self.begun: list[ResidualSpec] = []
        self.given_up: list[ResidualSpec] = []
        self.let: set[ResidualSpec] = set()
        self.error: Exception | None = None
        self.most = 0
        self.residuals = ResidualCache(self.make, lambda of: 10, most)

    def make(self, of: ResidualSpec, check: CancelCheck) -> Tensor:
        self.begun.append(of)
        self.most = max(self.most, len(self.residuals.kept) + 1)
        while of not in self.let:
            try:
                check()
            except Superseded:
                self.given_up.append(of)
                raise
            time.sleep(0.01)
        if self.error is not None:
            raise self.error
        return torch.tensor([float(len(self.begun))])


class Visitor:
    """Wants what it asked for until it does not."""

    def __init__(self) -> None:
        self.gone = False

    def check(self) -> None:
        if self.gone:
            raise Superseded("Gone.")


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


def ask(maker: Maker, of: ResidualSpec, visitor: Visitor, patience: float | None = None) -> Tensor:
    with maker.residuals.pinned(of, visitor.check, patience) as residual:
        return residual


def test_all_who_want_one_get_the_same(threads: ThreadPoolExecutor) -> None:
    maker = Maker(100)
    asking = [threads.submit(ask, maker, "digits", Visitor()) for _ in range(6)]
    soon(lambda: maker.begun)
    maker.let.add("digits")
    assert len({id(one.result(SOON)) for one in asking}) == 1
    assert maker.begun == ["digits"]
    assert ask(maker, "digits", Visitor()) is asking[0].result()


def test_nobody_waits_for_what_another_wants(threads: ThreadPoolExecutor) -> None:
    maker = Maker(100)
    maker.let.add("digits")
    maker.residuals.get("digits")
    slow = threads.submit(ask, maker, "a large merge", Visitor())
    soon(lambda: "a large merge" in maker.begun)
    threads.submit(ask, maker, "digits", Visitor()).result(SOON)
    assert not slow.done()
    maker.let.add("a large merge")
    slow.result(SOON)


def test_what_nobody_wants_any_more_is_given_up(threads: ThreadPoolExecutor) -> None:
    maker, visitor = Maker(100), Visitor()
    asking = threads.submit(ask, maker, "digits", visitor)
    soon(lambda: maker.begun)
    left = time.monotonic()
    visitor.gone = True
    with pytest.raises(Superseded):
        asking.result(SOON)
    soon(lambda: maker.given_up)
    assert time.monotonic() - left < 2
    maker.let.add("digits")
    ask(maker, "digits", Visitor())
    assert maker.begun == ["digits"] * 2


def test_what_waits_to_be_made_is_given_up_unmade(threads: ThreadPoolExecutor) -> None:
    """A slider that is dragged over five densities asks for five merges, and wants the last."""
    maker, moves = Maker(100), [Visitor() for _ in range(5)]
    merges = [MergeSpec(("digits", "faces"), "ties", (("density", n / 10),)) for n in range(5)]
    asking = []
    for number, (merge, move) in enumerate(zip(merges, moves, strict=True)):
        asking.append(threads.submit(ask, maker, merge, move))
        soon(lambda count=number + 1: len(maker.residuals._computations) == count)  # type: ignore[misc]
    for move in moves[:-1]:
        move.gone = True
    maker.let.add(merges[-1])
    asking[-1].result(SOON)
    assert len(maker.begun) == 2, "the one that was in the making, and the last"
    assert list(maker.residuals.kept) == [merges[-1]]


def test_a_checkpoint_does_not_wait_for_a_merge(threads: ThreadPoolExecutor) -> None:
    maker, merge = Maker(20), MergeSpec(("digits", "faces"))
    merging = threads.submit(ask, maker, merge, Visitor())
    soon(lambda: maker.begun)
    maker.let.update(("digits", "faces"))
    for key in ("digits", "faces"):
        threads.submit(ask, maker, key, Visitor()).result(SOON)
    assert not merging.done()
    assert list(maker.residuals.kept) == ["faces"], "there is room for one beside the merge"
    maker.let.add(merge)
    merging.result(SOON)
    assert list(maker.residuals.kept) == ["faces", merge]


def test_it_is_made_further_for_whoever_still_wants_it(threads: ThreadPoolExecutor) -> None:
    maker, first, second = Maker(100), Visitor(), Visitor()
    asking = threads.submit(ask, maker, "digits", first)
    soon(lambda: maker.begun)
    staying = threads.submit(ask, maker, "digits", second)
    soon(lambda: len(maker.residuals._computations["digits"].checks) == 2)
    first.gone = True
    with pytest.raises(Superseded):
        asking.result(SOON)
    time.sleep(2 * residuals.CANCEL_DELAY)
    maker.let.add("digits")
    staying.result(SOON)
    assert maker.begun == ["digits"]


def test_a_visitors_newer_request_finds_it_in_the_making(threads: ThreadPoolExecutor) -> None:
    """Each move of another slider supersedes the request before it, and wants the same residual."""
    maker, before = Maker(100), Visitor()
    asking: Future[Any] = threads.submit(ask, maker, "digits", before)
    soon(lambda: maker.begun)
    for number in range(5):
        soon(lambda n=number + 1: len(maker.residuals._computations["digits"].checks) == n)  # type: ignore[misc]
        time.sleep(0.05)
        before.gone = True
        with pytest.raises(Superseded):
            asking.result(SOON)
        before = Visitor()
        asking = threads.submit(ask, maker, "digits", before)
    maker.let.add("digits")
    asking.result(SOON)
    assert maker.begun == ["digits"]


def test_who_waits_for_long_is_told_and_it_is_made_all_the_same(threads: ThreadPoolExecutor) -> None:
    maker, visitor = Maker(100), Visitor()
    with pytest.raises(Preparing, match="in the making for 0 s") as told:
        ask(maker, "digits", visitor, patience=0.2)
    assert 0.2 <= told.value.seconds < SOON
    with pytest.raises(Preparing) as later:
        ask(maker, "digits", visitor, patience=0.2)
    assert later.value.seconds > told.value.seconds
    maker.let.add("digits")
    soon(lambda: maker.residuals.kept)
    assert maker.begun == ["digits"]


def test_what_is_in_use_stays_and_there_are_never_more_than_have_room(threads: ThreadPoolExecutor) -> None:
    maker = Maker(20)
    maker.let.update("abcde")
    with maker.residuals.pinned("a") as used:
        for of in "bcd":
            maker.residuals.get(of)
        assert list(maker.residuals.kept) == ["a", "d"]
        with maker.residuals.pinned("d"):
            asking = threads.submit(ask, maker, "e", Visitor())
            time.sleep(0.3)
            assert "e" not in maker.begun
        asking.result(SOON)
        assert ask(maker, "a", Visitor()) is used
    assert maker.most == 2


def test_one_is_kept_however_large_it_is() -> None:
    maker = Maker(5)
    maker.let.update("ab")
    for of in "aab":
        maker.residuals.get(of)
    assert maker.begun == ["a", "b"]
    assert list(maker.residuals.kept) == ["b"]


def test_who_uses_one_again_and_again_lets_another_in(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two visitors with a merge each, where there is room for one: both get on."""
    monkeypatch.setattr(residuals, "EVICT_AFTER", 0.2)
    maker, done = Maker(10), threading.Event()
    maker.let.update("ab")
    counted = {"a": 0, "b": 0}

    def count(of: str) -> None:
        while not done.is_set():
            with maker.residuals.pinned(of):
                time.sleep(0.01)
                counted[of] += 1

    counting = [threads.submit(count, of) for of in "ab"]
    soon(lambda: maker.begun.count("a") >= 2 and maker.begun.count("b") >= 2)
    done.set()
    for one in counting:
        one.result(SOON)
    assert min(counted.values()) > 2
    assert maker.most == 1


def test_what_a_visitor_took_away_is_not_kept(threads: ThreadPoolExecutor) -> None:
    maker = Maker(100)
    maker.let.add("a")
    maker.residuals.get("a")
    asking = threads.submit(ask, maker, "mine", Visitor())
    soon(lambda: "mine" in maker.begun)
    maker.residuals.drop(lambda of: of == "mine")
    maker.let.add("mine")
    asking.result(SOON)
    assert list(maker.residuals.kept) == ["a"]
    maker.residuals.drop(lambda of: of == "a")
    assert not list(maker.residuals.kept)


def test_an_error_is_told_to_all_and_the_next_one_tries_again(threads: ThreadPoolExecutor) -> None:
    maker = Maker(100)
    maker.error = LabError("The file is absent.")
    asking = [threads.submit(ask, maker, "digits", Visitor()) for _ in range(3)]
    soon(lambda: maker.begun and len(maker.residuals._computations["digits"].checks) == 3)
    maker.let.add("digits")
    for one in asking:
        with pytest.raises(LabError, match="absent"):
            one.result(SOON)
    maker.error = None
    ask(maker, "digits", Visitor())
    assert maker.residuals._used == {}


def test_those_in_use_give_way_after_that(threads: ThreadPoolExecutor) -> None:
    maker = Maker(100)
    maker.let.update("ab")
    maker.residuals.get("a")
    with maker.residuals.pinned("b"):
        giving = threads.submit(maker.residuals.evict_all, Visitor().check)
        time.sleep(0.2)
        assert list(maker.residuals.kept) == ["a", "b"]
    assert giving.result(SOON)
    assert not list(maker.residuals.kept)
    assert not maker.residuals.evict_all(Visitor().check)
