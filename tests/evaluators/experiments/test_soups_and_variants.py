"""Soups and ways of fine-tuning in the small lab, through the real studio."""

import json
from pathlib import Path

import pytest
import torch

from evaluators.errors import LabError, SpecError
from evaluators.experiments.finetuning_variants import USUAL, variant_result, variant_specs
from evaluators.experiments.soup_search import greedy_selection, members_of, soup_spec
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from lines_core.errors import CheckpointError
from tests.conftest import make_lab

MEMBERS = ("soup-00.objects", "soup-01.objects", "soup-02.objects")


def test_members_and_ways_are_listed_apart_from_checkpoints(studio: Studio) -> None:
    assert members_of(studio.compared(), studio.variants()) == MEMBERS
    assert [one.key for one in studio.checkpoints()] == ["digits", "faces", "objects"]
    titles = {one.key: one.title for one in studio.compared()}
    assert titles["lora-1.digits"] == "Digits (LoRA, rank 1)"


def test_a_soup_of_one_is_its_member_and_of_all_their_mean(studio: Studio) -> None:
    encoder = studio.lab.encoder
    alone = [encoder.residual(one).clone() for one in MEMBERS]
    resolved = studio.lab.resolve(soup_spec(MEMBERS))
    assert torch.allclose(encoder.residual(resolved.residual), torch.stack(alone).mean(dim=0), atol=1e-7)
    single = studio.evaluate(soup_spec(MEMBERS[:1], images=20))
    assert single.tasks == studio.evaluate(EditSpec.finetuned(MEMBERS[0], images=20)).tasks


def test_a_soup_can_be_held_out_although_shifted_sets_have_no_validation(studio: Studio) -> None:
    found = studio.evaluate(soup_spec(MEMBERS, split="val"))
    assert [task.key for task in found.tasks] == ["objects"]
    assert [task.key for task in studio.evaluate(soup_spec(MEMBERS)).tasks] == ["objects", "objects_sketch"]
    with pytest.raises(SpecError, match="can only be measured on another split"):
        studio.cached(EditSpec.finetuned("objects", split="val"))


def test_the_greedy_selection_asks_for_one_soup_after_the_other(studio: Studio) -> None:
    found: dict[tuple[str, ...], Evaluation] = {}
    asked = []
    while True:
        try:
            selection = greedy_selection(found, MEMBERS)
            break
        except KeyError as missing:
            (soup,) = missing.args
            asked.append(soup)
            found[soup] = studio.evaluate(soup_spec(soup, split="val"))
    assert asked[:3] == [(member,) for member in MEMBERS]
    assert len(asked) == 5  # three alone, then two trials: the best alone is known
    assert selection.members[0] == max(MEMBERS, key=lambda one: found[(one,)].target)
    assert selection.score == found[tuple(sorted(selection.members))].target


def test_the_ways_and_their_points(studio: Studio) -> None:
    variants = variant_specs(studio)
    assert [one.variant.title for one in variants] == ["Fine-tuned", "HalfFT", "LoRA, rank 1"]
    assert variants[0].variant == USUAL
    assert [spec.checkpoint for spec in variants[2].lines] == ["lora-1.digits", "lora-1.faces"]
    assert {spec.alpha for one in variants for spec in one.lines} == {0.5}
    found: dict[EditSpec, Evaluation] = {}
    for spec in (*variants[1].plain, *variants[1].lines):
        assert variant_result(variants[1], found) is None
        found[spec] = studio.evaluate(spec)
    point = variant_result(variants[1], found)
    assert point is not None
    plain = [found[spec] for spec in variants[1].plain]
    assert point.target.mean == pytest.approx(sum(one.target for one in plain) / 2)
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
    with pytest.raises(LabError, match="not a list of ways"):
        Studio(lab, None)
    (compared / "variants.json").unlink()
    assert Studio(lab, None).variants() == ()


def test_a_changed_residual_makes_the_shipped_answers_stale(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab")
    before = Studio(lab, None).lab.fingerprint()
    (lab / "tiny_clip" / "compared" / "lora-1.digits.safetensors").unlink()
    assert Studio(lab, None).lab.fingerprint() != before
