"""A lab of the Hub in a worker forked before it was loaded, after that, and before a checkpoint was added."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from evaluators import EditSpec, Studio
from evaluators.engine import zero_gpu
from evaluators.engine.zero_gpu import ZeroGpuHost
from evaluators.errors import LabError
from evaluators.hub.load_request import LoadRequest
from evaluators.hub.loader import Loader
from evaluators.zoo.public_encoders import Encoder
from tests.evaluators.engine.forked_gpu import ForkedGpu, Refusal
from tests.hub.repositories import serve_zoo, tall_masks_state
from tests.hub.server import Hub

KEYS = ("mnist", "svhn")
REQUEST = LoadRequest(tasks=KEYS, images=20)
TINY = EditSpec.finetuned("digits")
SPEC = EditSpec.lines("tall-masks.svhn", 0.4, model="ViT-B-32", images=0)


@pytest.fixture
def served(hub: Hub, encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, torch.Tensor]]:
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    return serve_zoo(hub, encoder, KEYS, 60, ("tall-masks",))


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkedGpu]:
    monkeypatch.setattr(zero_gpu, "best_device", lambda: "cpu")
    forked = ForkedGpu()
    yield forked
    forked.close()


def counts_without_gpu(lab: Path, cache: Path, spec: EditSpec) -> list[int]:
    """Correct images as this process counts them, from the same cache."""
    studio = Studio(lab, cache)
    assert studio.load(REQUEST).wait(60)
    return [task.correct for task in studio.evaluate(spec).tasks]


@pytest.mark.parametrize("forked_before", [True, False])
def test_a_worker_older_or_younger_than_the_lab_counts_right(
    served: dict[str, dict[str, torch.Tensor]],
    tmp_path: Path,
    lab: Path,
    gpu: ForkedGpu,
    hub: Hub,
    forked_before: bool,
) -> None:
    """An older worker loads it again from disk, and checks with the Hub; a younger one makes no request."""
    studio = Studio(lab, tmp_path / "cache", zero_gpu=ZeroGpuHost(gpu, Refusal))
    if forked_before:
        studio.evaluate(TINY)
    job = studio.load(REQUEST)
    assert job.wait(60)
    assert job.problem == ""
    hub.requests.clear()
    answer = studio.evaluate(SPEC)
    assert gpu.forks == 1
    assert gpu.sent < 8192
    assert bool(hub.requests) == forked_before
    assert sum(request.sent for request in hub.requests) < 100_000

    hub.requests.clear()
    again = studio.evaluate(SPEC, fresh=True)
    assert not hub.requests
    right = counts_without_gpu(lab, tmp_path / "cache", SPEC)
    assert [task.correct for task in answer.tasks] == [task.correct for task in again.tasks] == right
    zero_shot = studio.evaluate(EditSpec.pretrained(SPEC.checkpoint, model="ViT-B-32", images=0))
    assert [task.correct for task in zero_shot.tasks] != right


def test_a_visitors_checkpoint_reaches_a_worker_that_has_the_lab(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, lab: Path, gpu: ForkedGpu, hub: Hub
) -> None:
    studio = Studio(lab, tmp_path / "cache", zero_gpu=ZeroGpuHost(gpu, Refusal))
    assert studio.load(REQUEST).wait(60)
    theirs = studio.evaluate(EditSpec.finetuned("tall-masks.svhn", model="ViT-B-32", images=0))
    path = tmp_path / "mine.pt"
    torch.save(tall_masks_state(served["svhn"]), path)
    info = studio.take_file("ViT-B-32", "mnist", path, "mine.pt")
    hub.requests.clear()
    mine = studio.evaluate(EditSpec.finetuned(info.key, model="ViT-B-32", images=0))
    assert [task.correct for task in mine.tasks] == [task.correct for task in theirs.tasks]
    assert mine.target_task.key == "mnist"
    assert (gpu.forks, hub.requests) == (1, [])


def test_a_lab_that_the_worker_cannot_load_is_to_be_loaded_again(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, lab: Path, gpu: ForkedGpu, hub: Hub
) -> None:
    studio = Studio(lab, tmp_path / "cache", zero_gpu=ZeroGpuHost(gpu, Refusal))
    studio.evaluate(TINY)
    loader = Loader(tmp_path / "cache" / "hub", torch.device("cpu"))
    studio.add(loader.load(REQUEST, lambda step: None, threading.Event()))
    with pytest.raises(
        LabError, match="ViT-B-32 is not loaded in the process that has the GPU: load it again"
    ):
        studio.evaluate(SPEC)

    job = studio.load(LoadRequest(tasks=KEYS, images=10))
    assert job.wait(60)
    asked_before = studio.lab_of("ViT-B-32")
    for part in hub.root.rglob("nonlinear_finetuned.pt"):
        state = torch.load(part, weights_only=True)
        state["model.visual.proj"] += 1
        torch.save(state, part)
    with pytest.raises(
        LabError, match=r"on disk of CLIP ViT-B/32 is not what was loaded before: load it again"
    ):
        studio.evaluate(SPEC)
    assert studio.lab_of("ViT-B-32") is asked_before
    assert studio.load(LoadRequest(tasks=KEYS, images=10)).wait(60)
    right = counts_of_the_same_lab(studio, lab, tmp_path / "cache")
    assert [task.correct for task in studio.evaluate(SPEC).tasks] == right

    assert studio.load(LoadRequest(tasks=KEYS, images=16)).wait(60)
    answer = studio.evaluate(SPEC)
    assert [task.n for task in answer.tasks] == [16, 16]
    assert [task.correct for task in answer.tasks] == counts_of_the_same_lab(studio, lab, tmp_path / "cache")
    assert gpu.forks == 1


def counts_of_the_same_lab(studio: Studio, lab: Path, cache: Path) -> list[int]:
    plain = Studio(lab, cache)
    plain.add(studio.lab_of("ViT-B-32"))
    return [task.correct for task in plain.evaluate(SPEC).tasks]
