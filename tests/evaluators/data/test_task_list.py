"""Reading ``tasks.json``."""

import json
from pathlib import Path
from typing import Any

import pytest

from evaluators.data.task_list import in_suite, read_tasks
from evaluators.errors import LabError

TASK: dict[str, Any] = {
    "key": "digits",
    "title": "Digits",
    "suite": "tasks",
    "classes": ["zero", "one"],
    "prompts": ["a {}."],
    "blurb": "Strokes.",
    "mirrors": "MNIST",
}


def written(folder: Path, *tasks: dict[str, Any]) -> Path:
    path = folder / "tasks.json"
    path.write_text(json.dumps({"tasks": tasks}))
    return path


def test_reads_in_order_and_by_suite(tmp_path: Path) -> None:
    path = written(
        tmp_path, TASK | {"key": "faces"}, TASK | {"key": "objects", "suite": "objects"}, TASK | {"new": 1}
    )
    tasks = read_tasks(path)
    assert [task.key for task in tasks] == ["faces", "objects", "digits"]
    assert tasks[2].classes == ("zero", "one")
    assert tasks[2].mirrors == "MNIST"
    assert [task.key for task in in_suite(tasks, "tasks")] == ["faces", "digits"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"suite": "other"}, r"suite 'other', expected one of"),
        ({"classes": ["zero"]}, r"at least two classes"),
        ({"classes": ["zero", "zero"]}, r"each once"),
        ({"prompts": []}, r"prompts with exactly one \{\}"),
        ({"prompts": ["a digit."]}, r"prompts with exactly one \{\}"),
        ({"classes": 3}, r"does not list tasks"),
    ],
)
def test_invalid_tasks_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(LabError, match=message):
        read_tasks(written(tmp_path, TASK | change))


def test_absent_damaged_and_repeating_lists(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="is absent"):
        read_tasks(tmp_path / "tasks.json")
    (tmp_path / "tasks.json").write_text('{"tasks": [')
    with pytest.raises(LabError, match="is not JSON"):
        read_tasks(tmp_path / "tasks.json")
    (tmp_path / "tasks.json").write_text("[]")
    with pytest.raises(LabError, match="does not list tasks"):
        read_tasks(tmp_path / "tasks.json")
    with pytest.raises(LabError, match="twice"):
        read_tasks(written(tmp_path, TASK, TASK))
