"""Reading PyTorch files: tensors only, and nothing is executed."""

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from lines_core.checkpoints import read_checkpoint
from lines_core.errors import CheckpointError
from tests.lines_core.checkpoints.equality import Tower, equal


class Payload:
    """Unpickling this would call `os.mkdir`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_pickled_module_is_refused_with_the_reason_and_the_way_out(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "a.pt")
    with pytest.raises(
        CheckpointError,
        match=r"a pickled torch\.nn\.modules\.linear\.Linear, which could run code .*: torch\.save\(model",
    ):
        read_checkpoint(tmp_path / "a.pt")


def test_a_file_that_would_run_code_does_not(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1), "b": Payload(tmp_path / "ran")}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    with pytest.raises(
        CheckpointError, match=r"holds a pickled \w+\.mkdir, which could run code when opened"
    ):
        read_checkpoint(tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"older than PyTorch 1\.6 and only a pickle"):
        read_checkpoint(tmp_path / "b.pt")
    assert not (tmp_path / "ran").exists()


def test_the_old_format_without_a_zip_is_refused(tmp_path: Path, pretrained: Tower) -> None:
    torch.save(pretrained, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"not a PyTorch zip file.*save it again with torch\.save"):
        read_checkpoint(tmp_path / "a.pt")


def test_strides_of_zero_do_not_make_terabytes(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1).expand(1 << 20, 1 << 20)}, tmp_path / "a.pt")
    assert (tmp_path / "a.pt").stat().st_size < 4096
    with pytest.raises(CheckpointError, match="'a' claims more numbers than are stored"):
        read_checkpoint(tmp_path / "a.pt")


def test_many_tensors_of_one_storage_count_towards_the_limit(tmp_path: Path) -> None:
    """Tied weights are fine, ten thousand of them are not."""
    stored = torch.ones(1000)
    torch.save({"a": stored, "b": stored}, tmp_path / "a.pt")
    assert equal(read_checkpoint(tmp_path / "a.pt", max_bytes=10_000), {"a": stored, "b": stored})
    torch.save({f"t{i}": stored for i in range(20)}, tmp_path / "b.pt")
    with pytest.raises(CheckpointError, match="claims more than the 20,000 bytes allowed"):
        read_checkpoint(tmp_path / "b.pt", max_bytes=20_000)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ([torch.ones(1)], "holds a list, not tensors by name"),
        (torch.ones(1), "holds a Tensor, not tensors by name"),
        ({}, "holds no tensors"),
        ({"state_dict": {}}, "holds no tensors"),
        ({"a": torch.ones(1), "epoch": 3}, "'epoch' is not a plain tensor but int"),
        ({"a": {"b": torch.ones(1)}}, "'a' is not a plain tensor but dict"),
        ({"a": torch.ones(2).to_sparse()}, "'a' is not a plain tensor but sparse_tensor"),
        ({"a\nb": torch.ones(1)}, r"names are printable ASCII text, .*found 'a\\nb'"),
        ({1: torch.ones(1)}, "names are printable ASCII text, .*found 1"),
        ({"a": torch.ones(2, device="meta")}, "'a' is not a plain tensor but meta_tensor_no_storage"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*Sparse:UserWarning")
def test_pytorch_files_of_other_things_are_refused(tmp_path: Path, content: object, match: str) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=match):
        read_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize("length", [4, 30, 200, 600])
def test_a_pytorch_file_cut_short_is_damaged(tmp_path: Path, pretrained: Tower, length: int) -> None:
    torch.save(pretrained, tmp_path / "a.pt")
    content = (tmp_path / "a.pt").read_bytes()
    (tmp_path / "a.pt").write_bytes(content[:length])
    with pytest.raises(CheckpointError, match=r"a\.pt is damaged: "):
        read_checkpoint(tmp_path / "a.pt")


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    """The OpenAI downloads are TorchScript. Made by hand: `torch.jit` is deprecated and warns."""
    torch.save({"a": torch.zeros(10)}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt", "a") as archive:
        archive.writestr("a/constants.pkl", b"")
    with pytest.raises(CheckpointError, match="is a TorchScript program, not a checkpoint"):
        read_checkpoint(tmp_path / "a.pt")
