"""How requests are answered: chunk by chunk, shared, superseded, in turns."""

import itertools
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from evaluators.errors import Queued, Superseded
from evaluators.service.request_stats import RequestStats
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from tests.conftest import CHUNK
from tests.evaluators.service.measured_specs import counts


def test_stream_narrows_to_the_complete_answer(studio: Studio) -> None:
    answers = list(studio.stream(EditSpec.lines("digits", 0.5)))
    assert [answer.tasks[0].n for answer in answers] == [*range(4, 41, 4), 42]
    assert [answer.complete for answer in answers] == [False] * 10 + [True]
    for earlier, later in itertools.pairwise(answers):
        assert all(a.correct <= b.correct for a, b in zip(earlier.tasks, later.tasks, strict=True))
        assert earlier.seconds < later.seconds
    widths = [answer.control_interval[1] - answer.control_interval[0] for answer in answers]
    assert widths[-1] < widths[0] / 2
    assert answers[-1] == studio.evaluate(EditSpec.lines("digits", 0.5))


def test_stream_continues_what_first_began(studio: Studio, encoded: list[int]) -> None:
    spec = EditSpec.lines("digits", 0.5)
    coarse = studio.first(spec, studio.ticket("visitor"))
    assert encoded == [12]
    assert not coarse.complete
    assert studio.first(spec, studio.ticket("visitor")) == coarse
    assert encoded == [12]
    answers = list(studio.stream(spec, studio.ticket("visitor")))
    assert [answer.tasks[0].n for answer in answers] == [*range(4, 41, 4), 42]
    assert encoded == [12] * 10 + [6]
    assert studio.first(spec) == answers[-1]


def test_cached_answers_come_at_once(studio: Studio, encoded: list[int]) -> None:
    spec = EditSpec.finetuned("digits")
    assert studio.cached(spec) is None
    answer = studio.evaluate(spec)
    passes = len(encoded)
    assert studio.cached(spec) == answer
    assert list(studio.stream(spec)) == [answer]
    same_weights = [
        EditSpec.lines("digits", 1.0),
        EditSpec.wise_ft("digits", 1.0),
        EditSpec(checkpoint="digits", shape="free", alpha=1.0, free_form=(1.0,) * 4),
    ]
    for spec in same_weights:
        assert studio.evaluate(spec) == replace(answer, spec=spec)
    assert len(encoded) == passes


def test_pretrained_is_measured_once_for_all_checkpoints(studio: Studio, encoded: list[int]) -> None:
    first = studio.evaluate(EditSpec.pretrained("digits"))
    passes = len(encoded)
    other = studio.evaluate(EditSpec.wise_ft("faces", 0.0))
    assert len(encoded) == passes
    assert counts(other) == counts(first)
    assert [task.key for task in other.tasks if task.role == "target"] == ["faces"]
    studio.evaluate(EditSpec.pretrained("objects"))  # other tasks, so other images
    assert len(encoded) > passes


