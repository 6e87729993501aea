"""The three tiers as functions: what they answer, what they do not start, and that they never raise."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from evaluators.errors import Queued, Superseded
from evaluators.specs.edit_spec import EditSpec
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls
from ui.live import asking
from ui.live.visitors import Visitors

HERE = Controls(gamma=0.37)


def test_first_numbers_then_all(head: ExploreAnswers) -> None:
    first = head.quick("anna", HERE)
    assert first is not None
    assert (first["state"], first["key"]) == ("partial", HERE.spec().key())
    assert first["trail"] is None
    later = list(head.settle("anna", HERE))
    assert [value["state"] for value in later] == ["partial", "complete"]
    assert {value["version"] for value in later} == {first["version"] + 1}
    assert later[-1]["trail"]["group"] == "tiny-clip/digits"
    assert later[-1]["link"] == "task=digits&gamma=0.37"


def test_a_known_position_is_complete_at_once(head: ExploreAnswers) -> None:
    known = replace(HERE, gamma=0.4)
    first = head.quick("anna", known)
    assert first is not None
    assert first["state"] == "complete"
    (again,) = head.settle("anna", known)  # the first answer may have been to an older position
    assert (again["state"], again["charts"]) == ("complete", first["charts"])


def test_a_rest_is_answered_although_no_move_to_it_was(head: ExploreAnswers) -> None:
    """Where many visitors move, tier 1 is still busy with an older position when the controls rest."""
    head.quick("anna", replace(HERE, gamma=0.38))
    running = head.settle("anna", HERE)
    assert next(running)["state"] == "partial"
    assert head.quick("anna", HERE) is None  # it comes late, and must not stop what answers already
    assert [value["state"] for value in running] == ["complete"]


def test_counting_on_stops_when_the_visitor_has_moved_on(head: ExploreAnswers) -> None:
    head.quick("anna", HERE)
    running = head.settle("anna", HERE)
    assert next(running)["state"] == "partial"
    head.quick("anna", replace(HERE, gamma=0.38))
    assert list(running) == []


def test_nothing_is_asked_while_a_models_checkpoints_are_on_the_way(
    head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.explore.explore_answers._in_between", lambda studio, spec: True)
    assert head.quick("anna", HERE) is None
    assert list(head.settle("anna", HERE)) == []


def test_visitors_do_not_stop_each_other(head: ExploreAnswers) -> None:
    head.quick("anna", HERE)
    head.quick("ben", replace(HERE, gamma=0.6))
    assert [value["state"] for value in head.settle("anna", HERE)] == ["partial", "complete"]


def test_missing_anchors_are_measured_after_the_edit(cold: ZeroCostStudio) -> None:
    head = ExploreAnswers(cold, Visitors())  # type: ignore[arg-type]
    head.quick("anna", HERE)
    values = list(head.settle("anna", HERE))
    assert "Comparing" in values[0]["slots"]["sentence"]
    assert "Keeps" in values[-1]["slots"]["sentence"]
    assert cold.cached(EditSpec.pretrained("digits")) is not None


def test_a_wrong_value_becomes_part_of_the_answer(head: ExploreAnswers) -> None:
    value = head.quick("anna", replace(HERE, shape="spiral"))
    assert value is not None
    assert value["state"] == "error"
    assert "spiral" in value["slots"]["sentence"]
    assert value["charts"] == {}
    after = head.quick("anna", HERE)
    assert after is not None
    assert after["version"] > value["version"]


def test_a_bug_is_logged_and_told_in_general_words(
    head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(head.studio, "cached", broken)
    value = head.quick("anna", HERE)
    assert value is not None
    assert value["state"] == "error"
    assert "went wrong on our side" in value["slots"]["sentence"]
    assert "ZeroDivisionError" in caplog.text


def test_an_overtaken_move_answers_nothing(head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(*_: Any, **__: Any) -> None:
        head.visitors.arrive("anna", "newer")
        raise Superseded("newer")

    monkeypatch.setattr(head.studio, "first", overtaken)
    assert head.quick("anna", HERE) is None


def test_the_newest_move_is_answered_even_if_an_older_count_starts_meanwhile(
    head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tier 2 of an older move could start between the request and its first chunk, and win in the studio."""
    first, calls = head.studio.first, []

    def once_overtaken(spec: EditSpec, visitor: str, patience: float) -> Any:
        calls.append(spec)
        if len(calls) == 1:
            raise Superseded("an older count has just started")
        return first(spec, visitor, patience)

    monkeypatch.setattr(head.studio, "first", once_overtaken)
    value = head.quick("anna", HERE)
    assert value is not None
    assert value["key"] == HERE.spec().key()


