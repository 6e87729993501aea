"""Reading PyTorch files: tensors only, and nothing is executed."""

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from lines_core.checkpoints import open_checkpoint, read_checkpoint
from lines_core.errors import CheckpointError
from tests.lines_core.checkpoints.equality import Tower, equal


class Payload:
    """Unpickling this would call `os.mkdir`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_module_pickled_whole_gives_the_tensors_of_its_state_dict(tmp_path: Path) -> None:
    """Without its class: the files of task arithmetic are such, and their classes are not installed here."""
    model = nn.Sequential(nn.Linear(2, 2), nn.ModuleDict({"inner": nn.BatchNorm1d(3)}))
    model.register_buffer("mask", torch.ones(2), persistent=False)
    torch.save({"model": model, "epoch": 3}, tmp_path / "a.pt")
    assert equal(read_checkpoint(tmp_path / "a.pt"), dict(model.state_dict()))
    torch.save(model, tmp_path / "a.pt")
    tensors = read_checkpoint(tmp_path / "a.pt")
    assert list(tensors) == list(model.state_dict())
    assert equal(tensors, dict(model.state_dict()))


def test_a_file_that_would_run_code_does_not(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1), "b": Payload(tmp_path / "ran")}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    contents = open_checkpoint(tmp_path / "a.pt")
    assert equal(contents.tensors(), {"a": torch.ones(1)})
    assert contents.notes() == (f"not read: 'b' ({os.mkdir.__module__}.mkdir)",)
    with pytest.raises(CheckpointError, match=r"a pickle, but not of torch\.save"):
        read_checkpoint(tmp_path / "b.pt")
    torch.save(Payload(tmp_path / "ran"), tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match=r"holds a pickled \w+\.mkdir, not tensors by name"):
        read_checkpoint(tmp_path / "c.pt")
    assert not (tmp_path / "ran").exists()


def test_the_old_format_without_a_zip_is_refused(tmp_path: Path, pretrained: Tower) -> None:
    torch.save(pretrained, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"before PyTorch 1\.6.*save it again: torch\.save"):
        read_checkpoint(tmp_path / "a.pt")


def test_strides_of_zero_do_not_make_terabytes(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1).expand(1 << 20, 1 << 20)}, tmp_path / "a.pt")
    assert (tmp_path / "a.pt").stat().st_size < 4096
    with pytest.raises(CheckpointError, match=r"'a' and the like repeat stored numbers"):
        read_checkpoint(tmp_path / "a.pt", max_bytes=1 << 43)
    with pytest.raises(CheckpointError, match="claims more than the 4,294,967,296 bytes"):
        read_checkpoint(tmp_path / "a.pt")
    torch.save({"a": torch.arange(3.0).expand(2, 3)}, tmp_path / "b.pt")
    tensors = read_checkpoint(tmp_path / "b.pt")
    assert equal(tensors, {"a": torch.tensor([[0.0, 1, 2], [0, 1, 2]])})
    tensors["a"][0] = 5.0
    assert tensors["a"][1].tolist() == [0.0, 1.0, 2.0], "written out, so each number is one of its own"


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
        ({"epoch": 3, "args": None}, r"holds no tensors, but 'epoch' \(int\), 'args' \(None\)"),
        ({"optimizer": {"exp_avg": torch.ones(1)}}, r"holds no tensors, but 'optimizer' \(dict\)"),
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


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_tensors_of_a_torchscript_program_are_read(tmp_path: Path, kind: int) -> None:
    """OpenAI's own downloads of CLIP are TorchScript, and compressed; their code is not looked at."""
    model = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.BatchNorm1d(8)))
    torch.jit.save(torch.jit.script(model), tmp_path / "stored.pt")
    with (
        zipfile.ZipFile(tmp_path / "stored.pt") as old,
        zipfile.ZipFile(tmp_path / "a.pt", "w", kind) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert equal(read_checkpoint(tmp_path / "a.pt"), dict(model.state_dict()))
