"""The answer of the live panel as JSON: as its schema says, with the numbers of its evaluations."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ui.explore
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from tests.browser.zero_cost_studio import ZeroCostStudio
from tests.json_schema import complaints
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls
from ui.explore.explore_json import SCHEMA, evaluation_json, landmarks_json
from ui.explore.references import References, references_of
from ui.live.listeners import without_held
from ui.live.live_panel import packed

PATH = Path(ui.explore.__path__[0]) / "explore_json.schema.json"
DESCRIPTION: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))


def wrong(answer: Any) -> list[str]:
    return list(complaints(json.loads(packed(answer)), DESCRIPTION, DESCRIPTION))


def test_every_answer_is_as_the_schema_says(head: ExploreAnswers, cold: ZeroCostStudio) -> None:
    here = Controls(gamma=0.37)
    answers = [
        head.opening(replace(here, gamma=0.4)),
        ExploreAnswers(cold).opening(here),
        head.quick("a", here),
    ]
    answers += [*head.settle("a", here), *ExploreAnswers(cold).settle("a", here)]
    answers += [head.quick("a", replace(here, shape="spiral"))]
    assert {answer["state"] for answer in answers if answer} == {"empty", "partial", "complete", "error"}
    for answer in answers:
        assert wrong(answer) == []
    assert DESCRIPTION["properties"]["schema"]["const"] == SCHEMA


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (["evaluation", "target", "value"], 97.5, "$.evaluation.target.value: 97.5 is too large"),
        (["evaluation", "role"], "blue", "$.evaluation.role: 'blue' is none of"),
        (["evaluation", "other"], 1, "$.evaluation.other: is not described"),
        (["landmarks", "paths", 0, "whole"], 1, "$.landmarks.paths[0].whole: 1 is no boolean"),
        (["version"], True, "$.version: True is no integer"),
    ],
)
def test_the_schema_finds_what_is_wrong(
    head: ExploreAnswers, path: list[Any], value: Any, complaint: str
) -> None:
    answer = json.loads(packed(head.quick("a", Controls(gamma=0.4))))
    inner = answer
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    (found,) = wrong(answer)
    assert found.startswith(complaint)


def test_an_evaluation_keeps_its_numbers(edited: Evaluation) -> None:
    found = evaluation_json(edited, 12, 1600)
    assert (found["spec"], found["role"], found["counted"]) == (edited.spec.as_dict(), "lines", 1.0)
    assert found["factors"] == pytest.approx([0.4, *(0.4 + 0.6 * i / 11 for i in range(12)), 0.4], abs=1e-6)
    assert [(task["key"], task["correct"], task["n"]) for task in found["tasks"]] == [
        (task.key, task.correct, task.n) for task in edited.tasks
    ]
    assert found["control"] == pytest.approx(
        {"value": edited.control, "low": edited.control_interval[0], "high": edited.control_interval[1]},
        abs=1e-6,
    )
    half = evaluation_json(replace(edited, complete=False), 12, 3200)
    assert half["counted"] == 0.5


def test_landmarks_are_what_is_measured(studio: ZeroCostStudio, edited: Evaluation) -> None:
    references = references_of(studio, edited.spec)
    found = landmarks_json(references)
    assert [anchor["role"] for anchor in found["anchors"]] == ["pretrained", "finetuned"]
    assert references.pretrained is not None
    assert [task["correct"] for task in found["anchors"][0]["tasks"]] == [
        task.correct for task in references.pretrained.tasks
    ]
    wise, lines = found["paths"]
    assert (wise["role"], lines["role"], wise["whole"], lines["whole"]) == ("wise_ft", "lines", True, True)
    assert [point["edit"]["alpha"] for point in lines["points"]] == [
        e.spec.alpha for e in references.gamma_path
    ]
    assert lines["points"][0]["name"] == "LiNeS, γ = 1"
    for point, evaluation in zip(wise["points"], references.wise_line, strict=True):
        assert point["target"]["value"] == pytest.approx(evaluation.target, abs=1e-6)
        edit = replace(edited.spec, **point["edit"])
        assert edit == evaluation.spec


def test_a_part_of_a_sweep_is_not_whole_and_has_another_id(
    studio: ZeroCostStudio, edited: Evaluation
) -> None:
    whole = references_of(studio, edited.spec)
    part = replace(whole, gamma_path=whole.gamma_path[:3])
    assert not landmarks_json(part)["paths"][1]["whole"]
    other = references_of(studio, EditSpec.lines("faces", 0.4))
    ids = {landmarks_json(each)["id"] for each in (whole, part, other, References())}
    assert len(ids) == 4
    assert landmarks_json(whole)["id"] in ids


def test_landmarks_travel_once(head: ExploreAnswers) -> None:
    answer = head.quick("a", Controls(gamma=0.4))
    assert answer is not None
    known = answer["landmarks"]["id"]
    for unheld in ("", "other", None, 3):
        assert without_held(answer, unheld) == answer
    light = without_held(answer, f"other {known}")
    assert light["landmarks"] == {"id": known}
    assert {**light, "landmarks": answer["landmarks"]} == answer
    assert wrong(light) == []
    assert len(packed(light)) < 2300 < len(packed(answer))
