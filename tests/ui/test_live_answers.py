"""Tier 1 and tier 2 as functions: what they answer, what they leave out, and that they never raise."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from evaluators.errors import Queued, Superseded
from evaluators.specs.edit_spec import EditSpec
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls
from ui.live.live_answers import SETTLE_PATIENCE

HERE = Controls(gamma=0.37)
QUEUED = Queued("12 come first", 12, 3.4)


def test_first_numbers_then_all(head: ExploreAnswers) -> None:
    first = head.quick("anna", HERE)
    assert first is not None
    assert (first["state"], first["key"]) == ("partial", HERE.spec().key())
    later = list(head.settle("anna", HERE))
    assert [value["state"] for value in later] == ["partial", "complete"]
    assert {value["version"] for value in later} == {first["version"] + 1}


def test_a_rest_is_answered_although_no_move_to_it_was(head: ExploreAnswers) -> None:
    """Where many visitors move, tier 1 is still busy with an older position when the controls rest."""
    head.quick("anna", replace(HERE, gamma=0.38))
    running = head.settle("anna", HERE)
    assert next(running)["state"] == "partial"
    assert head.quick("anna", HERE) is None, "a late move to the same position does not stop its settle"
    assert [value["state"] for value in running] == ["complete"]


def test_settling_stops_when_the_visitor_moves_on_and_others_do_not_matter(head: ExploreAnswers) -> None:
    running = head.settle("anna", HERE)
    assert next(running)["state"] == "partial"
    head.quick("ben", replace(HERE, gamma=0.6))
    assert next(running)["state"] == "complete"
    running = head.settle("anna", replace(HERE, gamma=0.39))
    next(running)
    head.quick("anna", replace(HERE, gamma=0.38))
    assert list(running) == []


def test_settling_stops_when_the_session_leaves(head: ExploreAnswers) -> None:
    running = head.settle("anna", HERE)
    next(running)
    head.studio.leave("anna")
    assert list(running) == []


def test_a_move_that_arrives_after_a_later_one_is_dropped(head: ExploreAnswers) -> None:
    passed = replace(HERE, gamma=0.31)
    settling = head.settle("anna", HERE, moves=9)
    assert next(settling)["key"] == HERE.spec().key()
    assert head.quick("anna", passed, moves=8) is None
    assert list(head.settle("anna", passed, moves=8)) == []
    assert [value["state"] for value in settling][-1] == "complete"
    assert head.quick("anna", passed, moves=10) is not None
    assert head.quick("ben", passed, moves=1) is not None


def test_an_overtaken_move_answers_nothing(head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(*_: Any, **__: Any) -> None:
        raise Superseded("newer")

    monkeypatch.setattr(ZeroCostStudio, "first", overtaken)
    assert head.quick("anna", HERE) is None


def test_a_wrong_value_becomes_part_of_the_answer(head: ExploreAnswers) -> None:
    value = head.quick("anna", replace(HERE, shape="spiral"))
    assert value is not None
    assert value["state"] == "error"
    assert "spiral" in value["words"]["sentence"]
    assert "evaluation" not in value
    after = head.quick("anna", HERE)
    assert after is not None
    assert after["version"] > value["version"]


def test_a_bug_is_logged_and_reported_in_general_words(
    head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(ZeroCostStudio, "cached", broken)
    value = head.quick("anna", HERE)
    assert value is not None
    assert value["state"] == "error"
    assert "went wrong on our side" in value["words"]["sentence"]
    assert "ZeroDivisionError" in caplog.text


def test_a_full_queue_is_reported_with_its_waiting_time_and_then_answered(
    head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tier 1 does not hang: it reports, and tier 2 goes on reporting until it has a turn."""
    stream = ZeroCostStudio.stream

    def crowded(*_: Any, **__: Any) -> Any:
        raise QUEUED

    def less_crowded(self: ZeroCostStudio, spec: EditSpec, *args: Any, patience: float) -> Iterator[Any]:
        assert patience == SETTLE_PATIENCE
        yield from (QUEUED, QUEUED)
        yield from stream(self, spec, *args, patience=patience)

    monkeypatch.setattr(ZeroCostStudio, "first", crowded)
    monkeypatch.setattr(ZeroCostStudio, "stream", less_crowded)
    value = head.quick("anna", HERE)
    assert value is not None
    assert (value["state"], value["key"]) == ("waiting", HERE.spec().key())
    assert "evaluation" not in value
    assert set(value["words"]) == {"line"}
    assert "12 requests come before yours, about 3 s" in value["words"]["line"]
    later = list(head.settle("anna", HERE))
    assert [value["state"] for value in later] == ["waiting", "waiting", "partial", "complete"]
    assert not any("words" in value for value in later[2:])


def test_waiting_for_a_reference_does_not_lose_the_numbers(
    cold: ZeroCostStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = ZeroCostStudio.stream

    def crowded(self: ZeroCostStudio, *args: Any, **options: Any) -> Iterator[Any]:
        yield QUEUED
        yield from stream(self, *args, **options)

    monkeypatch.setattr(ZeroCostStudio, "stream", crowded)
    values = list(ExploreAnswers(cold).settle("anna", HERE))
    assert [value["state"] for value in values].count("waiting") == 3, "the edit and its two references"
    assert values[-1]["state"] == "complete"
    assert None not in values[-1]["landmarks"]["anchors"].values()