def test_a_rest_is_answered_even_if_an_older_move_asks_meanwhile(
    head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, calls = head.studio.stream, []

    def once_overtaken(spec: EditSpec, visitor: str, patience: float) -> Iterator[Any]:
        calls.append(spec)
        if len(calls) == 1:
            raise Superseded("an older move has just asked")
        yield from stream(spec, visitor)

    monkeypatch.setattr(head.studio, "patiently", once_overtaken)
    assert [value["state"] for value in head.settle("anna", HERE)] == ["partial", "complete"]


def test_what_the_page_sent_earlier_may_arrive_later_and_stops_nothing(head: ExploreAnswers) -> None:
    here, passed = HERE, replace(HERE, gamma=0.31)
    settling = head.settle("anna", here, moves=9)
    assert next(settling)["key"] == here.spec().key()
    assert head.quick("anna", passed, moves=8) is None
    assert list(head.settle("anna", passed, moves=8)) == []
    assert head.quick("anna", here, moves=8) is None  # the same place: told by the one that settles
    assert [value["state"] for value in settling][-1] == "complete"
    assert head.quick("anna", passed, moves=10) is not None
    assert head.quick("ben", passed, moves=1) is not None


def test_visitors_forget_the_silent_and_the_many() -> None:
    visitors = Visitors(time_to_live=-1.0)
    request = visitors.arrive("anna", "k")
    assert visitors.latest("anna") is None
    few = Visitors(capacity=2)
    for name in ("anna", "ben", "cleo"):
        request = few.arrive(name, "k")
    assert few.latest("anna") is None
    assert few.is_latest("cleo", request)
    assert few.arrive("cleo", "k").version > request.version


def test_complete_landmarks_are_looked_up_once(head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[EditSpec] = []
    cached = head.studio.cached

    def counting(spec: EditSpec) -> Any:
        looked.append(spec)
        return cached(spec)

    monkeypatch.setattr(head.studio, "cached", counting)
    first = head.quick("anna", HERE)
    many = len(looked)
    second = head.quick("anna", HERE)
    assert first is not None
    assert second is not None
    assert first["charts"] == second["charts"]
    assert many > 20
    assert len(looked) - many < 5


def test_beyond_capacity_the_page_says_how_long_the_line_is_and_then_answers(
    head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tier 1 does not hang: it tells, and tier 2 goes on telling until the turn comes."""
    line = Queued("12 come first", 12, 3.4)

    def crowded(*_: Any, **__: Any) -> Any:
        raise line

    def less_crowded(spec: EditSpec, visitor: str, patience: float) -> Iterator[Any]:
        assert patience == asking.PATIENCE
        yield from (line, line)
        yield from head.studio.stream(spec, visitor)

    monkeypatch.setattr(head.studio, "first", crowded)
    monkeypatch.setattr(head.studio, "patiently", less_crowded)
    told = head.quick("anna", HERE)
    assert told is not None
    assert (told["state"], told["key"], told["charts"]) == ("waiting", HERE.spec().key(), {})
    assert set(told["slots"]) == {"line"}
    assert "12 requests come before yours, about 3 s" in told["slots"]["line"]
    later = list(head.settle("anna", HERE))
    assert [value["state"] for value in later] == ["waiting", "waiting", "partial", "complete"]
    assert {value["slots"]["line"] for value in later[2:]} == {""}


def test_waiting_for_an_anchor_does_not_lose_the_numbers(
    cold: ZeroCostStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = ExploreAnswers(cold, Visitors())  # type: ignore[arg-type]

    def crowded(spec: EditSpec, visitor: str, patience: float) -> Iterator[Any]:
        yield Queued("1 comes first", 1, 0.2)
        yield from cold.stream(spec, visitor)

    monkeypatch.setattr(cold, "patiently", crowded)
    head.quick("anna", HERE)
    values = list(head.settle("anna", HERE))
    assert [value["state"] for value in values].count("waiting") == 3  # the edit and its two anchors
    assert values[-1]["state"] == "complete"
    assert "Keeps" in values[-1]["slots"]["sentence"]
