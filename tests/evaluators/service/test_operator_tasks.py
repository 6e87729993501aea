"""A task of whoever starts the app is every visitor's."""

import sqlite3
from pathlib import Path

import pytest

from evaluators import EditSpec, Evaluation, Studio
from evaluators.errors import TaskError
from tests.conftest import CHUNK
from tests.own_images import add_task, folders, zipped

SPEC = EditSpec.lines("digits", 0.4, images=0)


def test_every_visitor_has_it_and_its_results_are_kept(lab: Path, tmp_path: Path) -> None:
    images = zipped(tmp_path / "a.zip", folders({"cup": 20, "boot": 20}))
    found: list[Evaluation] = []
    for _ in range(2):
        studio = Studio(lab, tmp_path / "kept", chunk=CHUNK)
        alone = studio.evaluate(SPEC)
        assert studio.add_public_task("Things", images)[0] == "2 classes, 20 validation and 20 test images."
        known = studio.cached(SPEC)
        assert (known is None) == (not found), "the second start has it from disk"
        evaluation = studio.seen_by("anna").evaluate(SPEC)
        assert evaluation.tasks[:3] == alone.tasks
        assert [task.title for task in evaluation.tasks] == ["Digits", "Textures", "Faces", "Things"]
        assert not studio.seen_by("anna").drop_added("tiny-clip", evaluation.tasks[3].key)
        found.append(evaluation)
        ben = studio.seen_by("ben")
        add_task(ben, images, "Mine")
        assert [task.title for task in ben.evaluate(SPEC).tasks[3:]] == ["Things", "Mine"]
        studio.close()
    assert found[0].tasks == found[1].tasks
    with sqlite3.connect(tmp_path / "kept" / "results.sqlite") as stored:
        text = b"".join(value.encode() for (value,) in stored.execute("SELECT value FROM results"))
    assert b"Things" in text
    assert b"Mine" not in text


@pytest.mark.parametrize("path", ["absent", "file.txt", "empty"])
def test_a_path_without_images_is_refused(lab: Path, tmp_path: Path, path: str) -> None:
    (tmp_path / "file.txt").write_text("no zip file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TaskError):
        Studio(lab, None, chunk=CHUNK).add_public_task("Things", tmp_path / path)
