"""ViT-B/32 at its full size, with random weights in the public layouts, from the Hub to a number."""

from pathlib import Path

import pytest
import torch

from evaluators import EditSpec, Studio
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import LoadRequest
from evaluators.zoo import ENCODERS, TASKS
from tests.hub import repositories
from tests.hub.server import Hub

KEYS = ("pcam", "svhn")
MODEL = "ViT-B-32"


def test_vit_b_32_from_the_hub_to_a_number(hub: Hub, tmp_path: Path, lab: Path) -> None:
    """Two families of one checkpoint, converted from different layouts, give the same counts."""
    encoder = ENCODERS[MODEL]
    pretrained = repositories.random_clip(encoder)
    assert sum(value.numel() for value in pretrained.values()) == encoder.parameters
    weights = repositories.finetuned(pretrained, seed=1)
    weights["visual.proj"] = pretrained["visual.proj"]  # which transformers' vision towers do not have
    repositories.serve_encoder(hub, encoder, pretrained)
    for number, key in enumerate(KEYS):
        repositories.serve_images(hub, TASKS[key], 24, seed=number, side=230)
    paths = (
        repositories.serve_tall_masks(hub, encoder, TASKS["pcam"], weights),
        repositories.serve_fusion_bench(hub, encoder, TASKS["pcam"], weights),
    )
    assert [round(path.stat().st_size / 1e6) for path in paths] == [454, 350]
    del weights

    studio = Studio(lab, tmp_path / "cache")
    answers = []
    for family in ("tall-masks", "fusion-bench"):
        job = studio.load(LoadRequest(model=MODEL, family=family, tasks=KEYS, images=8))
        assert job.wait(240)
        assert job.problem == ""  # that svhn has no checkpoint is told by its step, and stops nothing
        answers.append(studio.evaluate(EditSpec.lines(f"{family}.pcam", 0.3, model=MODEL, images=0)))
    assert [task.correct for task in answers[0].tasks] == [task.correct for task in answers[1].tasks]
    assert [task.n for task in answers[0].tasks] == [8, 8]

    there = studio.lab_of(MODEL)
    assert isinstance(there, HubLab)
    there.encoder.write_edit("", EditSpec.pretrained().scales(12))
    live = dict(there.encoder.loaded.clip.named_parameters())
    for name, tensor in pretrained.items():
        if name.startswith("visual."):
            assert torch.equal(live[name], tensor.to(there.dtype))


@pytest.mark.parametrize("key", ["ViT-B-16", "ViT-L-14"])
def test_the_folders_of_the_other_sizes_are_found(hub: Hub, key: str) -> None:
    """nik-dim/tall_masks spells one of them VIT-B-16."""
    from evaluators.hub.transfer.repository_listing import list_files
    from evaluators.zoo import FAMILIES
    from evaluators.zoo.checkpoint_families import find_ignoring_case

    place = FAMILIES["tall-masks"].hub_file(ENCODERS[key], TASKS["mnist"])
    path = repositories.serve_tall_masks(
        hub, ENCODERS[key], TASKS["mnist"], {"visual.proj": torch.zeros(2, 2)}
    )
    found = find_ignoring_case(place.pattern_path, list_files(place.repo))
    assert found is not None
    assert path.as_posix().endswith(found)
