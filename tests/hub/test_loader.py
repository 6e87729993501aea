"""A public CLIP from the local Hub, through the unmodified client libraries, to numbers."""

from pathlib import Path

import pytest
import torch

from evaluators import EditSpec, Studio
from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.errors import HubError, LabError, SpecError
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import DONE, FAILED, LoadRequest
from evaluators.zoo import ENCODERS, TASKS
from evaluators.zoo.public_encoders import Encoder
from lines_core.errors import CheckpointError
from tests.hub.repositories import load_lab, serve_zoo, tall_masks_state
from tests.hub.server import Hub
from tests.waiting import soon

KEYS = ("mnist", "svhn", "eurosat")
BOTH = ("tall-masks", "fusion-bench")
IMAGES = 60


@pytest.fixture
def zoo(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> Encoder:
    """The zoo with the small encoder in the place of ViT-B/32."""
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    return encoder


@pytest.fixture
def served(hub: Hub, zoo: Encoder) -> dict[str, dict[str, torch.Tensor]]:
    return serve_zoo(hub, zoo, KEYS, IMAGES, BOTH)


@pytest.mark.parametrize("family", BOTH)
def test_the_live_tower_is_the_published_checkpoint(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, family: str
) -> None:
    """From both layouts the fine-tuned edit gives the very weights that were served."""
    lab, steps = load_lab(tmp_path, LoadRequest(family=family, tasks=KEYS, images=20))
    assert {step.state for step in steps.values()} == {DONE}
    assert [one.key for one in lab.checkpoints()] == [f"{family}.{key}" for key in KEYS]
    for key in KEYS:
        spec = EditSpec.finetuned(f"{family}.{key}", model="ViT-B-32")
        lab.encoder.write_edit(spec.checkpoint, spec.scales(3))
        live = dict(lab.encoder.loaded.clip.named_parameters())
        for name, tensor in served[key].items():
            if name.startswith("visual.") and not (family == "fusion-bench" and name == "visual.proj"):
                torch.testing.assert_close(live[name].float(), tensor, atol=1e-6, rtol=2e-2)
    lab.encoder.write_edit("", EditSpec.pretrained("any").scales(3))
    live = dict(lab.encoder.loaded.clip.named_parameters())
    for name, tensor in served[""].items():
        if name.startswith("visual."):
            assert torch.equal(live[name], tensor.to(lab.dtype))


def test_a_loaded_model_answers_like_the_embedded_one(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, lab: Path, encoder: Encoder
) -> None:
    studio = Studio(lab, tmp_path / "cache")
    job = studio.load(LoadRequest(tasks=KEYS, images=20))
    assert job.wait(60)
    assert job.problem == ""
    assert [model.key for model in studio.models()] == ["tiny-clip", "ViT-B-32"]
    spec = EditSpec.lines("tall-masks.svhn", 0.4, model="ViT-B-32", images=0)
    answer = studio.evaluate(spec)
    assert answer.target_task.key == "svhn"
    assert [task.n for task in answer.tasks] == [20, 20, 20]

    import open_clip

    reference = open_clip.create_model(encoder.open_clip).eval()
    scales = spec.scales(3)
    edited = dict(served[""])
    for name, tensor in served[""].items():
        if name.startswith("visual."):
            block = name.split("resblocks.")[1].split(".")[0] if "resblocks." in name else None
            scale = 0.4 if block is None else scales.blocks[int(block)]
            edited[name] = tensor + scale * (served["svhn"][name] - tensor)
    reference.load_state_dict(edited)
    there = studio.lab_of("ViT-B-32")
    assert isinstance(there, HubLab)
    row = encoder
    for task, result in zip(there.loaded_tasks, answer.tasks, strict=True):
        subset = task.subsets["test"].subset
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (row.mean, row.std))
        with torch.inference_mode():
            features = reference.encode_image((subset.images / 255 - mean) / std)
        head = open_clip.build_zero_shot_classifier(
            reference,
            open_clip.get_tokenizer(row.open_clip),
            list(task.task.classes),
            [prompt.format for prompt in task.task.prompts],
        )
        torch.testing.assert_close(task.head, head, atol=1e-5, rtol=0)
        right = int(((features @ head).argmax(dim=1) == subset.labels).sum())
        assert abs(result.correct - right) <= (0 if there.dtype == torch.float32 else 1)
    assert (
        len({answer.target, studio.evaluate(EditSpec.pretrained(spec.checkpoint, model="ViT-B-32")).target})
        == 2
    )


