"""A merge of large checkpoints takes its time: meanwhile everybody else is answered, and it can be left."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from evaluators.encoder.residual_cache import CancelCheck
from evaluators.errors import Preparing, Superseded
from evaluators.service.request_stats import WAITING, RequestStats
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from tests.conftest import CHUNK
from tests.waiting import soon

MERGED = EditSpec.merged(MergeSpec(("digits", "faces"), "ties"), 0.2, 0.3)
OTHER = EditSpec.merged(MergeSpec(("digits", "faces"), "sum"), 0.2, 0.3)
SOON = 10.0


class SlowMerges:
    """Makes an encoder's merges wait until they are let, asking all the time whether they are wanted."""

    def __init__(self, studio: Studio) -> None:
        self.begun: list[MergeSpec] = []
        self.let = threading.Event()
        self.encoder = studio.lab.encoder
        self._merge = self.encoder._merge
        self.encoder._merge = self._slowly  # type: ignore[method-assign]

    def _slowly(self, of: MergeSpec, check: CancelCheck) -> Tensor:
        self.begun.append(of)
        while not self.let.is_set():
            check()
            time.sleep(0.01)
        return self._merge(of, check)

    @property
    def busy(self) -> bool:
        return bool(self.encoder.residuals._making)


@pytest.fixture
def slow(studio: Studio) -> Iterator[SlowMerges]:
    merges = SlowMerges(studio)
    yield merges
    merges.let.set()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def counts(evaluation: Any) -> list[tuple[int, int]]:
    return [(task.correct, task.n) for task in evaluation.tasks]


def test_everybody_else_is_answered_meanwhile(
    lab: Path, studio: Studio, slow: SlowMerges, threads: ThreadPoolExecutor
) -> None:
    """The encoder's lock was held over a merge: for 7 s with eight ViT-B/32 nobody had a turn."""
    merging = threads.submit(studio.evaluate, MERGED, studio.ticket("anna"))
    soon(lambda: slow.begun)
    finetuned = EditSpec.finetuned("digits")
    assert threads.submit(studio.evaluate, finetuned, studio.ticket("ben")).result(SOON).complete
    assert not merging.done()
    slow.let.set()
    assert counts(merging.result(SOON)) == counts(Studio(lab, None, chunk=CHUNK).evaluate(MERGED))


def test_the_newest_request_of_a_visitor_ends_the_merge_of_the_one_before(
    studio: Studio, slow: SlowMerges, threads: ThreadPoolExecutor
) -> None:
    merging = threads.submit(studio.evaluate, MERGED, studio.ticket("anna"))
    soon(lambda: slow.begun)
    newer = threads.submit(studio.evaluate, OTHER, studio.ticket("anna"))
    with pytest.raises(Superseded):
        merging.result(SOON)
    soon(lambda: len(slow.begun) == 2)
    slow.let.set()
    assert newer.result(SOON).complete
    assert slow.begun == [MERGED.merge, OTHER.merge]
    assert slow.encoder.residuals.kept == (OTHER.merge,)


@pytest.mark.parametrize("of", ["numbers", "Eq. 2"])
def test_a_visitor_who_leaves_ends_it_within_two_seconds(
    studio: Studio, slow: SlowMerges, threads: ThreadPoolExecutor, of: str
) -> None:
    ticket = studio.seen_by("anna").ticket("merge")
    if of == "numbers":
        merging: Any = threads.submit(studio.evaluate, MERGED, ticket)
    else:
        merge = MERGED.merge
        assert merge is not None
        merging = threads.submit(studio.merging_alpha, MERGED.model, merge, ticket)
    soon(lambda: slow.begun)
    studio.leave("anna")
    soon(lambda: not slow.busy, seconds=2.0)
    with pytest.raises(Superseded):
        merging.result(SOON)
    assert slow.encoder.residuals._used == {}


def test_whoever_will_not_wait_is_told_and_takes_no_turn(lab: Path) -> None:
    told: list[RequestStats] = []
    studio = Studio(lab, None, chunk=CHUNK, observe=told.append)
    slow = SlowMerges(studio)
    with pytest.raises(Preparing):
        studio.first(MERGED, patience=0.1)
    assert [account.outcome for account in told] == [WAITING]
    assert not studio.busy()
    said = studio.stream(MERGED, patience=0.1)
    assert isinstance(next(said), Preparing)
    slow.let.set()
    assert [found for found in said if not isinstance(found, Preparing)][-1].complete  # type: ignore[union-attr]
    assert slow.begun == [MERGED.merge]
