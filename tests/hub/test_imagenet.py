"""ImageNet, its shifts and the model soups from the local Hub: heads that go with an edited encoder."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from evaluators import EditSpec, Studio
from evaluators.errors import SpecError
from evaluators.hub import imagenet_class_names as class_names
from evaluators.hub.load_request import DONE, FAILED, LoadRequest
from evaluators.hub.published_check import self_test
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import MergeSpec
from evaluators.zoo import FAMILIES, TASKS
from evaluators.zoo.public_encoders import Encoder
from lines_core.errors import CheckpointError
from tests.hub.repositories import (
    SOUPS,
    finetuned,
    load_lab,
    random_clip,
    random_head,
    serve_encoder,
    serve_images,
    serve_soup_member,
    tall_masks_state,
)
from tests.hub.server import Hub
from tests.own_images import add_task, folders, zipped

SUITE = tuple(key for key, task in TASKS.items() if task.suite == "imagenet")
MEMBERS = ("model_43", "model_0")
IMAGES = 60
FAVOURITE = 6
"""A class that all tasks of the suite have: 6 of ImageNet's, 3 of R's, 0 of A's."""
HEAD = ("classification_head.weight", "classification_head.bias")
Tensors = dict[str, Tensor]


@pytest.fixture
def served(hub: Hub, encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensors]:
    """The suite and two members; the head of the first predicts one class for nearly everything.

    One prompt instead of 80: the real ones would take a minute.
    """
    names, prompts = class_names.imagenet_names()
    monkeypatch.setattr("evaluators.hub.imagenet_class_names.imagenet_names", lambda: (names, prompts[:1]))
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    address = f"{hub.address}/{SOUPS}/resolve/main/{{member}}.pt"
    soups = replace(FAMILIES["model-soups"], url=address)
    monkeypatch.setattr("evaluators.hub.loader.FAMILIES", {**FAMILIES, soups.key: soups})
    weights: dict[str, Tensors] = {"": random_clip(encoder)}
    serve_encoder(hub, encoder, weights[""])
    for number, key in enumerate(SUITE):
        serve_images(hub, TASKS[key], IMAGES, seed=number)
    for number, member in enumerate(MEMBERS):
        head = random_head(1000, encoder.embed_dim, seed=number)
        if not number:
            head["classification_head.bias"][FAVOURITE] = 100.0
        weights[member] = finetuned(weights[""], seed=number + 1)
        serve_soup_member(hub, member, weights[member], head)
        weights[member] |= head
    return weights


def load_request(
    images: int = 20, members: tuple[str, ...] = MEMBERS, tasks: tuple[str, ...] = SUITE
) -> LoadRequest:
    return LoadRequest(family="model-soups", tasks=tasks, images=images, members=members)


def counts(evaluation: Evaluation) -> list[int]:
    return [task.correct for task in evaluation.tasks]


def test_class_names_and_prompts_are_open_clips() -> None:
    names, prompts = class_names.imagenet_names()
    assert (len(names), len(prompts)) == (1000, 80)
    assert prompts[0] == "a bad photo of a {}."
    assert all(prompt.count("{}") == 1 for prompt in prompts)
    hard = class_names.as_task(TASKS["imagenet_a"])
    assert (hard.suite, len(hard.classes), hard.classes[0]) == ("imagenet", 200, names[6])
    assert class_names.as_task(TASKS["mnist"]).classes == TASKS["mnist"].classes