def test_weights_are_written_only_if_they_change(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[None] = []
    apply = studio.lab.encoder._editor.apply

    def counted(*args: object) -> None:
        writes.append(None)
        apply(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(studio.lab.encoder._editor, "apply", counted)
    studio.evaluate(EditSpec.finetuned("digits"))
    assert len(writes) == 1
    studio.evaluate(EditSpec.finetuned("digits"), fresh=True)
    assert len(writes) == 1


def test_a_newer_request_of_the_same_visitor_stops_the_older(studio: Studio, encoded: list[int]) -> None:
    older = studio.stream(EditSpec.lines("digits", 0.5), studio.ticket("visitor"))
    next(older)
    newer = studio.stream(EditSpec.lines("digits", 0.6), studio.ticket("visitor"))
    with pytest.raises(Superseded, match="newer request of the same visitor"):
        next(older)
    assert encoded == [12]
    assert [answer.complete for answer in newer][-1]
    again = studio.stream(EditSpec.lines("digits", 0.5), studio.ticket("visitor"))
    assert [next(again).tasks[0].n for _ in range(2)] == [4, 8]  # what the older had counted is not lost


def test_first_supersedes_only_the_same_visitor(studio: Studio) -> None:
    mine = studio.stream(EditSpec.lines("digits", 0.5), studio.ticket("me"))
    yours = studio.stream(EditSpec.lines("digits", 0.5), studio.ticket("you"))
    nobodys = studio.stream(EditSpec.lines("digits", 0.5))
    next(mine), next(yours), next(nobodys)
    studio.first(EditSpec.lines("digits", 0.6), studio.ticket("me"))
    studio.first(EditSpec.lines("digits", 0.6))
    with pytest.raises(Superseded):
        next(mine)
    assert list(yours)[-1].complete
    assert list(nobodys)[-1].complete


def test_a_request_superseded_while_counting_keeps_its_count(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slider moved during the last chunk: its number must not appear, but is not thrown away."""
    spec, encode = EditSpec.lines("digits", 0.5, images=4), studio.lab.encoder.encode

    def moved_meanwhile(images: torch.Tensor) -> torch.Tensor:
        monkeypatch.setattr(studio.lab.encoder, "encode", encode)
        studio.stream(EditSpec.lines("digits", 0.6), studio.ticket("visitor"))
        return encode(images)

    monkeypatch.setattr(studio.lab.encoder, "encode", moved_meanwhile)
    with pytest.raises(Superseded):
        studio.evaluate(spec, studio.ticket("visitor"))
    assert studio.cached(spec) is not None


def test_visitors_take_turns(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sweeps of eleven chunks on two threads: neither gets two chunks while the other waits for one."""
    encode, order = studio.lab.encoder.encode, []

    def slow(images: torch.Tensor) -> torch.Tensor:
        assert studio.lab.encoder._written is not None
        order.append((studio.lab.encoder._written[0], studio._scheduler.waiting))
        release.wait(0.01)
        return encode(images)

    release = threading.Event()
    monkeypatch.setattr(studio.lab.encoder, "encode", slow)
    studio.lab.encoder.residual("digits"), studio.lab.encoder.residual("faces")
    threads = [
        threading.Thread(target=studio.evaluate, args=(EditSpec.finetuned(key), studio.ticket(key)))
        for key in ("digits", "faces")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(order) == 22
    unfair = [one[0] for one, two in itertools.pairwise(order) if one[0] == two[0] and one[1] > 0 < two[1]]
    assert unfair == []


def test_two_visitors_of_one_spec_share_the_work(studio: Studio, encoded: list[int]) -> None:
    spec = EditSpec.lines("digits", 0.5)
    one, two = studio.stream(spec, studio.ticket("one")), studio.stream(spec, studio.ticket("two"))
    assert [next(stream).tasks[0].n for stream in (one, two, one, two)] == [4, 4, 8, 8]
    assert list(one)[-1] == list(two)[-1]
    assert encoded == [12] * 10 + [6]


def test_a_waiting_stream_reports_its_queue_position_and_goes_on(lab: Path) -> None:
    accounts: list[RequestStats] = []
    studio = Studio(lab, None, chunk=CHUNK, observe=accounts.append)
    with studio._scheduler.turn(Ticket()):
        answers = studio.stream(EditSpec.lines("digits", 0.5), patience=0.01)
        reports = [next(answers), next(answers)]
        assert [isinstance(line, Queued) for line in reports] == [True, True]
    rest = list(answers)
    assert [answer.tasks[0].n for answer in rest if isinstance(answer, Evaluation)][:2] == [4, 8]
    (account,) = accounts  # one request, however often it reported
    assert (account.outcome, account.shared, account.counted) == ("complete", 0, len(rest))
    assert account.queue > 0


def test_visitors_do_not_pile_up(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluators.service.request_runner.PROGRESS_KEPT", 5)
    monkeypatch.setattr("evaluators.service.result_cache.EVALUATIONS_KEPT", 5)
    monkeypatch.setattr("evaluators.service.scheduler.VISITORS_KEPT", 5)
    for number in range(20):
        studio.first(EditSpec.lines("digits", number / 100), studio.ticket(str(number)))
        studio.evaluate(EditSpec.lines("digits", number / 100, images=4), studio.ticket(str(number)))
    assert (len(studio._runner._progress), len(studio._results._memory)) == (5, 5)
    assert len(studio._scheduler._latest) == 5
