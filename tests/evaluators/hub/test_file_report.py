"""Reports on real files, added as a visitor adds them: every note, and that nothing ordinary gets one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from evaluators.encoder.residual_files import save_residual
from evaluators.hub.file_report import HEADS, PROJECTION
from evaluators.labs.checkpoint_report import CheckpointReport
from evaluators.service.studio import Studio
from lines_core.clip_layouts.transformers_names import transformers_names

MODEL = "tiny-clip"
Tensors = dict[str, Tensor]
Report = Callable[..., CheckpointReport]


@pytest.fixture
def pretrained(lab: Path) -> Tensors:
    """The whole CLIP of the small lab."""
    stored = load_file(lab / "tiny_clip" / "open_clip_model.safetensors")
    return {name: tensor.float() for name, tensor in stored.items()}


@pytest.fixture
def finetuned(lab: Path) -> Tensors:
    stored = load_file(lab / "tiny_clip" / "finetuned" / "digits.safetensors")
    return {name: tensor.float() for name, tensor in stored.items()}


@pytest.fixture
def report(studio: Studio, tmp_path: Path) -> Report:
    """What is known of a file with this content."""

    def build(content: object, task: str = "digits") -> CheckpointReport:
        path = tmp_path / "mine.pt"
        torch.save(content, path)
        anna = studio.seen_by("anna")
        info = anna.take_file(MODEL, task, path, path.name)
        return anna.reports(MODEL)[info.key]

    return build


def kinds(found: CheckpointReport) -> list[str]:
    return [note.kind for note in found.notes]


def test_norms_of_an_ordinary_file(report: Report, pretrained: Tensors, finetuned: Tensors) -> None:
    found = report(finetuned)
    assert kinds(found) == ["activation"]
    assert (
        found.notes[0].text
        == "Activation: GELU is assumed, as Tiny CLIP has it; a file of weights does not say."
    )
    assert (found.layout, found.dtype) == ("open_clip", "float32")

    def relative(part: str) -> float:
        names = [name for name in finetuned if part in name]
        tau = torch.cat([(finetuned[name] - pretrained[name]).flatten() for name in names])
        return float(tau.norm() / torch.cat([pretrained[name].flatten() for name in names]).norm())

    expected = [relative(f"resblocks.{block}.") for block in range(4)]
    assert found.blocks == pytest.approx(expected, rel=1e-4)
    assert found.total == pytest.approx(relative("visual"), rel=1e-4)
    assert 0.05 < found.outside < 0.5
    assert CheckpointReport.from_json(found.as_json()) == found


def test_another_pretraining(report: Report, finetuned: Tensors) -> None:
    order = torch.randperm(32, generator=torch.Generator().manual_seed(0))
    found = report({name: t[order] if len(t) == 32 else t.flip(0) for name, t in finetuned.items()})
    assert kinds(found) == ["implausible", "activation"]
    assert found.implausible
    assert found.notes[0].warning
    assert "probably comes from another pre-training" in found.notes[0].text


def test_the_pretrained_model_itself_and_a_copy_of_it(report: Report, pretrained: Tensors) -> None:
    found = report({name: tensor for name, tensor in pretrained.items() if name.startswith("visual.")})
    assert kinds(found) == ["identical", "activation"]
    assert (found.total, found.notes[0].warning) == (0.0, True)
    copy = {name: tensor.bfloat16() for name, tensor in pretrained.items()}
    assert not torch.equal(copy["logit_scale"].float(), pretrained["logit_scale"])
    found = report(copy)
    assert kinds(found) == ["rounded", "activation"]
    assert found.dtype == "bfloat16"


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16, torch.float32])
def test_a_copy_of_the_text_tower_is_not_a_changed_one(
    report: Report, pretrained: Tensors, finetuned: Tensors, half: torch.dtype
) -> None:
    found = report({name: tensor.to(half) for name, tensor in (pretrained | finetuned).items()})
    assert kinds(found) == ["activation"]
    changed = pretrained | finetuned | {"ln_final.weight": pretrained["ln_final.weight"] + 0.25}
    found = report({name: tensor.to(half) for name, tensor in changed.items()})
    assert kinds(found) == ["text", "activation"]
    assert "'ln_final.weight'" in found.notes[0].text
    assert found.notes[0].text.endswith(HEADS)


def test_a_head_that_is_not_used(report: Report, finetuned: Tensors) -> None:
    head = {"classification_head.weight": torch.ones(10, 16), "classification_head.bias": torch.zeros(10)}
    found = report({f"model.{name}": tensor for name, tensor in finetuned.items()} | head)
    assert kinds(found) == ["activation", "head"]
    assert "head of 10 classes is not used" in found.notes[1].text


def test_a_borrowed_projection(report: Report, finetuned: Tensors) -> None:
    names = transformers_names(finetuned)
    del names["visual_projection.weight"]
    found = report(names)
    assert kinds(found) == ["projection", "activation"]
    assert found.notes[0].text == PROJECTION
    assert found.layout.startswith("transformers CLIPVisionModel")


def test_what_was_peeled_and_skipped(report: Report, finetuned: Tensors) -> None:
    wrapped = {f"module.{name}": tensor.half() for name, tensor in finetuned.items()}
    wrapped["module.visual.class_embedding"] = finetuned["visual.class_embedding"]
    found = report({"state_dict": wrapped, "epoch": 3})
    assert kinds(found) == ["file"] * 3 + ["activation"]
    assert [note.text for note in found.notes[:3]] == [
        "Read from 'state_dict'.",
        "Names without 'module.'.",
        "Not read: 'epoch' (int).",
    ]
    assert found.dtype == "float16, float32"


def test_it_belongs_to_the_checkpoint(studio: Studio, report: Report, finetuned: Tensors) -> None:
    """A reloaded page has it again, another task of the same file too, and nobody else has."""
    found, again = report(finetuned), report(finetuned, task="faces")
    assert found == again
    anna, ben = studio.seen_by("anna"), studio.seen_by("ben")
    assert len(anna.reports(MODEL)) == 2
    assert ben.reports(MODEL) == {}
    assert ben.resume(anna.token())
    assert ben.reports(MODEL) == anna.reports(MODEL)


def test_a_residual_of_an_earlier_version_has_none(
    studio: Studio, report: Report, finetuned: Tensors, tmp_path: Path
) -> None:
    report(finetuned)
    anna, layout = studio.seen_by("anna"), studio.lab.encoder.layout
    (one,) = anna.lab_of(MODEL).own_checkpoints()
    save_residual(one.residual, layout, torch.zeros(layout.numel), "mine.pt")
    assert anna.take_file(MODEL, "digits", tmp_path / "mine.pt", "mine.pt") == one.info
    assert anna.reports(MODEL) == {}