def test_what_is_loaded_is_not_fetched_again(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, hub: Hub
) -> None:
    load_request = LoadRequest(tasks=KEYS, images=20)
    load_lab(tmp_path, load_request)
    before = sum(request.sent for request in hub.requests)
    assert before > 1_000_000
    hub.requests.clear()
    lab, _ = load_lab(tmp_path, load_request)
    assert len(lab.checkpoints()) == 3
    assert sum(request.sent for request in hub.requests) < 100_000


def test_what_was_loaded_works_without_a_network(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, hub: Hub
) -> None:
    load_request = LoadRequest(tasks=KEYS, images=20)
    load_lab(tmp_path / "warm", load_request)
    with hub.down():
        lab, steps = load_lab(tmp_path / "warm", load_request)
        assert len(lab.checkpoints()) == 3
        assert {step.state for step in steps.values()} == {DONE}


def test_without_a_network_and_a_cache_the_load_fails(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, hub: Hub
) -> None:
    """The message advises no command: `lines prefetch` itself may be what has failed."""
    with hub.down(), pytest.raises(HubError, match=r"(?s)[Cc]annot reach.*connect it") as error:
        load_lab(tmp_path, LoadRequest(tasks=KEYS, images=20))
    assert "prefetch" not in str(error.value)


def test_one_failing_task_does_not_stop_the_others(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, hub: Hub
) -> None:
    hub.fail(f"{TASKS['svhn'].repo}", "status", status=404, times=None)
    load_request = LoadRequest(tasks=KEYS, images=20)
    lab, steps = load_lab(tmp_path, load_request)
    assert [one.key for one in lab.checkpoints()] == ["tall-masks.mnist", "tall-masks.eurosat"]
    assert steps["svhn"].state == FAILED
    assert TASKS["svhn"].repo in steps["svhn"].phase
    hub.clear()
    again, steps = load_lab(tmp_path, load_request, lab)
    assert [one.key for one in again.checkpoints()] == [f"tall-masks.{key}" for key in KEYS]
    assert again.live is lab.live


def test_a_checkpoint_that_is_absent_leaves_its_task_as_a_control(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, hub: Hub
) -> None:
    (hub.folder("nik-dim/tall_masks") / "single_task/ViT-B-32/SVHNVal/nonlinear_finetuned.pt").unlink()
    lab, steps = load_lab(tmp_path, LoadRequest(tasks=KEYS, images=20))
    assert [task.key for task in lab.tasks("tasks")] == list(KEYS)
    assert [one.key for one in lab.checkpoints()] == ["tall-masks.mnist", "tall-masks.eurosat"]
    assert "nonlinear_finetuned.pt" in steps["svhn"].phase


def test_weights_of_another_model_are_refused(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, hub: Hub, zoo: Encoder
) -> None:
    from safetensors.torch import save_file

    wrong = {name: value[:2] if value.ndim else value for name, value in served[""].items()}
    save_file({name: value.clone() for name, value in wrong.items()}, hub.folder(zoo.repo) / zoo.weights[0])
    with pytest.raises(LabError, match=r"weights of CLIP ViT-B/32 cannot be used.*wrong shape"):
        load_lab(tmp_path, LoadRequest(tasks=KEYS, images=20))


