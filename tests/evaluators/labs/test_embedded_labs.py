"""Several embedded models share tasks and images, and nothing else: a ConvNeXt beside the small CLIP."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from evaluators import EditSpec, Studio
from evaluators.errors import EvaluationError, SpecError
from evaluators.experiments.grid import run_grid
from evaluators.experiments.sweeps import save_precomputed
from evaluators.export import LAYOUTS, layouts_of
from evaluators.labs.embedded_lab import EMBEDDED, TINY_CLIP, TINY_CONVNEXT
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import METHODS
from lines_core.packed import is_packed
from tests.conftest import CHUNK
from tests.convnext_lab import BLOCKS, KEYS


@pytest.fixture(scope="module")
def studio(both_labs: Path) -> Studio:
    return Studio(both_labs, None, chunk=CHUNK)


def lines(gamma: float, **rest: object) -> EditSpec:
    return EditSpec.lines("digits", gamma, model=TINY_CONVNEXT, **rest)


def test_the_models_that_ship_are_there_from_the_start(lab: Path, studio: Studio) -> None:
    assert [(model.key, model.num_blocks) for model in studio.models()] == [
        (TINY_CLIP, 4),
        (TINY_CONVNEXT, BLOCKS),
    ]
    assert [one.key for one in studio.checkpoints(TINY_CONVNEXT)] == list(KEYS)
    assert studio.tasks(model=TINY_CONVNEXT) == studio.tasks()
    assert studio.compared(TINY_CONVNEXT) == () == studio.variants(TINY_CONVNEXT)
    assert [model.key for model in Studio(lab, None).models()] == [TINY_CLIP]


def test_stages_are_edited_in_depth_order(studio: Studio) -> None:
    """Block 3 of [1, 2, 4, 2] is the second of stage 1, and the downsampling layer before it is block 2's."""
    encoder = studio.lab_of(TINY_CONVNEXT).encoder
    pretrained = {name: value.clone() for name, value in encoder.pretrained().items()}
    scales = lines(0.0).scales(BLOCKS)
    encoder.write_edit("digits", scales)
    residual = encoder.layout.unflatten(encoder.residual("digits"))
    live = dict(encoder.loaded.clip.named_parameters())
    for name, block in (
        ("visual.trunk.stages.0.blocks.0.gamma", 0),
        ("visual.trunk.stages.1.downsample.1.weight", 1),
        ("visual.trunk.stages.1.blocks.1.conv_dw.weight", 2),
        ("visual.trunk.stages.3.blocks.1.mlp.fc2.weight", BLOCKS - 1),
    ):
        expected = pretrained[name] + scales.blocks[block] * residual[name]
        torch.testing.assert_close(live[name].detach(), expected)
    torch.testing.assert_close(live["visual.trunk.stem.0.weight"], pretrained["visual.trunk.stem.0.weight"])


def test_a_packed_checkpoint_is_the_finetuned_one(both_labs: Path, studio: Studio) -> None:
    path = both_labs / EMBEDDED[TINY_CONVNEXT].folder / "finetuned" / "digits.safetensors"
    assert is_packed(path)
    assert not is_packed(both_labs / "tiny_clip" / "finetuned" / "digits.safetensors")
    finetuned = studio.evaluate(EditSpec.finetuned("digits", model=TINY_CONVNEXT))
    assert finetuned.complete
    before = studio.evaluate(EditSpec.pretrained("digits", model=TINY_CONVNEXT))
    assert finetuned.predictions != before.predictions


def test_answers_of_one_model_are_none_of_the_other(studio: Studio) -> None:
    of_clip = studio.evaluate(EditSpec.lines("digits", 0.5))
    of_convnext = studio.evaluate(lines(0.5))
    assert of_clip.predictions != of_convnext.predictions
    assert studio.cached(EditSpec.lines("digits", 0.5)) == of_clip
    assert studio.cached(lines(0.5)) == of_convnext


@pytest.mark.parametrize("method", METHODS)
def test_every_method_merges_it(studio: Studio, method: str) -> None:
    task = "digits" if METHODS[method].per_task else ""
    spec = EditSpec.merged(MergeSpec(KEYS, method, task=task), 0.3, 0.5, model=TINY_CONVNEXT, images=4)
    assert studio.evaluate(spec).complete


def test_a_grid_counts_as_the_live_model_does(studio: Studio) -> None:
    """Its cells share stem and block 1, so their features must be those of the whole pass."""
    specs = [EditSpec(model=TINY_CONVNEXT, alpha=0.2, beta=beta) for beta in (0.1, 0.5, 0.9)]
    specs.append(EditSpec(alpha=0.2, beta=0.5))
    live = {spec: studio.evaluate(spec, fresh=True) for spec in specs}
    counted = dict(run_grid(studio, specs, fresh=True))
    assert [counted[spec].predictions for spec in specs] == [live[spec].predictions for spec in specs]


def test_shipped_evaluations_are_those_of_their_model(
    both_labs: Path, studio: Studio, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(both_labs, tmp_path / "lab"))
    for spec in (EditSpec.lines("digits", 0.5), lines(0.5)):
        path = folder / EMBEDDED[spec.model].sweeps / "digits.json"
        save_precomputed(studio, path, [studio.evaluate(spec)])
    opened = Studio(folder, None, chunk=CHUNK)
    for spec in (EditSpec.lines("digits", 0.5), lines(0.5)):
        known = opened.cached(spec)
        assert known is not None
        assert known.precomputed
        assert [task.correct for task in known.tasks] == [
            task.correct for task in studio.evaluate(spec).tasks
        ]
    assert opened.cached(lines(0.4)) is None


def test_what_ships_together_is_of_one_model(studio: Studio, tmp_path: Path) -> None:
    of_both = [studio.evaluate(EditSpec.lines("digits", 0.5)), studio.evaluate(lines(0.5))]
    with pytest.raises(EvaluationError, match="one embedded model"):
        save_precomputed(studio, tmp_path / "digits.json", of_both)


def test_a_checkpoint_that_it_lacks_is_named(studio: Studio) -> None:
    with pytest.raises(SpecError, match="no checkpoint 'objects': pick one of digits, faces"):
        studio.evaluate(EditSpec.finetuned("objects", model=TINY_CONVNEXT))


def test_a_studio_may_leave_models_out(both_labs: Path) -> None:
    """As the static edition does, whose engine runs Tiny CLIP alone."""
    assert [one.key for one in Studio(both_labs, None, models=(TINY_CLIP,)).models()] == [TINY_CLIP]
    assert [one.key for one in Studio(both_labs, None, models=()).models()] == [TINY_CLIP]


def test_only_names_that_a_tower_can_have_are_offered_for_its_files(studio: Studio) -> None:
    assert layouts_of(studio.lab_of(TINY_CONVNEXT)) == ("open_clip",)
    assert layouts_of(studio.lab) == tuple(LAYOUTS)


def test_changed_arithmetic_of_a_method_asks_for_new_counts(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge = EditSpec.merged(MergeSpec(KEYS, "ties"), model=TINY_CONVNEXT)
    before = studio.fingerprint(merge), studio.fingerprint(lines(0.5)), studio.lab.fingerprint()
    raised = {**METHODS, "ties": replace(METHODS["ties"], version=METHODS["ties"].version + 1)}
    monkeypatch.setattr("lines_core.merging.METHODS", raised)
    after = studio.fingerprint(merge), studio.fingerprint(lines(0.5)), studio.lab.fingerprint()
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, False]
