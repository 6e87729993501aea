"""Weights in one or several files: read one at a time; files that are missing, or disagree with the index."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from lines_core.checkpoints.weight_files import INDEX_SUFFIX, WeightFiles
from lines_core.errors import CheckpointError
from tests.lines_core.checkpoints.equality import equal

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
INDEX = "model" + INDEX_SUFFIX
TENSORS = {
    "a": torch.arange(6, dtype=torch.bfloat16).reshape(2, 3),
    "b": torch.tensor(2.5, dtype=torch.float64),
    "c": torch.tensor([True, False, True]),
    "d": torch.arange(5, dtype=torch.int64),
    "e": torch.linspace(-1, 1, 7),
}
SHARDS = {FIRST: ("a", "c", "e"), SECOND: ("b", "d")}


def write_shards(folder: Path) -> Path:
    folder.mkdir()
    for shard, names in SHARDS.items():
        save_file({name: TENSORS[name] for name in names}, folder / shard, {"format": "pt"})
    write_index(folder, {name: shard for shard, names in SHARDS.items() for name in names})
    return folder


def write_index(folder: Path, weight_map: object) -> None:
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_shards(tmp_path / "model")


def read_all(path: Path) -> dict[str, Tensor]:
    with WeightFiles(path) as weights:
        return dict(weights)


def test_a_folder_its_index_and_a_file_are_read(folder: Path) -> None:
    assert equal(read_all(folder), TENSORS)
    assert equal(read_all(folder / INDEX), TENSORS)
    assert equal(read_all(folder / FIRST), {name: TENSORS[name] for name in SHARDS[FIRST]})


def test_a_folder_with_one_file_needs_no_index(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "adapter_model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    assert equal(read_all(tmp_path), TENSORS)


def test_what_is_known_without_reading(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = WeightFiles(folder)
    monkeypatch.delattr(WeightFiles, "read_part")
    assert {shard: set(names) for shard, names in weights.shards.items()} == {
        shard: set(names) for shard, names in SHARDS.items()
    }
    assert weights.metadata == {"format": "pt"}
    assert weights.entries["a"].dtype is torch.bfloat16
    assert weights.entries["a"].shape == (2, 3)
    assert set(weights.names) == set(TENSORS)
    assert ("a" in weights, "z" in weights) == (True, False)
    with pytest.raises(KeyError):
        weights.read("z")


def test_a_part_of_a_tensor_is_read(folder: Path) -> None:
    weights, part = WeightFiles(folder), bytearray(8)
    weights.read_part("d", 3 * 8, memoryview(part))
    assert torch.frombuffer(part, dtype=torch.int64).tolist() == [3]
    with pytest.raises(ValueError, match="no 8 bytes from 33"):
        weights.read_part("d", 33, memoryview(part))


def test_tensors_own_their_memory(folder: Path) -> None:
    weights = WeightFiles(folder)
    weights["e"].zero_()
    assert torch.equal(weights["e"], TENSORS["e"])


def test_a_missing_shard_is_named(folder: Path) -> None:
    (folder / SECOND).unlink()
    with pytest.raises(CheckpointError, match=f"2 files and 1 of them is missing: '{SECOND}'. Fetch it too"):
        WeightFiles(folder)
    (folder / FIRST).unlink()
    with pytest.raises(CheckpointError, match=r"2 files and 2 of them are missing: .* Fetch them too"):
        WeightFiles(folder / INDEX)


def test_shards_without_their_index(folder: Path) -> None:
    (folder / INDEX).unlink()
    with pytest.raises(CheckpointError, match="their index is missing"):
        WeightFiles(folder)


def test_several_models_in_one_folder(tmp_path: Path) -> None:
    for name in ("model", "adapter_model"):
        save_file(TENSORS, tmp_path / f"{name}.safetensors")
    with pytest.raises(CheckpointError, match="name the one that is meant"):
        WeightFiles(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"z": FIRST}, "lacks 'z'"),
        ({"b": FIRST}, "lacks 'b'"),
        ({"e": None}, "more than the index says: 'e'"),
    ],
)
def test_an_index_that_disagrees_is_refused(
    folder: Path, change: dict[str, str | None], message: str
) -> None:
    weight_map = {name: shard for shard, names in SHARDS.items() for name in names} | change
    write_index(folder, {name: shard for name, shard in weight_map.items() if shard})
    with pytest.raises(CheckpointError, match=message):
        WeightFiles(folder)


@pytest.mark.parametrize(
    "shard", ["../a.safetensors", "/a.safetensors", "a.bin", "a\\b.safetensors", "c:x.safetensors", 3, None]
)
def test_an_index_names_safetensors_files_beside_it_only(folder: Path, shard: object) -> None:
    write_index(folder, {"a": shard})
    with pytest.raises(CheckpointError, match=r"no \.safetensors file beside it"):
        WeightFiles(folder)


@pytest.mark.parametrize("content", ["", "[" * 10**5, "[]", "{}", '{"weight_map": []}', '{"weight_map": {}}'])
def test_a_damaged_index(folder: Path, content: str) -> None:
    (folder / INDEX).write_text(content)
    with pytest.raises(CheckpointError, match=r"is empty|is damaged"):
        WeightFiles(folder)


def test_a_damaged_shard(folder: Path) -> None:
    os.truncate(folder / SECOND, (folder / SECOND).stat().st_size - 1)
    with pytest.raises(CheckpointError, match=f"{SECOND} is damaged"):
        WeightFiles(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 70\n",
            "git-lfs pointer.*70 bytes",
        ),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
        (
            b"PK\x03\x04" + bytes(60),
            r"PyTorch file.*save_checkpoint\('model\.safetensors', .*read_checkpoint",
        ),
    ],
)
def test_a_shard_that_is_something_else(folder: Path, content: bytes, message: str) -> None:
    """A clone without git-lfs has pointers, and a download without a login has the page that asks for it."""
    (folder / SECOND).write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        WeightFiles(folder)


def test_a_file_that_is_truncated_after_the_check(folder: Path) -> None:
    """A mapped file would end the process here."""
    weights = WeightFiles(folder)
    assert torch.equal(weights["b"], TENSORS["b"])
    os.truncate(folder / SECOND, 16)
    with pytest.raises(CheckpointError, match="truncated while it was read"):
        weights.read("d")


def test_a_file_that_is_replaced_after_the_check(folder: Path) -> None:
    weights = WeightFiles(folder)
    shutil.copy(folder / FIRST, folder / "new")
    os.replace(folder / "new", folder / FIRST)
    with pytest.raises(CheckpointError, match=f"{FIRST} was changed"):
        weights.read("a")


def test_pickles_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"only 'pytorch_model\.bin'\. Write the weights as"):
        WeightFiles(tmp_path)
    with pytest.raises(CheckpointError, match=r"is no \.safetensors file.*read_checkpoint\(path\)"):
        WeightFiles(tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="There is no file"):
        WeightFiles(tmp_path / "absent.safetensors")


def test_the_sum_of_the_files_is_limited(folder: Path) -> None:
    size = sum((folder / shard).stat().st_size for shard in SHARDS)
    WeightFiles(folder, max_bytes=size)
    with pytest.raises(CheckpointError, match=r"more than the .* allowed"):
        WeightFiles(folder, max_bytes=size - 1)
