"""Reading checkpoints of both formats: contents, absent files, size limits."""

import os
import threading
from collections import OrderedDict
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from lines_core.checkpoints import read_checkpoint, save_checkpoint
from lines_core.errors import CheckpointError
from tests.lines_core.checkpoints.equality import Tower, equal


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.pth", "a.bin", "a.SAFETENSORS"])
def test_what_was_written_is_read(tmp_path: Path, pretrained: Tower, name: str) -> None:
    path = tmp_path / name
    if path.suffix.lower() == ".safetensors":
        safetensors.torch.save_file(pretrained, path)
    else:
        torch.save(pretrained, path)
    assert equal(read_checkpoint(path), pretrained)
    assert equal(read_checkpoint(str(path)), pretrained)


def test_a_wrapped_state_dict_and_parameters_are_read(tmp_path: Path, pretrained: Tower) -> None:
    """What open_clip's training script writes, and what saving `module.__dict__["_parameters"]` writes."""
    torch.save({"epoch": 3, "state_dict": OrderedDict(pretrained)}, tmp_path / "a.pt")
    assert equal(read_checkpoint(tmp_path / "a.pt"), pretrained)
    torch.save({name: nn.Parameter(tensor) for name, tensor in pretrained.items()}, tmp_path / "b.pt")
    tensors = read_checkpoint(tmp_path / "b.pt")
    assert equal(tensors, pretrained)
    assert not any(isinstance(tensor, nn.Parameter) or tensor.requires_grad for tensor in tensors.values())


def test_a_link_to_a_file_is_followed(tmp_path: Path, pretrained: Tower) -> None:
    save_checkpoint(tmp_path / "blob.safetensors", pretrained)
    (tmp_path / "a.safetensors").symlink_to("blob.safetensors")
    assert equal(read_checkpoint(tmp_path / "a.safetensors"), pretrained)


def test_reading_writes_nothing(tmp_path: Path, pretrained: Tower) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, pretrained)
    content = path.read_bytes()
    read_checkpoint(path)["visual.proj"].zero_()
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_an_absent_file_is_called_absent(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"There is no file .*a\.pt"):
        read_checkpoint(tmp_path / "a.pt")
    (tmp_path / "b.pt").symlink_to("nowhere.pt")
    with pytest.raises(CheckpointError, match=r"There is no file .*b\.pt"):
        read_checkpoint(tmp_path / "b.pt")


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.pt").mkdir()
    (tmp_path / "link.pt").symlink_to("folder.pt")
    for name in ("folder.pt", "link.pt"):
        with pytest.raises(CheckpointError, match=rf"{name} has no \.safetensors file"):
            read_checkpoint(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    messages: list[str] = []

    def read() -> None:
        try:
            read_checkpoint(tmp_path / "pipe.safetensors")
        except CheckpointError as error:
            messages.append(str(error))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(timeout=60)
    assert messages == ["pipe.safetensors is not a regular file: give the checkpoint itself."]


def test_a_circle_of_links_and_a_name_with_nul_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "a.pt").symlink_to("b.pt")
    (tmp_path / "b.pt").symlink_to("a.pt")
    for name in ("a.pt", "a\0.pt"):
        with pytest.raises(CheckpointError, match="cannot be opened"):
            read_checkpoint(tmp_path / name)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_size_limits(tmp_path: Path, pretrained: Tower, name: str) -> None:
    path = tmp_path / name
    torch.save(pretrained, path) if name == "a.pt" else save_checkpoint(path, pretrained)
    size = path.stat().st_size
    assert read_checkpoint(path, max_bytes=size)
    with pytest.raises(CheckpointError, match=f"has {size:,} bytes, more than the {size - 1:,} allowed"):
        read_checkpoint(path, max_bytes=size - 1)


@pytest.mark.parametrize("name", ["a.npz", "a", "a.ckpt", ".pt"])
def test_other_kinds_of_file_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x01x")
    with pytest.raises(CheckpointError, match=r"neither a safetensors file nor one of torch\.save"):
        read_checkpoint(tmp_path / name)


@pytest.mark.parametrize("name", ["a.pt", "a.safetensors", "a.ckpt", "pytorch_model", "a.bin.1"])
def test_the_content_decides_and_not_the_name(tmp_path: Path, pretrained: Tower, name: str) -> None:
    safetensors.torch.save_file(pretrained, tmp_path / name)
    assert equal(read_checkpoint(tmp_path / name), pretrained)
    torch.save(pretrained, tmp_path / name)
    assert equal(read_checkpoint(tmp_path / name), pretrained)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(CheckpointError, match=f"{name} is empty"):
        read_checkpoint(tmp_path / name)
