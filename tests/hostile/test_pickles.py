"""Hostile pickles: nothing is imported or called, and contradictions are refused."""

import pickle
import struct
from pathlib import Path

import pytest
import torch

from lines_core.checkpoints import read_checkpoint
from tests.hostile.checkpoint_bytes import one_float, refusal, torch_file


@pytest.mark.parametrize(
    "name",
    [
        b"os\nsystem",
        b"posix\nsystem",
        b"builtins\neval",
        b"builtins\ngetattr",
        b"builtins\n__import__",
        b"torch\nload",
        b"torch._utils\nos.system",
        b"torch.hub\nload",
        b"torch.storage\n_load_from_bytes",
        b"torch.jit\nload",
        b"torch._utils\n_rebuild_pa\x06ter",  # a control character was on its way to the page
        b"torch._utils\n_rebuild_a.__globals__",
        b"collections\nOrderedDict.fromkeys",
        b"numpy.core.multiarray\n_reconstruct",
        b"x" * 199 + b"\ny",
        b"\xff\ny",
        rb"collections" + b"\n" + rb"Ordered\x44ict",  # pickletools would read OrderedDict
    ],
)
def test_no_name_is_looked_up(tmp_path: Path, name: bytes) -> None:
    ran = tmp_path / "ran"
    command = f"touch {ran}".encode()
    call = b"X" + struct.pack("<I", len(command)) + command + b"\x85R"
    refusal(torch_file(tmp_path / "a.pt", b"\x80\x02c" + name + b"\n" + call + b"."))
    assert not ran.exists()


def test_what_is_inert_is_never_called(tmp_path: Path) -> None:
    """A wrapper may speak of sizes and devices; a file with nothing else is refused."""
    weights = {"a": torch.ones(2)}
    about = {"size": torch.Size([2]), "device": torch.device("cpu"), "kind": torch.float16, "some": {1, 2}}
    torch.save(
        {"state_dict": weights, **about, "rate": 0.1, "steps": 10**30, "none": None}, tmp_path / "a.pt"
    )
    assert torch.equal(read_checkpoint(tmp_path / "a.pt")["a"], weights["a"])
    for key, value in about.items():
        torch.save({key: value}, tmp_path / "b.pt")
        assert f"holds no tensors, but {key!r}" in refusal(tmp_path / "b.pt")


@pytest.mark.parametrize("protocol", [0, 1, 4, 5])
def test_other_protocols_are_refused(tmp_path: Path, protocol: int) -> None:
    refusal(torch_file(tmp_path / "a.pt", pickle.dumps({"a": 1.5, "b": [1, 2]}, protocol)))


@pytest.mark.parametrize(
    ("instructions", "message"),
    [
        (b"\x80\x02}" + one_float() + one_float() + b".", "the name 'a' occurs twice"),
        (b"\x80\x02}" + one_float(key=b"../../0") + b".", "the storage of 'a' is not in it"),
        (b"\x80\x02}" + one_float(numel=b"K\x02") + b".", "record size of '0' is 4 bytes"),
        (
            b"\x80\x02}" + one_float(numel=b"J\xff\xff\xff\xff") + b".",
            "has an invalid reference to a storage",
        ),
        (b"\x80\x02}" + one_float(numel=b"\x88") + b".", "has an invalid reference to a storage"),
        (
            b"\x80\x02}" + one_float().replace(b"K\x00K\x01", b"K\x01K\x01") + b".",
            "more numbers than are stored",
        ),
        (
            b"\x80\x02}" + one_float().replace(b"K\x01\x85\x89", b"J\xff\xff\xff\xff\x85\x89") + b".",
            "not made of integers",
        ),
        (b"\x80\x02}" + one_float().replace(b"K\x01\x85\x89", b"))\x86\x89") + b".", "not made of integers"),
        (b"\x80\x02}" + one_float().replace(b"K\x01\x85\x89", b")\x89") + b".", "has 1 sizes and 0 strides"),
        (
            b"\x80\x02}" + one_float() + one_float(name=b"b").replace(b"FloatS", b"IntS") + b".",
            "storage '0' has two dtypes",
        ),
        (b"\x80\x02}" + one_float(), "its pickle is invalid"),
        (b"\x80\x02.", "its pickle is invalid"),
        (b"\x80\x02\x85.", "its pickle is invalid"),
        (b"\x80\x02h\x07.", "its pickle is invalid"),
        (b"\x80\x02}K\x01a.", "a value that is not a list"),
        (b"\x80\x02]K\x01K\x01s.", "a value that is not a dictionary"),
        (b"\x80\x02}(K\x01u.", "a value that is not a dictionary"),
        (b"\x80\x02K\x01K\x01b.", "sets an invalid state"),
        (b"\x80\x02K\x01)R.", "has an invalid call"),
        (b"\x80\x02}2.", "has the pickle instruction DUP"),
        (b"\x80\x02I" + b"1" * 1_000_000 + b"\n.", "a line that tensors do not need"),
        (b"\x80\x02S'\\d'\n.", "a line that tensors do not need"),
        (b"\x80\x02\xff.", "its pickle is invalid"),
    ],
)
def test_invalid_pickles_are_refused(tmp_path: Path, instructions: bytes, message: str) -> None:
    assert message in refusal(torch_file(tmp_path / "a.pt", instructions, {"a/data/0": bytes(4)}))


def test_a_valid_pickle_made_by_hand_is_read(tmp_path: Path) -> None:
    """Else the refusals above would prove nothing."""
    path = torch_file(
        tmp_path / "a.pt", b"\x80\x02}" + one_float() + b".", {"a/data/0": struct.pack("<f", 0.5)}
    )
    assert {name: tensor.tolist() for name, tensor in read_checkpoint(path).items()} == {"a": [0.5]}


def test_booleans_other_than_0_and_1_become_true(tmp_path: Path) -> None:
    torch.save({"a": torch.tensor([True, False])}, tmp_path / "a.pt")
    content = (tmp_path / "a.pt").read_bytes()
    assert content.count(b"\x01\x00PK") == 1
    (tmp_path / "a.pt").write_bytes(content.replace(b"\x01\x00PK", b"\xf7\x00PK"))
    found = read_checkpoint(tmp_path / "a.pt")["a"]
    assert found.dtype is torch.bool
    assert found.view(torch.uint8).tolist() == [1, 0]
