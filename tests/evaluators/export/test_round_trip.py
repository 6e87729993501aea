"""An exported edit, added again as a visitor's own checkpoint: the round trip needs no connection."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.errors import SpecError
from evaluators.export import export
from evaluators.export.edit_sources import sources_of
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from tests.evaluators.export.exported_specs import Write, every_layout
from tests.paths import ASSETS

EDIT = EditSpec.lines("digits", 0.4)


@every_layout
def test_its_fine_tuned_accuracy_is_that_of_the_edit(studio: Studio, write: Write, layout: str) -> None:
    """To the image: every task has the same number of correct ones."""
    expected = studio.evaluate(EDIT)
    anna = studio.seen_by("anna")
    own = anna.take_file("tiny-clip", "digits", write(EDIT, layout).weights, "digits-gamma0.4.safetensors")
    assert own.title.endswith("(digits-gamma0.4.safetensors)")
    found = anna.evaluate(EditSpec.finetuned(own.key))
    assert found.target_task.key == "digits"
    assert [(task.key, task.correct, task.n) for task in found.tasks] == [
        (task.key, task.correct, task.n) for task in expected.tasks
    ]
    pretrained = anna.evaluate(EditSpec.pretrained(own.key))
    assert pretrained.tasks == studio.evaluate(EditSpec.pretrained("digits")).tasks


def test_the_shipped_model_makes_the_round_trip(tmp_path: Path) -> None:
    studio = Studio(ASSETS, None).seen_by("anna")
    edit = replace(EDIT, images=64)
    files = export(studio.lab, edit, "open_clip", tmp_path)
    own = studio.take_file("tiny-clip", "digits", files.weights, "mine.safetensors")
    found = studio.evaluate(EditSpec.finetuned(own.key, images=64))
    assert [task.correct for task in found.tasks] == [task.correct for task in studio.evaluate(edit).tasks]
    studio.close()


def test_it_can_be_merged_and_exported_and_is_nobody_elses(studio: Studio, write: Write) -> None:
    anna, ben = studio.seen_by("anna"), studio.seen_by("ben")
    weights = write(EDIT).weights
    own = anna.take_file("tiny-clip", "digits", weights, "mine.safetensors")
    merge = EditSpec.merged(MergeSpec((own.key, "faces")), 0.3)
    assert anna.evaluate(merge).complete
    assert [
        source.origin for source in sources_of(anna.lab_of("tiny-clip"), merge) if "own" in source.key
    ] == ["mine.safetensors"]
    for spec in (merge, EditSpec.finetuned(own.key)):
        with pytest.raises(SpecError, match="no checkpoint"):
            ben.evaluate(spec)
    with pytest.raises(SpecError, match="pick one of digits"):
        anna.take_file("tiny-clip", "letters", weights, "mine.safetensors")
    studio.leave("anna")
    with pytest.raises(SpecError, match="no checkpoint"):
        anna.evaluate(merge)
    assert own.key not in studio.lab.encoder.residual_paths


def test_its_results_are_not_stored(lab: Path, write: Write, tmp_path: Path) -> None:
    studio = Studio(lab, tmp_path / "kept")
    anna = studio.seen_by("anna")
    own = anna.take_file("tiny-clip", "digits", write(EDIT).weights, "mine.safetensors")
    anna.evaluate(EditSpec.finetuned(own.key))
    public = anna.evaluate(EDIT)
    studio.close()
    with sqlite3.connect(tmp_path / "kept" / "results.sqlite") as connection:
        kept = [value for (value,) in connection.execute("SELECT value FROM results")]
    connection.close()
    assert len(kept) == 1
    assert public.spec.key() != EditSpec.finetuned(own.key).key()
    assert own.key not in kept[0]
