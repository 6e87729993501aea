"""The answer of the live panel as JSON: as its schema says, with the numbers of its evaluations."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ui.explore
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult
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
        (["evaluation", "counts", 0, 1], -1, "$.evaluation.counts[0][1]: -1 is too small"),
        (["landmarks", "tasks", 0, "role"], "blue", "$.landmarks.tasks[0].role: 'blue' is none of"),
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
    found = evaluation_json(edited, 1600)
    assert (found["spec"], found["total"], found["complete"]) == (edited.spec.as_dict(), 1600, True)
    assert found["counts"] == [[task.correct, task.n] for task in edited.tasks]


def landmarks(references: References, tasks: Sequence[TaskResult]) -> dict[str, Any]:
    return landmarks_json(references, tasks, "Tiny CLIP, fine-tuned on it", 0.4)


def test_landmarks_are_what_is_measured(studio: ZeroCostStudio, edited: Evaluation) -> None:
    references = references_of(studio, edited.spec)
    found = landmarks(references, edited.tasks)
    assert references.pretrained is not None
    assert found["anchors"]["pretrained"]["counts"] == [
        [task.correct, task.n] for task in references.pretrained.tasks
    ]
    assert [(task["key"], task["role"]) for task in found["tasks"]] == [
        (task.key, task.role) for task in edited.tasks
    ]
    assert (found["named"], found["shifts"]) == ("handwritten digits", False)
    wise, lines = found["paths"]
    assert (wise["role"], lines["role"], wise["whole"], lines["whole"]) == ("wise_ft", "lines", True, True)
    assert [point["edit"]["alpha"] for point in lines["points"]] == [
        e.spec.alpha for e in references.gamma_path
    ]
    for point, evaluation in zip(wise["points"], references.wise_line, strict=True):
        assert point["counts"] == [[task.correct, task.n] for task in evaluation.tasks]
        edit = replace(edited.spec, **point["edit"])
        assert edit == evaluation.spec


def test_a_part_of_a_sweep_is_not_whole_and_has_another_id(
    studio: ZeroCostStudio, edited: Evaluation
) -> None:
    whole = references_of(studio, edited.spec)
    part = replace(whole, gamma_path=whole.gamma_path[:3])
    assert not landmarks(part, edited.tasks)["paths"][1]["whole"]
    faces = studio.evaluate(EditSpec.lines("faces", 0.4))
    ids = {landmarks(each, edited.tasks)["id"] for each in (whole, part, References())}
    ids.add(landmarks(references_of(studio, faces.spec), faces.tasks)["id"])
    assert len(ids) == 4
    assert landmarks(whole, edited.tasks)["id"] in ids


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