def test_a_visitors_checkpoint_is_added_and_a_broken_one_changes_nothing(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, lab: Path, encoder: Encoder
) -> None:
    studio = Studio(lab, tmp_path / "cache")
    assert studio.load(LoadRequest(tasks=KEYS, images=20)).wait(60)
    path = tmp_path / "mine.pt"
    torch.save(tall_masks_state(served["eurosat"]), path)
    info = studio.take_file("ViT-B-32", "mnist", path, "mine.pt")
    spec = EditSpec.finetuned(info.key, model="ViT-B-32", images=0)
    theirs = studio.evaluate(EditSpec.finetuned("tall-masks.eurosat", model="ViT-B-32", images=0))
    mine = studio.evaluate(spec)
    assert mine.target_task.key == "mnist"
    assert [task.correct for task in mine.tasks] == [task.correct for task in theirs.tasks]

    before = studio.checkpoints("ViT-B-32")
    broken = tmp_path / "broken.pt"
    broken.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(CheckpointError, match="damaged"):
        studio.take_file("ViT-B-32", "mnist", broken, "broken.pt")
    other = tmp_path / "other.pt"
    torch.save({"visual.conv1.weight": torch.zeros(3)}, other)
    with pytest.raises(CheckpointError):
        studio.take_file("ViT-B-32", "mnist", other, "other.pt")
    with pytest.raises(SpecError, match=r"'dtd' is not loaded: pick one of mnist"):
        studio.take_file("ViT-B-32", "dtd", path, "mine.pt")
    assert studio.checkpoints("ViT-B-32") == before
    assert studio.evaluate(spec) == mine


def test_the_hint_names_the_encoder_that_a_checkpoint_belongs_to(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, lab: Path
) -> None:
    studio = Studio(lab, tmp_path / "cache")
    assert studio.load(LoadRequest(tasks=KEYS, images=20)).wait(60)
    path = tmp_path / "large.pt"
    open_clip = import_open_clip()
    with torch.device("meta"):
        large = open_clip.CLIP(**open_clip.get_model_config(ENCODERS["ViT-B-16"].open_clip)).state_dict()
    tower = {
        name: torch.zeros(value.shape, dtype=torch.half) for name, value in large.items() if "visual." in name
    }
    torch.save(tower, path)
    with pytest.raises(
        CheckpointError, match=r"12 blocks, the chosen CLIP ViT-B/32 has 3.*CLIP ViT-B/16: choose"
    ):
        studio.take_file("ViT-B-32", "mnist", path, "large.pt")


def test_a_stopped_load_continues_later(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, lab: Path, hub: Hub
) -> None:
    hub.fail("resolve/*/nonlinear_finetuned.pt", "drip", rate=20_000, times=None)
    studio = Studio(lab, tmp_path / "cache")
    job = studio.load(LoadRequest(tasks=KEYS, images=20))
    assert studio.load(LoadRequest(tasks=KEYS[:2], images=5)) is job
    soon(lambda: any(step.key == "mnist" and step.phase == "checkpoint" for step in job.steps()), 60)
    job.stop()
    assert job.wait(60)
    assert "stopped" in job.problem
    assert [model.key for model in studio.models()] == ["tiny-clip"]
    hub.clear()
    again = studio.load(LoadRequest(tasks=KEYS, images=20))
    assert again.wait(60)
    assert again.problem == ""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "ViT-H-14"}, "no model 'ViT-H-14': pick one of ViT-B-32"),
        ({"family": "mine"}, "no family 'mine': pick one of tall-masks"),
        ({"tasks": ("mnist", "letters")}, "no task letters: pick from"),
        ({"tasks": ("mnist",)}, "at least two tasks"),
        ({"tasks": ("mnist", "mnist")}, "at least two tasks"),
        ({"images": -1}, "whole number of images per task, or 0, got -1"),
        ({"images": True}, "got True"),
    ],
)
def test_invalid_load_requests(values: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        LoadRequest(**values)  # type: ignore[arg-type]


def test_a_load_without_tasks_fails(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, hub: Hub, encoder: Encoder
) -> None:
    for key in KEYS:
        hub.fail(TASKS[key].repo, "status", status=404, times=None)
    with pytest.raises(LabError, match="0 tasks and 0 checkpoints"):
        load_lab(tmp_path, LoadRequest(tasks=KEYS, images=20))


def test_a_checkpoint_with_another_text_tower_is_reported(
    served: dict[str, dict[str, torch.Tensor]], tmp_path: Path, hub: Hub
) -> None:
    path = hub.folder("nik-dim/tall_masks") / "single_task/ViT-B-32/SVHNVal/nonlinear_finetuned.pt"
    state = torch.load(path, weights_only=True)
    state["model.ln_final.weight"] += 0.5
    torch.save(state, path)
    _, steps = load_lab(tmp_path, LoadRequest(tasks=KEYS, images=20))
    assert steps["mnist"].phase == "20 test and 20 validation images"
    assert "The text tower was fine-tuned too ('ln_final.weight')" in steps["svhn"].phase
