"""`lines inspect`: architecture, blocks, bars of an update, notes; as text and as JSON."""

import json
from pathlib import Path

import pytest
import torch

from lines_cli.__main__ import main
from tests.lines_core.conftest import build_tower
from tests.lines_core.large_files.models import finetuning_of, random_model, write_folder
from tests.paths import ASSETS


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["inspect", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_a_model_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path / "m", random_model(0, torch.bfloat16))
    lines = said(capsys, tmp_path / "m").splitlines()
    assert lines[0] == "architecture  GPT-2, 4 blocks"
    assert lines[1].startswith("weights       378 in bfloat16; 0.00 GB in 2 files")
    assert [line.split() for line in lines[3:]] == [
        *(["block", f"{number}", "72", "weights"] for number in (1, 2, 3, 4)),
        ["outside", "90", "weights"],
    ]
    found = json.loads(said(capsys, tmp_path / "m", "--json"))
    assert found["block_weights"] == [72, 72, 72, 72]
    assert "total" not in found


def test_a_packed_residual_is_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    """It was described as one, of half of the weights in integers."""
    assert main(["inspect", str(ASSETS / "tiny_convnext" / "finetuned" / "digits.safetensors")]) == 1
    assert "is a packed residual of the LiNeS Explorer" in capsys.readouterr().err


def test_an_update_by_block(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pretrained = random_model(0)
    finetuned = dict(pretrained)
    for block, share in enumerate((0.1, 0.2, 0.4, 0.0)):
        for name in (f"h.{block}.mlp.c_fc.weight", f"h.{block}.ln_1.bias"):
            finetuned[name] = pretrained[name] * (1 + share)
    for name, weights in (("p", pretrained), ("f", finetuned)):
        write_folder(tmp_path / name, weights)
    lines = said(capsys, tmp_path / "f", "--pretrained", tmp_path / "p").splitlines()
    assert [line.count("#") for line in lines[4:9]] == [10, 20, 40, 0, 0]
    assert [line.split()[4] for line in lines[4:8]] == ["0.1000", "0.2000", "0.4000", "0.0000"]
    assert lines[9].startswith("    total")
    assert len(lines) == 10, "an ordinary update has no note"
    found = json.loads(said(capsys, tmp_path / "f", "--pretrained", tmp_path / "p", "--json"))
    assert [block["relative"] for block in found["blocks"]] == pytest.approx([0.1, 0.2, 0.4, 0.0], abs=1e-7)
    assert found["outside"]["relative"] == 0.0
    assert found["notes"] == []


def test_notes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pretrained = random_model(0)
    write_folder(tmp_path / "p", pretrained)
    write_folder(tmp_path / "other", random_model(9))
    write_folder(tmp_path / "half", {name: tensor.bfloat16() for name, tensor in pretrained.items()})
    assert (
        said(capsys, tmp_path / "p", "--pretrained", tmp_path / "p")
        .splitlines()[-1]
        .startswith("note: Identical to the pre-trained model")
    )
    assert "note: The change is 1" in said(capsys, tmp_path / "other", "--pretrained", tmp_path / "p")
    rounded = said(capsys, tmp_path / "half", "--pretrained", tmp_path / "p")
    assert "note: The pre-trained model in half precision" in rounded


def test_a_text_tower_that_was_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = build_tower(4, "visual.", 0) | {"logit_scale": torch.tensor(4.6052)}
    clip |= {f"transformer.resblocks.{block}.ln_1.weight": torch.ones(8) for block in range(2)}
    image_only = finetuning_of(clip, 1) | {name: clip[name] for name in clip if "visual." not in name}
    image_only["logit_scale"] = clip["logit_scale"].bfloat16()
    for name, weights in (("p", clip), ("image", image_only), ("both", finetuning_of(clip, 1))):
        write_folder(tmp_path / name, weights)
    assert "note" not in said(capsys, tmp_path / "image", "--pretrained", tmp_path / "p")
    both = json.loads(said(capsys, tmp_path / "both", "--pretrained", tmp_path / "p", "--json"))
    assert both["part"] == "image"
    assert [note["kind"] for note in both["notes"]] == ["text"]


def test_numbers_that_json_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pretrained = random_model(0)
    write_folder(tmp_path / "p", pretrained)
    pretrained["h.0.ln_1.bias"] = torch.full((6,), float("nan"))
    write_folder(tmp_path / "f", pretrained)
    text = said(capsys, tmp_path / "f", "--pretrained", tmp_path / "p", "--json")
    found = json.loads(text, parse_constant=lambda constant: pytest.fail(constant))
    assert found["blocks"][0]["update"] is None
    assert [note["kind"] for note in found["notes"]] == ["not finite"]
    assert "'h.0.ln_1.bias'" in said(capsys, tmp_path / "f", "--pretrained", tmp_path / "p")


def test_names_of_no_known_architecture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path / "m", {"a.weight": torch.ones(2), "b.weight": torch.ones(2)})
    assert main(["inspect", str(tmp_path / "m")]) == 1
    assert capsys.readouterr().err.startswith("lines inspect: Found no residual block among 2 names")