def test_members_have_their_own_heads(served: dict[str, Tensors], tmp_path: Path, encoder: Encoder) -> None:
    lab, steps = load_lab(tmp_path, load_request())
    assert {key: step.state for key, step in steps.items()} == dict.fromkeys(
        ("encoder", *SUITE, *MEMBERS), DONE
    )
    assert [one.key for one in lab.checkpoints()] == [f"model-soups.{member}.imagenet" for member in MEMBERS]
    assert {one.suite for one in lab.checkpoints()} == {"imagenet"}
    assert lab.imagenet is not None

    import open_clip

    reference = open_clip.create_model(encoder.open_clip).eval()
    reference.load_state_dict(served[""])
    task = class_names.as_task(TASKS["imagenet"])
    prompts = [prompt.format for prompt in task.prompts]
    tokenizer = open_clip.get_tokenizer(encoder.open_clip)
    head = open_clip.build_zero_shot_classifier(reference, tokenizer, list(task.classes), prompts)
    torch.testing.assert_close(lab.imagenet, head, atol=1e-5, rtol=0)
    temperature = float(reference.logit_scale.detach().exp())

    images = torch.randn((9, 3, 32, 32), generator=torch.Generator().manual_seed(0)).to(lab.dtype)
    for member in MEMBERS:
        for mix in (0.0, 0.4, 1.0):
            spec = EditSpec.wise_ft(f"model-soups.{member}.imagenet", mix, model="ViT-B-32")
            resolved = lab.resolve(spec)
            lab.encoder.write_edit(resolved.residual, resolved.scales)
            with torch.inference_mode():
                features = lab.encoder.encode(images).float()
            unit = features / features.norm(dim=1, keepdim=True)
            weight = (1 - mix) * temperature * head + mix * served[member]["classification_head.weight"].T
            logits = unit @ weight + mix * served[member]["classification_head.bias"]
            for key, found in zip(SUITE, lab.heads_for(resolved), strict=True):
                columns = logits[:, list(TASKS[key].imagenet or ())]
                got = found.logits(features)
                if not mix:  # the pre-trained model has the plain zero-shot head
                    assert found.bias is None
                    got = got * temperature / features.norm(dim=1, keepdim=True)
                torch.testing.assert_close(got, columns, atol=2e-3, rtol=1e-4)


def test_the_bias_is_counted(served: dict[str, Tensors], tmp_path: Path, lab: Path) -> None:
    """End to end: a head that predicts one class is right about the images of that class only."""
    studio = Studio(lab, tmp_path / "cache")
    job = studio.load(load_request(images=0))
    assert job.wait(60)
    assert job.problem == ""
    key = "model-soups.model_43.imagenet"
    evaluation = studio.evaluate(EditSpec.finetuned(key, model="ViT-B-32", images=0))
    assert [(task.key, task.role) for task in evaluation.tasks] == [
        ("imagenet", "target"),
        *((shift, "control") for shift in SUITE[1:]),
    ]
    assert [task.n for task in evaluation.tasks] == [IMAGES] * 5
    assert counts(evaluation) == [1] * 5
    zero_shot = studio.evaluate(EditSpec.pretrained(key, model="ViT-B-32", images=0))
    assert counts(zero_shot) != counts(evaluation)
    there = studio.lab_of("ViT-B-32")
    blocks_alone = there.resolve(EditSpec.finetuned(key, outside="pretrained", model="ViT-B-32", images=0))
    assert (blocks_alone.scales.blocks[-1], blocks_alone.scales.after) == (1.0, 0.0)
    head = there.heads_for(blocks_alone)[0]
    assert head.bias is not None
    assert not head.bias.any(), "the head follows what comes after the last block"
    assert not torch.equal(head.weight, there.heads("imagenet")[0]), "but it has the temperature"


def test_validation_images_are_of_imagenet_alone(
    served: dict[str, Tensors], tmp_path: Path, lab: Path
) -> None:
    found, steps = load_lab(tmp_path / "one", load_request())
    assert steps["imagenet"].phase.startswith("20 test and 20 validation images; ")
    assert steps["imagenet_r"].phase.startswith("20 test images; ")
    assert {task.task.key: sorted(task.subsets) for task in found.loaded_tasks} == {
        "imagenet": ["test", "val"],
        **{key: ["test"] for key in SUITE[1:]},
    }
    one = {image.tobytes() for image in found.loaded_tasks[0].subsets["test"].subset.images.numpy()}
    other = {image.tobytes() for image in found.loaded_tasks[0].subsets["val"].subset.images.numpy()}
    assert len(one) == len(other) == 20
    assert not one & other
    assert [found.count(task, "val") for task in found.tasks("imagenet")] == [20, 0, 0, 0, 0]


