"""A visitor's file with several models, and what is said of a file that was read."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
import torch
from safetensors.torch import save

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.checkpoints import read_checkpoint
from lines_core.packed import pack, save_packed
from ui.live.session_key import session_key
from ui.models.candidate_choice import offer_candidates
from ui.models.own_checkpoint import import_listener
from ui.models.own_reports import own_reports

ANNA = cast(gr.Request, SimpleNamespace(session_hash="anna"))
HIDDEN: dict[str, Any] = {"choices": [], "value": None, "visible": False}


@pytest.fixture
def studio(lab: Path) -> Studio:
    """The small lab, in the place of the shipped one."""
    return Studio(lab, cache=None)


@pytest.fixture
def two_models(lab: Path, tmp_path: Path) -> Path:
    """A training checkpoint: the weights fine-tuned on digits, and as their average those for faces."""
    digits, faces = (
        read_checkpoint(lab / "tiny_clip" / "finetuned" / f"{task}.safetensors")
        for task in ("digits", "faces")
    )
    wrapped = {f"module.image_encoder.model.{name}": tensor for name, tensor in digits.items()}
    content = {"state_dict": wrapped, "state_dict_ema": faces, "epoch": 3, "args": SimpleNamespace(lr=0.1)}
    torch.save(content, tmp_path / "run.pt")
    return tmp_path / "run.pt"


def state(update: Any) -> dict[str, Any]:
    return {key: update[key] for key in HIDDEN}


def last(answers: Iterator[tuple[Any, ...]]) -> tuple[Any, ...]:
    *_, end = answers
    return end


def test_the_models_of_a_file_are_offered_and_none_is_chosen(two_models: Path, lab: Path) -> None:
    both = [("state_dict", "state_dict"), ("state_dict_ema", "state_dict_ema")]
    assert state(offer_candidates(str(two_models))) == {"choices": both, "value": None, "visible": True}
    for one in (None, str(lab / "tiny_clip" / "finetuned" / "digits.safetensors"), __file__):
        assert state(offer_candidates(one)) == HIDDEN


def test_without_a_choice_it_is_not_added_and_each_can_be(studio: Studio, two_models: Path) -> None:
    content = two_models.read_bytes()
    add = import_listener(studio)
    status, *_, choice = last(add(ANNA, "tiny-clip", "digits", "", str(two_models), None))
    assert "holds 2 models" in status
    assert 'role="alert"' in status
    assert state(choice)["visible"]
    session = studio.seen_by(session_key(ANNA))
    known = len(session.checkpoints())

    status, *_, choice = last(add(ANNA, "tiny-clip", "digits", "", str(two_models), "state_dict"))
    assert "is added and chosen" in status
    said = own_reports(studio.seen_by(session_key(ANNA)), "")
    assert "Names without &#x27;module.&#x27;" in said
    assert "under image_encoder." in said
    assert "Not read: &#x27;epoch&#x27; (int), &#x27;args&#x27; (types.SimpleNamespace)" in said
    assert state(choice) == HIDDEN
    two_models.write_bytes(content)  # an added upload is deleted
    last(add(ANNA, "tiny-clip", "faces", "", str(two_models), "state_dict_ema"))

    raw, average = session.checkpoints()[known:]
    assert raw.title.endswith("(run.pt: state_dict)")
    for own, task in ((raw, "digits"), (average, "faces")):
        found = session.evaluate(EditSpec.finetuned(own.key))
        expected = session.evaluate(EditSpec.finetuned(task))
        counts = {one.key: one.correct for one in expected.tasks}
        assert {one.key: one.correct for one in found.tasks} == counts


def zipped(folder: Path, files: dict[str, bytes], name: str = "model.zip") -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/README.md", "# mine")
        for one, content in files.items():
            archive.writestr(f"model/{one}", content)
    return folder / name


def test_a_zip_file_of_shards_is_one_model(studio: Studio, lab: Path, tmp_path: Path) -> None:
    tensors = read_checkpoint(lab / "tiny_clip" / "finetuned" / "faces.safetensors")
    shards = {name: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, name in enumerate(tensors)}
    files = {
        shard: save({name: tensors[name] for name in tensors if shards[name] == shard})
        for shard in set(shards.values())
    }
    index = {"model.safetensors.index.json": json.dumps({"weight_map": shards}).encode()}
    add = import_listener(studio)
    missing = zipped(tmp_path, {**index, **dict([files.popitem()])}, "missing.zip")
    status, *_ = last(add(ANNA, "tiny-clip", "faces", "", str(missing), None))
    assert "is missing: &#x27;model-0000" in status
    files = {
        shard: save({name: tensors[name] for name in tensors if shards[name] == shard})
        for shard in set(shards.values())
    }
    status, *_ = last(add(ANNA, "tiny-clip", "faces", "", str(zipped(tmp_path, {**index, **files})), None))
    assert "is added and chosen" in status
    session = studio.seen_by(session_key(ANNA))
    own = session.checkpoints()[-1]
    found, expected = (session.evaluate(EditSpec.finetuned(key)) for key in (own.key, "faces"))
    assert [task.correct for task in found.tasks] == [task.correct for task in expected.tasks]


def test_a_zip_file_of_an_adapter_is_merged_into_the_model(studio: Studio, lab: Path, tmp_path: Path) -> None:
    """The same as a file with the merged weights, image by image."""
    base = read_checkpoint(lab / "tiny_clip" / "open_clip_model.safetensors")
    name = "visual.transformer.resblocks.0.mlp.c_fc"
    rows, columns = base[f"{name}.weight"].shape
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(shape, generator=generator) for shape in ((2, columns), (rows, 2)))
    factors = {f"base_model.model.{name}.lora_A.weight": a, f"base_model.model.{name}.lora_B.weight": b}
    text = {one.replace("visual.", ""): tensor.clone() for one, tensor in factors.items()}
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4}
    files = {
        "adapter_config.json": json.dumps(config).encode(),
        "adapter_model.safetensors": save(factors | text),
    }
    add = import_listener(studio)
    last(add(ANNA, "tiny-clip", "digits", "", str(zipped(tmp_path, files)), None))
    said = own_reports(studio.seen_by(session_key(ANNA)), "")
    assert "An adapter, merged into Tiny CLIP." in said
    assert "Not read: &#x27;transformer.resblocks.0.mlp.c_fc&#x27;, outside the image tower." in said
    merged = {one: tensor.float() for one, tensor in base.items() if one.startswith("visual.")}
    merged[f"{name}.weight"] = merged[f"{name}.weight"] + 2 * (b @ a)
    torch.save(merged, tmp_path / "merged.pt")
    last(add(ANNA, "tiny-clip", "digits", "", str(tmp_path / "merged.pt"), None))
    session = studio.seen_by(session_key(ANNA))
    one, other = (session.evaluate(EditSpec.finetuned(own.key)) for own in session.checkpoints()[-2:])
    plain = session.evaluate(EditSpec.pretrained("digits"))
    assert [task.correct for task in one.tasks] == [task.correct for task in other.tasks]
    assert [task.correct for task in one.tasks] != [task.correct for task in plain.tasks]


def test_a_zip_file_with_two_of_a_name_is_refused(studio: Studio, tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a/x.safetensors": b"x", "b/x.safetensors": b"x"})
    status, *_ = last(import_listener(studio)(ANNA, "tiny-clip", "digits", "", str(path), None))
    assert "has &#x27;x.safetensors&#x27; in two folders" in status


def test_the_weights_of_an_adapter_alone_are_called_that(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "adapter_model.safetensors"
    path.write_bytes(save({"base_model.model.x.lora_A.weight": torch.ones(2, 3)}))
    status, *_ = last(import_listener(studio)(ANNA, "tiny-clip", "digits", "", str(path), None))
    assert "is an adapter: zip it with its adapter_config.json" in status


def test_a_packed_residual_is_called_that(studio: Studio, tmp_path: Path) -> None:
    """Over a hundred of its names were said to be missing or unexpected."""
    path = tmp_path / "digits.safetensors"
    save_packed(path, pack("visual.proj", torch.ones(4, 4)), {})
    status, *_ = last(import_listener(studio)(ANNA, "tiny-clip", "digits", "", str(path), None))
    assert "digits.safetensors is a packed residual of the LiNeS Explorer" in status
    assert "Give whole fine-tuned weights instead" in status
