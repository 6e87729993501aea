"""Adapters that peft trained on a CLIP of either library, merged into open_clip's image tower."""

from pathlib import Path
from typing import Any

import pytest
import torch

from evaluators.encoder.torchvision_operators import declare_missing_operators
from lines_core.checkpoints.adapter import read_adapter
from lines_core.clip_layouts.adapted_tower import adapted_tower
from lines_core.clip_layouts.image_tower import image_tower
from lines_core.errors import CheckpointError
from tests.lines_core.clip_layouts.towers import SMALL, Tensors, open_clip_tower, transformers_clip

declare_missing_operators()  # before peft, which imports torchvision
from peft import LoraConfig, get_peft_model  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def trained(folder: Path, model: Any, targets: list[str]) -> dict[str, torch.Tensor]:
    """What peft merges, of an adapter with random factors that is saved in the folder."""
    adapted: Any = get_peft_model(model, LoraConfig(r=2, lora_alpha=3, target_modules=targets))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(generator=generator)
    adapted.save_pretrained(folder)
    merged: dict[str, torch.Tensor] = adapted.merge_and_unload().state_dict()
    return merged


@pytest.mark.parametrize("part", ["whole", "vision model"])
def test_of_transformers_with_q_k_and_v_apart(tmp_path: Path, pretrained: Tensors, part: str) -> None:
    clip = transformers_clip(SMALL)
    state = {name: tensor.clone() for name, tensor in clip.state_dict().items()}  # peft merges in place
    own = image_tower(state, pretrained, "small").weights
    model = clip if part == "whole" else clip.vision_model
    merged = trained(tmp_path, model, ["q_proj", "v_proj", "fc2"])
    expected = image_tower(merged, own, "small").weights
    tensors, outside = adapted_tower(read_adapter(tmp_path), own, "small")
    found = image_tower(tensors, own, "small").weights
    assert any(not torch.equal(expected[name], own[name]) for name in own)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-6, atol=1e-6)
    assert bool(outside) is (part == "whole")
    assert all(name.startswith("text_model.") for name in outside)


def test_of_open_clip(tmp_path: Path) -> None:
    tower = open_clip_tower(SMALL)
    own = {f"visual.{name}": tensor.clone() for name, tensor in tower.state_dict().items()}
    merged = trained(tmp_path, tower, ["c_fc", "c_proj"])
    tensors, outside = adapted_tower(read_adapter(tmp_path), own, "small")
    assert outside == ()
    for name, tensor in merged.items():
        torch.testing.assert_close(tensors[f"visual.{name}"], tensor, rtol=1e-6, atol=1e-6)


def test_of_another_model(tmp_path: Path, pretrained: Tensors) -> None:
    trained(tmp_path, torch.nn.ModuleDict({"fc9": torch.nn.Linear(3, 3)}), ["fc9"])
    with pytest.raises(CheckpointError, match=r"changes 'fc9', nothing in the image tower of small"):
        adapted_tower(read_adapter(tmp_path), pretrained, "small")