def test_a_merge_of_members_merges_their_heads(served: dict[str, Tensors], tmp_path: Path) -> None:
    """A uniform soup is the mean of the members, heads included."""
    lab, _ = load_lab(tmp_path, load_request())
    keys = tuple(f"model-soups.{member}.imagenet" for member in MEMBERS)
    spec = EditSpec(model="ViT-B-32", checkpoint=keys[0], merge=MergeSpec(keys, "average"))
    head = lab.heads_for(lab.resolve(spec))[0]
    weights = [served[member]["classification_head.weight"].T for member in MEMBERS]
    biases = [served[member]["classification_head.bias"] for member in MEMBERS]
    assert head.bias is not None
    torch.testing.assert_close(head.weight, (weights[0] + weights[1]) / 2, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(head.bias, (biases[0] + biases[1]) / 2, atol=1e-4, rtol=1e-4)


def test_what_is_loaded_is_not_fetched_again_and_works_without_a_network(
    served: dict[str, Tensors], tmp_path: Path, hub: Hub
) -> None:
    load_lab(tmp_path, load_request())
    hub.requests.clear()
    lab, _ = load_lab(tmp_path, load_request())
    assert not [request for request in hub.requests if request.repo == SOUPS]
    assert all(one.head is not None for one in lab.loaded_checkpoints)
    with hub.down():
        again, steps = load_lab(tmp_path, load_request())
    assert {step.state for step in steps.values()} == {DONE}
    assert len(again.checkpoints()) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classification_head.weight": torch.zeros((999, 32))}, r"weight \(999, 32\) and bias \(1000,\)"),
        ({"classification_head.weight": torch.zeros((1000, 31))}, r"expected \(classes, 32\)"),
        ({"classification_head.weight": torch.full((1000, 32), float("nan"))}, "head.weight .* not finite"),
        ({"classification_head.bias": torch.full((1000,), float("inf"))}, "head.bias .* not finite"),
        (
            {
                "classification_head.weight": torch.zeros((10, 32)),
                "classification_head.bias": torch.zeros(10),
            },
            "has 10 classes, ImageNet has 1,000",
        ),
    ],
)
def test_a_malformed_head_is_refused_and_the_other_members_stay(
    served: dict[str, Tensors], tmp_path: Path, hub: Hub, change: Tensors, message: str
) -> None:
    path = hub.folder(SOUPS) / "model_0.pt"
    torch.save(torch.load(path, weights_only=True) | change, path)
    lab, steps = load_lab(tmp_path, load_request(tasks=SUITE[:2]))
    assert [one.key for one in lab.checkpoints()] == ["model-soups.model_43.imagenet"]
    assert steps["model_0"].state == FAILED
    assert re.search(message, steps["model_0"].phase)


def test_an_absent_member_is_reported(served: dict[str, Tensors], tmp_path: Path, hub: Hub) -> None:
    (hub.folder(SOUPS) / "model_0.pt").unlink()
    _, steps = load_lab(tmp_path, load_request(tasks=SUITE[:2]))
    assert steps["model_0"].state == FAILED
    assert "model_0.pt answers with status 404: there is no such file" in steps["model_0"].phase


