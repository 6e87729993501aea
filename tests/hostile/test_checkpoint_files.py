"""Hostile names, numbers and sizes in checkpoint files: each is refused with a short message."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from lines_core.checkpoints import compare, read_checkpoint, read_metadata, read_shapes
from lines_core.errors import CheckpointError
from tests.hostile.checkpoint_bytes import one_float, refusal, safetensors_file, torch_file, write_hole
from tests.hostile.odd_values import ODD_NUMBERS, check_message, short_id


@pytest.mark.parametrize(
    "number", [one for one in ODD_NUMBERS if type(one) is not int or not 0 <= one <= 10], ids=short_id
)
@pytest.mark.parametrize("place", ["shape", "begin", "end"])
def test_invalid_numbers_are_no_size(tmp_path: Path, place: str, number: Any) -> None:
    """1e308, NaN, true for 1, minus zero: JSON has them all, and Python's parser takes NaN as well."""
    claim = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    where = claim["shape"] if place == "shape" else claim["data_offsets"]
    where[1 if place == "end" else 0] = number  # type: ignore[index]
    message = refusal(safetensors_file(tmp_path / "a.safetensors", {"a": claim}, bytes(4)))
    assert re.search("are not integers|does not fill|has no elements", message)


@pytest.mark.parametrize(
    "literal",
    [b"1e400", b"-1e400", b"1E400", b"1" * 4300, b"1" * 5000, b"NaN", b"Infinity", b"-0.0", b"1.0"],
    ids=short_id,
)
def test_json_numbers_that_are_no_size(tmp_path: Path, literal: bytes) -> None:
    """5000 digits raise ValueError in Python itself, and 4300 would fill a message."""
    header = b'{"a":{"dtype":"F32","shape":[' + literal + b'],"data_offsets":[0,4]}}'
    message = refusal(safetensors_file(tmp_path / "a.safetensors", header, bytes(4)))
    assert re.search("are not integers|cannot be parsed|has no elements", message)


@pytest.mark.parametrize(
    "name",
    [
        "\u202egnp.thgiew",
        "wei\u200bght",
        "wei\u00adght",
        "w\u0435ight",  # a Cyrillic e
        "caf\u00e9",
        "cafe\u0301",
        "\uff57eight",
        "a\x00b",
        "a\x7f",
        "\ud800",
        "\U000e0061",
        "x" * (1 << 20),
    ],
    ids=short_id,
)
def test_names_that_look_like_others_are_refused(tmp_path: Path, name: str) -> None:
    claim = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    path = safetensors_file(tmp_path / "a.safetensors", {name: claim}, bytes(4))
    assert "names are printable ASCII text" in refusal(path)
    data = b"\x80\x02}" + one_float(name=name.encode("utf-8", "surrogatepass")) + b"."
    path = torch_file(tmp_path / "a.pt", data, {"a/data/0": bytes(4)})
    assert "names are printable ASCII text" in refusal(path)


def test_tensor_names_never_become_paths(tmp_path: Path) -> None:
    """Tensor names never become file names."""
    inner = tmp_path / "inner"
    inner.mkdir()
    tensors = {"../../outside": torch.ones(1), "/etc/x": torch.ones(1), "..": torch.ones(1)}
    safetensors.torch.save_file(tensors, inner / "a.safetensors")
    torch.save(tensors, inner / "a.pt")
    for path in (inner / "a.safetensors", inner / "a.pt"):
        assert set(read_checkpoint(path)) == set(tensors)
    with pytest.raises(CheckpointError, match="does not fit"):
        compare({"a": torch.ones(1)}, tensors)
    assert sorted(one.name for one in inner.iterdir()) == ["a.pt", "a.safetensors"]
    assert list(tmp_path.iterdir()) == [inner]


@pytest.mark.parametrize(
    "name", ["\u202etp.a.pt", "a\nb.pt", "x" * 5000 + ".pt", "\ud800.pt", "a\x00.pt", "é" * 120]
)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".exe"])
def test_file_names_in_messages_are_short_and_printable(tmp_path: Path, name: str, suffix: str) -> None:
    refusal(tmp_path / (name + suffix))


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("read", [read_checkpoint, read_metadata, read_shapes])
def test_five_gigabytes_are_refused_before_a_byte_is_read(
    tmp_path: Path, suffix: str, read: Callable[[Path], object]
) -> None:
    """The header promises a tensor of all of it, so reading would begin, were it not for the limit."""
    write_hole(tmp_path / f"a{suffix}", 5 << 30)
    assert "bytes, more than the 4,294,967,296 allowed" in refusal(tmp_path / f"a{suffix}", read)


def test_a_comparison_of_thousands_of_names_has_a_short_message(tmp_path: Path) -> None:
    candidate = {f"{'x' * 190}{i}": torch.ones(1) for i in range(5000)}
    with pytest.raises(CheckpointError) as raised:
        compare({"a": torch.ones(1)}, candidate)
    check_message(str(raised.value))
    assert len(raised.value.mismatches) == 5001


def test_metadata_must_be_text(tmp_path: Path) -> None:
    claim = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    deep: Any = "x"
    for _ in range(200):
        deep = {"a": deep}
    for metadata in ({"a": {"b": "c"}}, {"a": ["b"]}, {"a": None}, ["a"], "a", 1, None, deep):
        path = safetensors_file(tmp_path / "a.safetensors", {"__metadata__": metadata, **claim}, bytes(4))
        assert "its metadata are not text" in refusal(path, read_metadata)
