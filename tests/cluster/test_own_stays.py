"""What visitors add never reaches a worker: it is counted on this machine, and the page says so."""

from pathlib import Path
from typing import Any, cast

import torch

from evaluators.engine.ray_counter import RayCounter
from evaluators.engine.ray_link import RayLink
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from tests.conftest import CHUNK
from tests.own_images import add_task, folders, zipped
from ui.shell import text


def test_own_checkpoints_and_tasks_and_merges_with_them_are_counted_here(lab: Path, tmp_path: Path) -> None:
    here, alone = Studio(lab, None, chunk=CHUNK), Studio(lab, None, chunk=CHUNK)
    workers = object()  # whatever were asked of it would fail
    counter = RayCounter(cast(RayLink, workers), cast(Any, here._engine), None)
    anna, ben = here.seen_by("anna"), here.seen_by("ben")
    moved = alone.lab.encoder.layout.unflatten(
        alone.lab.encoder.flat_pretrained + 0.5 * alone.lab.encoder.residual("digits")
    )
    torch.save({name: value.clone() for name, value in moved.items()}, tmp_path / "mine.pt")
    own = anna.take_file("tiny-clip", "digits", tmp_path / "mine.pt", "mine.pt").key

    def counted(studio: Studio, spec: EditSpec) -> tuple[bool, list[tuple[int, ...]]]:
        """Whether this machine counts it, and what it does."""
        seen = studio.lab_of(spec.model)
        resolved = seen.resolve(spec)
        chunks = seen.batches(resolved.suite, resolved.split).chunks(12)
        edit, local = counter.load(seen, resolved, chunks), here._engine.load(seen, resolved, chunks)
        if type(edit) is not type(local):
            return False, []
        with edit.ready(lambda: None, None):
            return True, [edit.count(chunk).counted.correct for chunk in chunks]

    flat = EditSpec.wise_ft("digits", 0.5, images=12)
    chunks = alone.lab.batches("tasks", "test").chunks(12)
    shipped = alone._engine.load(alone.lab, alone.lab.resolve(flat), chunks)
    with shipped.ready(lambda: None, None):
        expected = [shipped.count(chunk).counted.correct for chunk in chunks]
    assert counted(anna, EditSpec.finetuned(own, images=12)) == (True, expected)
    assert counted(anna, EditSpec.merged(MergeSpec((own, "faces")), 0.3, images=12))[0]
    assert counted(anna, flat) == counted(ben, flat) == (False, []), "what ships is for the workers"
    add_task(ben, zipped(tmp_path / "a.zip", folders({"cat": 20, "dog": 20})))
    assert counted(ben, flat)[0]
    assert not counted(anna, flat)[0]


def test_the_page_says_what_is_counted_here(lab: Path) -> None:
    studio = Studio(lab, None, chunk=CHUNK)
    assert text.counted_here(studio, "your images stay") == ""
    studio.workers = cast(RayLink, object())
    assert "your images stay on this one alone" in text.counted_here(studio, "your images stay")
