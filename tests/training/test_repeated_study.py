"""Repeated fine-tunings: their lab folders, and what is measured on one; on the small lab of the tests."""

from pathlib import Path

import pytest

from evaluators import EditSpec, Studio
from evaluators.errors import LabError
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.specs.image_hits import accuracy
from evaluators.specs.merge_spec import MergeSpec
from tests.conftest import CHUNK
from training.repeated_finetuning import SEED_SETS, SMALL_STEP_SET, make_lab, shipped_lab
from training.repeated_study import SetHits, measure_sets, read_sets
from training.world.catalogue import TASKS


def test_a_lab_of_chosen_checkpoints_has_no_other(lab: Path, tmp_path: Path) -> None:
    made = shipped_lab(lab, tmp_path / "chosen", ["faces"])
    assert [checkpoint.key for checkpoint in Studio(made, None, chunk=CHUNK).checkpoints()] == ["faces"]
    shipped_lab(lab, made, ["faces"])  # a second time changes nothing
    make_lab(lab, tmp_path / "empty")
    with pytest.raises(LabError, match="no fine-tuned checkpoint"):
        Studio(tmp_path / "empty", None, chunk=CHUNK)


def test_a_set_is_measured_as_the_studio_counts(lab: Path, tmp_path: Path) -> None:
    lines = list(measure_sets(tmp_path / "sets.json", {"1": lab}, tmp_path / "cache"))
    found = read_sets(tmp_path / "sets.json")["1"]
    assert isinstance(found, SetHits)
    assert any(line.startswith("1: sum: lambda") for line in lines)
    studio = Studio(lab, None, chunk=CHUNK)
    usual = tuple(one.key for one in studio.checkpoints() if one.suite == "tasks")
    assert set(usual) <= set(found.models)
    for method, merge in found.merges.items():
        spec = EditSpec.merged(MergeSpec(usual, method), merge.scale, images=ALL_IMAGES)
        assert accuracy(merge.plain).mean == pytest.approx(studio.evaluate(spec).target)
    model = found.models[usual[0]]
    evaluated = studio.evaluate(EditSpec.lines(usual[0], model.gamma, images=ALL_IMAGES))
    assert accuracy(model.lines, [usual[0]]).mean == pytest.approx(evaluated.target)
    studio.close()


def test_the_sets_are_what_the_report_says_they_are() -> None:
    """Ten times the steps at a tenth of the rate; two seeds beside the shipped one, every task."""
    usual = SEED_SETS[2].configs["digits"]
    for key, config in SMALL_STEP_SET.configs.items():
        assert config.steps == 10 * usual.steps
        assert config.rate == pytest.approx(usual.rate / 10)
        assert config.rates == (key.partition(".")[0] if "." in key else "all")
    assert [set(repeated.configs) for repeated in SEED_SETS.values()] == [set(TASKS)] * 2
    assert {repeated.configs["faces"].seed for repeated in SEED_SETS.values()} == {2, 3}
