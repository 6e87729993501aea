"""Checkpoint families: where their files lie, and which ones there are."""

from dataclasses import replace

import pytest

from evaluators.errors import HubError
from evaluators.zoo import BENCHMARKS, ENCODERS, FAMILIES, TASKS, HubFile, find_ignoring_case

TWENTY = [TASKS[key] for key in BENCHMARKS[20]]
TITLES = [task.title for task in TWENTY]


def test_files_of_tall_masks() -> None:
    family = FAMILIES["tall-masks"]
    assert family.hub_file(ENCODERS["ViT-B-16"], TASKS["stanford_cars"]) == HubFile(
        "nik-dim/tall_masks", "model", "main", "single_task/ViT-B-16/CarsVal/nonlinear_finetuned.pt"
    )
    for task in TWENTY:
        path = family.hub_file(ENCODERS["ViT-L-14"], task).pattern_path
        assert path == f"single_task/ViT-L-14/{task.title}Val/nonlinear_finetuned.pt"


def test_files_of_fusion_bench() -> None:
    family, repos = FAMILIES["fusion-bench"], []
    for encoder in ENCODERS.values():
        for task in TWENTY:
            file = family.hub_file(encoder, task)
            assert (file.kind, file.pattern_path) == ("model", "model.safetensors")
            repos.append(file.repo)
    slugs = (
        "eurosat dtd sun397 mnist resisc45 gtsrb stanford-cars svhn stl10 oxford-iiit-pet oxford_flowers102 "
        "cifar100 pcam fer2013 cifar10 food101 fashion_mnist rendered-sst2 emnist_letters kmnist"
    ).split()
    bases = ("clip-vit-base-patch32", "clip-vit-base-patch16", "clip-vit-large-patch14")
    assert repos == [f"tanganke/{base}_{slug}" for base in bases for slug in slugs]


def test_a_missing_checkpoint_is_an_error() -> None:
    family = replace(FAMILIES["tall-masks"], models={"ViT-B-32": "ViT-B-32"})
    with pytest.raises(HubError, match="no checkpoint for ViT-L-14, only for ViT-B-32"):
        family.hub_file(ENCODERS["ViT-L-14"], TASKS["mnist"])
    family = replace(FAMILIES["tall-masks"], tasks={"dtd": "DTD"})
    with pytest.raises(HubError, match="no checkpoint for mnist, only for dtd"):
        family.hub_file(ENCODERS["ViT-L-14"], TASKS["mnist"])


def listing() -> list[str]:
    """Files of the repository, which spells the folder of ViT-B/16 in upper case."""
    files = [".gitattributes", "README.md", "single_task/ViT-B-32/MNISTVal/nonlinear_zeroshot.pt"]
    for folder in ("ViT-B-32", "VIT-B-16", "ViT-L-14"):
        files += [f"single_task/{folder}/head_{title}Val.pt" for title in TITLES]
        files += [f"single_task/{folder}/{title}Val/nonlinear_finetuned.pt" for title in TITLES]
    masks = ("ViT-B-32", "ViT-B-16", "ViT-L-14")
    return files + [f"tall_masks/{model}/TALL_mask_{n}task.npy" for model in masks for n in (8, 14, 20)]


@pytest.mark.parametrize(
    ("key", "folder"), [("ViT-B-32", "ViT-B-32"), ("ViT-B-16", "VIT-B-16"), ("ViT-L-14", "ViT-L-14")]
)
def test_every_checkpoint_is_found_in_the_listing(key: str, folder: str) -> None:
    for task in TWENTY:
        file = FAMILIES["tall-masks"].hub_file(ENCODERS[key], task)
        found = find_ignoring_case(file.pattern_path, listing())
        assert found == f"single_task/{folder}/{task.title}Val/nonlinear_finetuned.pt"


def test_find_ignoring_case() -> None:
    assert find_ignoring_case("a/b.pt", []) is None
    assert find_ignoring_case("a/b.pt", ["a/b.pth", "x/a/b.pt", "a/B"]) is None
    assert find_ignoring_case("a/b.pt", ["A/B.PT", "A/B.PT"]) == "A/B.PT"
    assert find_ignoring_case("a/b.pt", ["A/b.pt", "a/b.pt"]) == "a/b.pt", "spelt exactly so"
    with pytest.raises(HubError, match=r"a/b\.pt could be any of A/b\.pt, a/B\.pt"):
        find_ignoring_case("a/b.pt", ["a/B.pt", "A/b.pt"])


def test_urls_of_model_soups() -> None:
    family, encoder = FAMILIES["model-soups"], ENCODERS["ViT-B-32"]
    releases = "https://github.com/mlfoundations/model-soups/releases/download/v0.0.2"
    assert [family.member_url(encoder, member) for member in family.members] == [
        f"{releases}/model_{number}.pt" for number in range(72)
    ]
    best = "43 44 69 48 63 27 34 60 54 70".split()
    assert family.suggested == tuple(f"model_{number}" for number in best)
    assert family.target == "imagenet"
    with pytest.raises(HubError, match="no member 'model_72', but model_0 to model_71"):
        family.member_url(encoder, "model_72")
    with pytest.raises(HubError, match="no checkpoint for ViT-L-14, only for ViT-B-32"):
        family.member_url(ENCODERS["ViT-L-14"], "model_0")
    with pytest.raises(HubError, match="72 checkpoints for imagenet: name a member"):
        family.hub_file(encoder, TASKS["imagenet"])
    with pytest.raises(HubError, match="no member 'model_0', but one for each task"):
        FAMILIES["tall-masks"].member_url(encoder, "model_0")
