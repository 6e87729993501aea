"""Variants of fine-tuning in the small lab: their means, and damaged files of theirs."""

import json
from pathlib import Path

import pytest

from evaluators.errors import LabError
from evaluators.experiments.finetuning_variants import USUAL, variant_result, variant_specs
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from lines_core.errors import CheckpointError
from tests.conftest import make_lab


def test_the_variants_and_their_means(studio: Studio) -> None:
    variants = variant_specs(studio)
    assert [specs.variant.title for specs in variants] == ["Fine-tuned", "HalfFT", "LoRA, rank 1"]
    assert variants[0].variant == USUAL
    assert [spec.checkpoint for spec in variants[2].lines] == ["lora-1.digits", "lora-1.faces"]
    assert {spec.alpha for specs in variants for spec in specs.lines} == {0.5}
    found: dict[EditSpec, Evaluation] = {}
    for spec in (*variants[1].plain, *variants[1].lines):
        assert variant_result(variants[1], found) is None
        found[spec] = studio.evaluate(spec)
    point = variant_result(variants[1], found)
    assert point is not None
    plain = [found[spec] for spec in variants[1].plain]
    assert point.target.mean == pytest.approx(sum(evaluation.target for evaluation in plain) / 2)
    assert point.lines_control.mean == pytest.approx(sum(found[s].control for s in variants[1].lines) / 2)


def test_damaged_lists_and_residuals_are_named(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab")
    compared = lab / "tiny_clip" / "compared"
    (compared / "lora-1.digits.safetensors").write_bytes(b"no residual")
    with pytest.raises(CheckpointError, match=r"lora-1\.digits\.safetensors"):
        Studio(lab, None).evaluate(EditSpec.finetuned("lora-1.digits"))
    (compared / "gammas.json").write_text(json.dumps({"digits": "none"}))
    with pytest.raises(LabError, match="does not give a gamma"):
        Studio(lab, None)
    (compared / "gammas.json").unlink()
    (compared / "variants.json").write_text('[{"key": "x"}]')
    with pytest.raises(LabError, match="not a list of fine-tuning variants"):
        Studio(lab, None)
    (compared / "variants.json").unlink()
    assert Studio(lab, None).variants() == ()


def test_a_changed_residual_makes_the_shipped_answers_stale(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab")
    before = Studio(lab, None).lab.fingerprint()
    (lab / "tiny_clip" / "compared" / "lora-1.digits.safetensors").unlink()
    assert Studio(lab, None).lab.fingerprint() != before
