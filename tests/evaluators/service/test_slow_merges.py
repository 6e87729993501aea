"""Merges that take long: other requests are answered meanwhile, and unwanted merges end."""

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
SOON = 60.0


class SlowMerges:
    """Makes an encoder's merges wait for ``let``, and check all the time whether they are still wanted."""

    def __init__(self, studio: Studio) -> None:
        self.begun: list[MergeSpec] = []
        self.let = threading.Event()
        self.encoder = studio.lab.encoder
        self._merge = self.encoder._merge
        self.encoder._merge = self._slowly  # type: ignore[method-assign]

    def _slowly(self, spec: MergeSpec, check: CancelCheck) -> Tensor:
        self.begun.append(spec)
        while not self.let.is_set():
            check()
            time.sleep(0.01)
        return self._merge(spec, check)

    @property
    def busy(self) -> bool:
        return bool(self.encoder.residuals._computations)


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


def test_other_requests_are_answered_during_a_merge(
    lab: Path, studio: Studio, slow: SlowMerges, threads: ThreadPoolExecutor
) -> None:
    """The encoder's lock was held over a merge: with eight ViT-B/32 no request had a turn for 7 s."""
    merging = threads.submit(studio.evaluate, MERGED, studio.ticket("anna"))
    soon(lambda: slow.begun)
    finetuned = EditSpec.finetuned("digits")
    assert threads.submit(studio.evaluate, finetuned, studio.ticket("ben")).result(SOON).complete
    assert not merging.done()
    slow.let.set()
    assert counts(merging.result(SOON)) == counts(Studio(lab, None, chunk=CHUNK).evaluate(MERGED))


def test_a_newer_request_ends_the_merge_of_the_older_one(
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
    assert slow.encoder.residuals.keys == (OTHER.merge,)


@pytest.mark.parametrize("of", ["numbers", "Eq. 2"])
def test_leaving_ends_the_merge(
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
    soon(lambda: not slow.busy)
    with pytest.raises(Superseded):
        merging.result(SOON)
    assert slow.encoder.residuals._pins == {}


def test_impatient_requests_report_the_merge_and_take_no_turn(lab: Path) -> None:
    reported: list[RequestStats] = []
    studio = Studio(lab, None, chunk=CHUNK, observe=reported.append)
    slow = SlowMerges(studio)
    with pytest.raises(Preparing):
        studio.first(MERGED, patience=0.1)
    assert [stats.outcome for stats in reported] == [WAITING]
    assert not studio.busy()
    answers = studio.stream(MERGED, patience=0.1)
    assert isinstance(next(answers), Preparing)
    slow.let.set()
    assert [found for found in answers if not isinstance(found, Preparing)][-1].complete  # type: ignore[union-attr]
    assert slow.begun == [MERGED.merge]
