"""What the head of the page shows of an evaluation and its references."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from tests.browser.zero_cost_studio import ZeroCostStudio
from tests.conftest import CHUNK
from tests.own_images import add_task, folders, zipped
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls
from ui.explore.references import anchors, curves, known

HERE = Controls(gamma=0.37)


def test_an_answer_grows_from_partial_to_complete(head: ExploreAnswers) -> None:
    partial, complete = head.settle("anna", HERE)
    assert (partial["state"], partial["evaluation"]["complete"]) == ("partial", False)
    assert (complete["state"], complete["evaluation"]["complete"]) == ("complete", True)
    assert partial["evaluation"]["total"] == complete["evaluation"]["total"] == 1600
    assert [sum(n for _, n in one["evaluation"]["counts"]) for one in (partial, complete)] == [800, 1600]


def test_a_cached_position_is_complete_at_once(head: ExploreAnswers) -> None:
    known = replace(HERE, gamma=0.4)
    first = head.quick("anna", known)
    assert first is not None
    assert first["state"] == "complete"
    (again,) = head.settle("anna", known)  # the first answer may have been to an older position
    assert (again["state"], again["evaluation"]) == ("complete", first["evaluation"])


def test_an_answer_says_when_nothing_is_left_to_be_counted(head: ExploreAnswers) -> None:
    """The page asks for no more then, and the event loop answers itself."""
    assert head.known("anna", HERE) is None
    first, *_, last = head.settle("anna", HERE)
    assert (first["settled"], last["settled"]) == (False, True)
    at_once, asked = head.known("ben", HERE), head.quick("ben", HERE)
    assert at_once is not None
    assert asked is not None
    assert asked["settled"]
    assert {**at_once, "version": asked["version"]} == asked

    assert head.known("ben", replace(HERE, gamma=0.38)) is None
    pinned = head.quick("ben", replace(HERE, pins="A:tiny-clip:digits:linear:0.21:0.79"))
    assert pinned is not None
    assert not pinned["settled"]


def test_the_page_opens_with_what_is_cached(head: ExploreAnswers, cold: ZeroCostStudio) -> None:
    opening = head.opening(replace(HERE, gamma=0.4))
    assert (opening["version"], opening["state"]) == (0, "complete")
    assert ExploreAnswers(cold).opening(HERE)["state"] == "empty"


def test_nothing_is_asked_while_a_models_checkpoints_are_on_the_way(
    head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.explore.explore_answers._in_between", lambda studio, spec: True)
    assert head.quick("anna", HERE) is None
    assert list(head.settle("anna", HERE)) == []


def test_missing_references_are_measured_after_the_edit(cold: ZeroCostStudio) -> None:
    values = list(ExploreAnswers(cold).settle("anna", HERE))
    assert values[0]["landmarks"]["anchors"] == {"pretrained": None, "finetuned": None}
    assert None not in values[-1]["landmarks"]["anchors"].values()
    assert cold.cached(EditSpec.pretrained("digits")) is not None


def test_complete_references_are_looked_up_once(
    head: ExploreAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[EditSpec] = []
    cached = ZeroCostStudio.cached

    def counting(self: ZeroCostStudio, spec: EditSpec) -> Any:
        looked.append(spec)
        return cached(self, spec)

    monkeypatch.setattr(ZeroCostStudio, "cached", counting)
    first = head.quick("anna", HERE)
    many = len(looked)
    second = head.quick("anna", HERE)
    assert first is not None
    assert second is not None
    assert first["landmarks"] == second["landmarks"]
    assert many > 20
    assert len(looked) - many < 5


def test_curves_that_lack_own_images_alone_are_completed(lab: Path, tmp_path: Path) -> None:
    """With a task of one's own the curves of the checkpoints that ship were empty until a sweep was measured,
    although only the few new images had to be counted.
    """
    studio, here = Studio(lab, None, chunk=CHUNK), Controls(gamma=0.3)
    for point in (*anchors(here.spec()), *itertools.chain(*curves(here.spec()))):
        studio.evaluate(point)
    anna = studio.seen_by("anna")
    add_task(anna, zipped(tmp_path / "a.zip", folders({"cup": 20, "boot": 20})))
    values = list(ExploreAnswers(studio).settle("anna", here))
    assert all(value["state"] == "complete" for value in values[-10:])
    paths = values[-1]["landmarks"]["paths"]
    assert [path["whole"] for path in paths] == [True, True]
    for path, specs in zip(paths, reversed(curves(here.spec())), strict=True):
        assert [point["counts"] for point in path["points"]] == [
            [[task.correct, task.n] for task in found.tasks] for found in known(anna, specs)
        ]
    assert [n for _, n in paths[0]["points"][0]["counts"]] == [42, 42, 42, 20]

    other = replace(here, checkpoint="faces")  # nothing of it is known: a sweep, which is not begun unasked
    *_, last = ExploreAnswers(studio).settle("anna", other)
    assert [path["whole"] for path in last["landmarks"]["paths"]] == [False, False]


def test_an_emptied_number_field_is_named(head: ExploreAnswers) -> None:
    """Gradio sends None for it; computing with that was reported to the visitor as a fault of the server."""
    emptied: Any = None
    (value,) = head.settle("anna", replace(HERE, gamma=emptied))
    assert value["state"] == "error"
    assert "gamma must be a number, got None." in value["words"]["sentence"]
