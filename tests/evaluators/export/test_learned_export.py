"""A learned merge as files: the weights that were counted, the names of all coefficients, what is refused."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from evaluators.experiments.learned_merge import LearnedMerge
from evaluators.experiments.learning_run import CoefficientRun, LearningRequest
from evaluators.export import LAYOUTS, ExportError, export_learned
from evaluators.export.learned_export import learned_name
from evaluators.service.studio import Studio
from lines_core.checkpoints import read_checkpoint, read_metadata
from tests.evaluators.export.mergekit_programs import Mergekit
from tests.evaluators.export.test_mergekit_runs import furthest

REQUEST = LearningRequest(("digits", "faces"), "atlas", "tiny-clip", steps=3)


@pytest.fixture
def run(studio: Studio) -> CoefficientRun:
    return CoefficientRun(studio.lab, REQUEST, lambda: None)


@pytest.fixture
def learned(run: CoefficientRun) -> LearnedMerge:
    *_, last = run.steps()
    return last


def test_the_weights_are_those_that_were_counted(
    studio: Studio, run: CoefficientRun, learned: LearnedMerge, tmp_path: Path
) -> None:
    """To the last bit, through the digits that are written."""
    kept = LearnedMerge.from_dict(json.loads(json.dumps(learned.as_dict())))
    assert kept == learned
    written = export_learned(studio.lab, kept, "open_clip", tmp_path)
    assert run.state is not None
    layout = studio.lab.encoder.layout
    expected = layout.unflatten(run.merge.weights(run.state.coefficients))
    found = read_checkpoint(written.weights)
    assert found.keys() == {f"visual.{name}" if not name.startswith("visual.") else name for name in expected}
    for name, value in expected.items():
        assert torch.equal(found[name if name in found else f"visual.{name}"], value), name


@pytest.mark.parametrize("layout", LAYOUTS)
def test_mergekit_makes_the_same_model_of_the_recipe(
    mergekit: Mergekit, studio: Studio, learned: LearnedMerge, tmp_path: Path, layout: str
) -> None:
    """The run that ships lists its tasks as the lab does; the recipe gave one model's share to another."""
    shuffled = replace(
        learned, checkpoints=learned.checkpoints[::-1], coefficients=learned.coefficients[::-1]
    )
    written = export_learned(studio.lab, shuffled, layout, tmp_path, ["models"])
    ran = mergekit(layout, written.recipe, tmp_path)
    assert ran.returncode == 0, ran.said
    assert furthest(written) < 3e-7


def test_card_recipe_and_metadata_name_what_was_learned(
    studio: Studio, learned: LearnedMerge, tmp_path: Path
) -> None:
    written = export_learned(studio.lab, learned, "transformers", tmp_path, ["clip"])
    card, recipe = written.card.read_text("utf-8"), written.recipe.read_text("utf-8")
    assert "2 fine-tuned models merged by aTLAS" in card
    assert "3 steps on validation images, 48 labels, seed 0" in card
    first = learned.mean_profile()["attention"][0]
    assert f"| block 1 | {first:.4f} |" in card
    digits = learned.tasks[0]
    assert f"{digits.correct} of {digits.n}" in card
    rows = re.findall(r"filter: \"(.+)\", value: (.+)}", recipe)
    tower = [name for name in read_checkpoint(written.weights) if name.startswith(("vision", "visual"))]
    assert sorted(name for name, _ in rows) == sorted(2 * tower)
    values = [float(value) for _, value in rows]
    assert set(values) == {value for task in learned.coefficients for value in task}
    how = json.loads(read_metadata(written.weights)["learned"])
    assert how == {
        "learner": "atlas",
        "split": "val",
        "seed": 0,
        "steps": 3,
        "checkpoints": ["digits", "faces"],
    }
    with zipfile.ZipFile(written.bundle) as bundle:
        assert {name.split("/", 1)[1] for name in bundle.namelist()} == set(written.inside)
    assert written.bundle.stem == learned_name(learned, "tiny-clip", "transformers")


def test_other_coefficients_have_another_name(learned: LearnedMerge) -> None:
    other = replace(learned, coefficients=tuple(tuple(2 * c for c in task) for task in learned.coefficients))
    assert learned_name(other, "tiny-clip") != learned_name(learned, "tiny-clip")
    assert learned_name(learned, "ViT-B-32").startswith("ViT-B-32-merge-atlas-2-models-3-steps-")


def test_coefficients_that_do_not_fit_are_refused(
    studio: Studio, learned: LearnedMerge, tmp_path: Path
) -> None:
    without = replace(learned, checkpoints=(), coefficients=())
    with pytest.raises(ExportError, match="learn them again"):
        export_learned(studio.lab, without, "open_clip", tmp_path)
    short = replace(learned, coefficients=tuple(task[1:] for task in learned.coefficients))
    with pytest.raises(ExportError, match="coefficients for each model"):
        export_learned(studio.lab, short, "open_clip", tmp_path)
    assert list(tmp_path.iterdir()) == []
