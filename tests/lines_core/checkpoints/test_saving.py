"""Writing safetensors files."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from lines_core.checkpoints import read_checkpoint, read_metadata, save_checkpoint
from lines_core.errors import CheckpointError
from lines_core.flat import adopt
from tests.lines_core.checkpoints.equality import Tower, equal


def test_what_is_saved_is_read_by_us_and_by_the_library(tmp_path: Path, pretrained: Tower) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, pretrained, {"recipe": '{"alpha": 0.3}'})
    assert equal(read_checkpoint(path), pretrained)
    assert equal(safetensors.torch.load_file(path), pretrained)
    assert read_metadata(path) == {"recipe": '{"alpha": 0.3}'}
    save_checkpoint(path, {"a": torch.ones(1)})
    assert equal(read_checkpoint(path), {"a": torch.ones(1)})
    assert read_metadata(path) == {}


def test_views_tied_weights_and_parameters_are_written_out(tmp_path: Path) -> None:
    tower = nn.Module()
    tower.wte = nn.Embedding(3, 2)
    tower.h = nn.ModuleList(nn.ModuleDict({"mlp": nn.Linear(2, 2)}) for _ in range(2))
    adopt(tower)
    tensors = {**dict(tower.named_parameters()), "tied": tower.wte.weight, "strided": torch.ones(2, 3).t()}
    save_checkpoint(tmp_path / "a.safetensors", tensors)
    assert equal(
        read_checkpoint(tmp_path / "a.safetensors"),
        {name: tensor.detach() for name, tensor in tensors.items()},
    )


def test_a_failed_save_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, pretrained: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, pretrained)

    def disk_full(tensors: object, filename: Path, metadata: object) -> None:
        Path(filename).write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", disk_full)
    with pytest.raises(OSError, match="no space left"):
        save_checkpoint(path, {"a": torch.ones(1)})
    assert equal(read_checkpoint(path), pretrained)
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_saved_is_refused(tmp_path: Path) -> None:
    good = {"a": torch.ones(1)}
    with pytest.raises(CheckpointError, match=r"a\.pt must end in \.safetensors"):
        save_checkpoint(tmp_path / "a.pt", good)
    with pytest.raises(CheckpointError, match=r"No folder .*nowhere"):
        save_checkpoint(tmp_path / "nowhere" / "a.safetensors", good)
    with pytest.raises(CheckpointError, match="no tensors were given"):
        save_checkpoint(tmp_path / "a.safetensors", {})
    with pytest.raises(CheckpointError, match="Metadata must be text"):
        save_checkpoint(tmp_path / "a.safetensors", good, {"alpha": 0.3})  # type: ignore[dict-item]
    assert not list(tmp_path.iterdir())
