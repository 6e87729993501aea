"""Soups of the small lab through the real studio: averages, greedy selection, choice on validation."""

from dataclasses import replace

import pytest
import torch

from evaluators.errors import SpecError
from evaluators.experiments.soup_search import SoupSearch, TunedSoup, soup_members, soup_spec
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation

MEMBERS = ("soup-00.objects", "soup-01.objects", "soup-02.objects")


def test_members_and_variants_are_listed_apart_from_checkpoints(studio: Studio) -> None:
    assert soup_members(studio) == MEMBERS
    assert [checkpoint.key for checkpoint in studio.checkpoints()] == ["digits", "faces", "objects"]
    titles = {checkpoint.key: checkpoint.title for checkpoint in studio.compared()}
    assert titles["lora-1.digits"] == "Digits (LoRA, rank 1)"


def test_a_soup_of_one_is_its_member_and_of_all_their_mean(studio: Studio) -> None:
    encoder = studio.lab.encoder
    alone = [encoder.residual(member).clone() for member in MEMBERS]
    resolved = studio.lab.resolve(soup_spec(MEMBERS))
    assert torch.allclose(encoder.residual(resolved.residual), torch.stack(alone).mean(dim=0), atol=1e-7)
    single = studio.evaluate(soup_spec(MEMBERS[:1], images=20))
    assert single.tasks == studio.evaluate(EditSpec.finetuned(MEMBERS[0], images=20)).tasks


def test_a_soup_can_be_held_out_although_shifted_sets_have_no_validation(studio: Studio) -> None:
    found = studio.evaluate(soup_spec(MEMBERS, split="val"))
    assert [task.key for task in found.tasks] == ["objects"]
    assert [task.key for task in studio.evaluate(soup_spec(MEMBERS)).tasks] == ["objects", "objects_sketch"]
    with pytest.raises(SpecError, match="can only be evaluated on another split"):
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
    assert soup.members[0] == max(
        MEMBERS, key=lambda member: found[search.spec([member], split="val")].target
    )
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
