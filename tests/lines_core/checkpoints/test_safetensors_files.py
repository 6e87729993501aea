"""Reading safetensors files: dtypes, alignment, headers that contradict the file."""

import json
import os
import struct
from pathlib import Path

import pytest
import safetensors.torch
import torch

from lines_core.checkpoints import read_checkpoint, read_metadata, read_shapes, save_checkpoint
from lines_core.errors import CheckpointError
from tests.lines_core.checkpoints.equality import Tower, equal

Header = dict[str, object]


def write_safetensors(path: Path, header: object, data: bytes = b"", claimed: int | None = None) -> Path:
    """A safetensors file with whatever header, claimed to be of whatever length."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if claimed is None else claimed) + text + data)
    return path


def entry(shape: list[object], begin: object, end: object, dtype: object = "F32") -> Header:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "dtype",
    [
        torch.float64,
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
        torch.bool,
    ],
)
def test_every_dtype_is_read_as_the_library_reads_it(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = {"a": torch.tensor([[0, 1, 1], [3, 1, 0]]).to(dtype), "b": torch.tensor(1).to(dtype)}
    safetensors.torch.save_file(tensors, tmp_path / "a.safetensors")
    assert equal(read_checkpoint(tmp_path / "a.safetensors"), tensors)


def test_data_that_are_not_aligned_are_read(tmp_path: Path) -> None:
    """The format does not promise that a float begins at a multiple of four."""
    header = {"a": entry([3], 0, 3, "U8"), "b": entry([2], 3, 11, "F32")}
    path = write_safetensors(
        tmp_path / "a.safetensors", header, bytes([1, 2, 3]) + struct.pack("<2f", 0.5, -2.0)
    )
    tensors = read_checkpoint(path)
    assert tensors["a"].tolist() == [1, 2, 3]
    assert tensors["b"].tolist() == [0.5, -2.0]
    assert tensors["b"].data_ptr() % 4 == 0, "kernels may count on it"


def test_shapes_are_read_from_the_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tensors = {"matrix": torch.zeros(2, 3), "scalar": torch.tensor(1.0)}
    save_checkpoint(path, tensors)
    assert read_shapes(path) == {"matrix": (2, 3), "scalar": ()}
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="is damaged"):
        read_shapes(path)


def test_metadata_of_a_damaged_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"1234")
    with pytest.raises(CheckpointError, match="damaged: it ends before its header"):
        read_metadata(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("header", "num_bytes", "match"),
    [
        (b"{", 0, "header cannot be parsed"),
        (b"\xff\xfe", 0, "header cannot be parsed"),
        (b"[" * 100_000, 0, "header cannot be parsed"),
        (b'{"a": 1, "a": 2}', 0, r"cannot be parsed \(a name occurs twice\)"),
        ([1, 2], 0, "header is not a table"),
        ({}, 0, "holds no tensors"),
        ({"__metadata__": {"a": "b"}}, 0, "holds no tensors"),
        ({"": entry([1], 0, 4)}, 4, "names are printable ASCII text, .*found ''"),
        ({"a": 1}, 4, "entry of 'a' is malformed"),
        ({"a": {"dtype": "F32", "shape": [1]}}, 4, "entry of 'a' is malformed"),
        ({"a": entry([1], 0, 4) | {"more": 1}}, 4, "entry of 'a' is malformed"),
        ({"a": entry([1], 0, 4, dtype=5)}, 4, "entry of 'a' is malformed"),
        ({"a": entry([1], 0, 1, "F8_E4M3")}, 1, "'a' is of dtype 'F8_E4M3'; supported are F64, F32"),
        ({"a": entry([1.0], 0, 4)}, 4, "are not integers"),
        ({"a": entry([True], 0, 4)}, 4, "are not integers"),
        ({"a": entry([-1], 0, -4)}, 4, "are not integers"),
        ({"a": entry([1], "0", 4)}, 4, "are not integers"),
        ({"a": entry([0], 0, 0)}, 0, "holds no tensors with elements"),
        ({"a": entry([1] * 9, 0, 4)}, 4, "more than 8 dimensions"),
        ({"a": entry([2], 0, 4)}, 4, "does not fill its 4 bytes"),
        ({"a": entry([1 << 62, 4], 0, 4)}, 4, "does not fill its 4 bytes"),
        ({"a": entry([1], 4, 0)}, 4, "does not fill its -4 bytes"),
        ({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, 12, "data of 'a' and 'b' overlap"),
        ({"a": entry([2], 0, 8), "b": entry([2], 0, 8)}, 8, "overlap"),
        ({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, 12, "data of 'a' and 'b' leave a gap"),
        ({"a": entry([1], 4, 8)}, 8, "claim bytes 4 to 8, the file has 8"),
        ({"a": entry([250_000_000], 0, 1_000_000_000)}, 4, "claim bytes 0 to 1,000,000,000, the file has 4"),
        ({"a": entry([1], 0, 4)}, 8, "claim bytes 0 to 4, the file has 8"),
    ],
)
def test_headers_that_claim_what_is_not_so(
    tmp_path: Path, header: object, num_bytes: int, match: str
) -> None:
    path = write_safetensors(tmp_path / "a.safetensors", header, bytes(num_bytes))
    with pytest.raises(CheckpointError, match=match):
        read_checkpoint(path)


@pytest.mark.parametrize("claimed", [3, 1 << 20, 17 << 20, (1 << 64) - 1])
def test_the_length_of_the_header_is_checked_before_it_is_read(tmp_path: Path, claimed: int) -> None:
    path = write_safetensors(tmp_path / "a.safetensors", {"a": entry([1], 0, 4)}, bytes(4), claimed)
    with pytest.raises(
        CheckpointError, match=r"a\.safetensors is damaged: its header (claims|cannot be parsed)"
    ):
        read_checkpoint(path)


def test_a_file_that_was_cut_short_is_damaged_wherever_the_cut(tmp_path: Path, pretrained: Tower) -> None:
    save_checkpoint(tmp_path / "whole.safetensors", pretrained)
    content = (tmp_path / "whole.safetensors").read_bytes()
    for length in (1, 7, 8, 20, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.safetensors").write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"cut\.safetensors is damaged"):
            read_checkpoint(tmp_path / "cut.safetensors")


def test_a_file_cut_short_while_it_is_read_is_damaged(
    tmp_path: Path, pretrained: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mapped file would end the process with SIGBUS here."""
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, pretrained)
    loads = json.loads

    parsed: list[str] = []

    def cut_then_parse(text: str, **options: object) -> object:
        parsed.append(text)
        if len(parsed) == 2:  # once to see what is there, once to read it
            os.truncate(path, path.stat().st_size - 4)
        return loads(text, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(json, "loads", cut_then_parse)
    with pytest.raises(CheckpointError, match="was truncated while it was read"):
        read_checkpoint(path)


def test_a_pytorch_file_under_the_wrong_name_is_recognised(tmp_path: Path, pretrained: Tower) -> None:
    torch.save(pretrained, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"is a PyTorch file by its content"):
        read_metadata(tmp_path / "a.safetensors")
