"""Soups and variants of fine-tuning in the small lab, through the real studio."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from evaluators.errors import LabError, SpecError
from evaluators.experiments.finetuning_variants import USUAL, variant_result, variant_specs
from evaluators.experiments.soup_search import SoupSearch, TunedSoup, soup_members, soup_spec
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from lines_core.errors import CheckpointError
from tests.conftest import make_lab

MEMBERS = ("soup-00.objects", "soup-01.objects", "soup-02.objects")


def test_members_and_variants_are_listed_apart_from_checkpoints(studio: Studio) -> None:
    assert soup_members(studio) == MEMBERS
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
    search = SoupSearch(MEMBERS, images=20)
    found: dict[EditSpec, Evaluation] = {}
    tried = []
    while (soup := search.greedy(found)) is None:
        (spec,) = search.next_specs(found)
        tried.append(spec.sources)
        found[spec] = studio.evaluate(spec)
    assert tried[:3] == [(member,) for member in MEMBERS]
    assert len(tried) == 5  # three alone, then two attempts: the best alone is known
    assert soup.members[0] == max(MEMBERS, key=lambda one: found[search.spec([one], split="val")].target)
    assert soup.score == found[search.spec(soup.members, split="val")].target
    assert search.next_specs(found) == search.variants(soup.members)


def test_factor_and_beta_are_chosen_on_validation_the_smallest_of_equals(studio: Studio) -> None:
    search = SoupSearch(MEMBERS, images=20)
    measured = studio.evaluate(search.spec(MEMBERS, split="val"))
    target = measured.tasks[0]
    low = replace(measured, tasks=(replace(target, correct=1), *measured.tasks[1:]))
    found = dict.fromkeys(search.variants(MEMBERS), low)
    scale, beta = search.tuned_scale(MEMBERS, found), search.tuned_beta(MEMBERS, found)
    assert (scale, beta) == (TunedSoup(1.0, search.spec(MEMBERS)), TunedSoup(0.0, search.spec(MEMBERS)))
    found[search.spec(MEMBERS, 0.4, split="val")] = replace(low, tasks=(replace(target, correct=2),))
    assert search.tuned_beta(MEMBERS, found) == TunedSoup(0.4, search.spec(MEMBERS, 0.4))
    del found[search.spec(MEMBERS, 1.0, split="val")]
    assert search.tuned_beta(MEMBERS, found) is None


def test_the_variants_and_their_means(studio: Studio) -> None:
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