def test_a_visitors_checkpoint_with_a_head(
    served: dict[str, Tensors], tmp_path: Path, lab: Path, encoder: Encoder
) -> None:
    studio = Studio(lab, tmp_path / "cache")
    assert studio.load(load_request(images=0, members=("model_0",))).wait(60)
    path = tmp_path / "mine.pt"
    head = {name: value for name, value in served["model_43"].items() if name in HEAD}
    tower = tall_masks_state({name: value for name, value in served["model_43"].items() if name not in HEAD})
    torch.save(tower | head, path)
    info = studio.take_file("ViT-B-32", "imagenet", path, "mine.pt")
    assert info.suite == "imagenet"
    assert info.title == "ImageNet (mine.pt)"
    said = studio.reports("ViT-B-32")[info.key].text_of(["head"])
    assert said == "Its own classification head of 1,000 classes is used, and edited with the last blocks."
    assert counts(studio.evaluate(EditSpec.finetuned(info.key, model="ViT-B-32", images=0))) == [1] * 5

    bare = tmp_path / "bare.pt"
    torch.save(tower, bare)
    plain = studio.take_file("ViT-B-32", "imagenet", bare, "bare.pt")
    there = studio.lab_of("ViT-B-32")
    spec = EditSpec.finetuned(plain.key, model="ViT-B-32", images=0)
    assert all(head.bias is None for head in there.heads_for(there.resolve(spec))), "zero-shot heads"

    ten = tmp_path / "ten.pt"
    torch.save(tower | random_head(10, encoder.embed_dim, 0), ten)
    with pytest.raises(CheckpointError, match="has 10 classes, ImageNet has 1,000"):
        studio.take_file("ViT-B-32", "imagenet", ten, "ten.pt")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tasks": ("mnist", "svhn")}, "not measured on mnist, svhn: pick from imagenet, imagenet_v2"),
        ({"tasks": SUITE[1:]}, "was fine-tuned on ImageNet: pick imagenet as well"),
        ({"members": ("model_0", "model_72")}, "has no model_72, but model_0 to model_71"),
        ({"family": "tall-masks"}, r"TALL masks .* is not measured on imagenet, .*: pick from eurosat"),
        ({"model": "ViT-L-14"}, "has checkpoints of ViT-B-32, not of ViT-L-14"),
        (
            {"family": "tall-masks", "tasks": ("mnist", "dtd"), "members": ("model_0",)},
            "but one for each task",
        ),
    ],
)
def test_invalid_load_requests(values: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        LoadRequest(**({"family": "model-soups", "tasks": SUITE} | values))  # type: ignore[arg-type]


def test_the_suggested_members_are_the_default() -> None:
    assert load_request(members=()).chosen == FAMILIES["model-soups"].suggested
    assert load_request(members=("model_7", "model_7")).chosen == ("model_7",)
    assert LoadRequest().chosen == ()


def test_a_member_is_checked_on_every_shift(served: dict[str, Tensors], tmp_path: Path, lab: Path) -> None:
    studio = Studio(lab, tmp_path / "cache")
    assert studio.load(load_request()).wait(60)

    def checked(member: str) -> list[tuple[str, float]]:
        spec = EditSpec.finetuned(f"model-soups.{member}.imagenet", model="ViT-B-32", images=0)
        return [(check.task, check.published) for check in self_test(studio.evaluate(spec))]

    assert checked("model_0") == list(zip(SUITE, (0.7557, 0.6409, 0.4053, 0.6224, 0.2657), strict=True))
    assert checked("model_43") == [("imagenet", 0.8039)]
    zero_shot = EditSpec.pretrained(f"model-soups.{MEMBERS[0]}.imagenet", model="ViT-B-32", images=0)
    assert self_test(studio.evaluate(zero_shot)) == (), "no zero-shot figures of the suite are carried"


def test_own_images_beside_imagenet_have_a_zero_shot_head(
    served: dict[str, Tensors], tmp_path: Path, lab: Path
) -> None:
    """The head of a soup's member is of ImageNet's classes: it says nothing of others."""
    studio = Studio(lab, tmp_path / "cache")
    assert studio.load(load_request(images=20, members=("model_43",))).wait(60)
    model = "ViT-B-32"
    anna = studio.seen_by("anna")
    own = add_task(anna, zipped(tmp_path / "a.zip", folders({"cat": 14, "dog": 14})), model=model).task
    assert own.task.suite == "imagenet"
    spec = EditSpec.finetuned("model-soups.model_43.imagenet", model=model, images=0)
    there, resolved = anna.lab_of(model), anna.lab_of(model).resolve(spec)
    *built_in, last = there.heads_for(resolved)
    assert last.bias is None
    assert torch.equal(last.weight, own.head())
    assert all(head.bias is not None for head in built_in)
    counted = anna.evaluate(spec)
    assert counted.tasks[:-1] == studio.evaluate(spec).tasks
    assert counted.tasks[-1].n == 14
