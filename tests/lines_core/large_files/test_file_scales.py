"""Factors by name: blocks, outside, what is copied; quantised models and adapters."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from lines_core.checkpoints import WeightFiles
from lines_core.errors import CheckpointError
from lines_core.large_files.file_scales import FileScales, check_kind, file_scales
from lines_core.packed import pack
from tests.lines_core.large_files.models import random_model

LORA = {
    f"base_model.model.model.layers.{b}.q_proj.lora_{f}.weight": torch.ones(2, 2)
    for b in (0, 1)
    for f in "AB"
}


def opened(folder: Path, tensors: dict[str, Tensor]) -> WeightFiles:
    save_file(tensors, folder / "m.safetensors")
    return WeightFiles(folder / "m.safetensors")


def scales_of(weights: WeightFiles, outside: str = "alpha", part: str | None = None) -> FileScales:
    return file_scales(weights, 0.4, 0.6, shape="linear", outside=outside, part=part)


def test_by_depth(tmp_path: Path) -> None:
    scales = scales_of(opened(tmp_path, random_model(0)), outside="depth")
    assert [round(scales.by_name[f"h.{block}.ln_1.bias"], 6) for block in range(4)] == [0.4, 0.6, 0.8, 1.0]
    assert (scales.of("wte.weight"), scales.of("ln_f.bias")) == (0.4, 1.0)
    assert (scales.family, scales.part, scales.num_blocks) == ("GPT-2", "", 4)


def test_integers_are_copied_but_not_matrices_of_them(tmp_path: Path) -> None:
    model = random_model(0)
    counters = {"h.0.steps": torch.tensor([3]), "h.1.mask": torch.ones(2, 2, dtype=torch.bool)}
    scales = scales_of(opened(tmp_path, model | counters))
    assert [scales.of(name) for name in counters] == [None, None]
    quantised = model | {"h.0.mlp.c_fc.weight": torch.ones(2, 2, dtype=torch.int8)}
    with pytest.raises(
        CheckpointError, match=r"m.safetensors is quantised: 'h.0.mlp.c_fc.weight' are integers"
    ):
        scales_of(opened(tmp_path, quantised))


def test_a_packed_residual_is_not_called_quantised(tmp_path: Path) -> None:
    packed = {
        part: value for name, tensor in random_model(0).items() for part, value in pack(name, tensor).items()
    }
    with pytest.raises(CheckpointError, match=r"m.safetensors is a packed residual of the LiNeS Explorer"):
        scales_of(opened(tmp_path, packed))


def test_an_adapter_stands_alone_and_a_model_does_not(tmp_path: Path) -> None:
    adapter = opened(tmp_path, LORA)
    scales = scales_of(adapter)
    assert sorted(scales.by_name.values()) == [0.4, 1.0]
    check_kind(adapter, scales, alone=True)
    with pytest.raises(CheckpointError, match="an update by itself"):
        check_kind(adapter, scales, alone=False)
    model = opened(tmp_path, random_model(0))
    check_kind(model, scales_of(model), alone=False)
    with pytest.raises(CheckpointError, match="is no LoRA adapter"):
        check_kind(model, scales_of(model), alone=True)
