"""Checkpoint files written byte by byte, and how one must be refused."""

import json
import struct
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from lines_core.checkpoints import read_checkpoint
from lines_core.errors import CheckpointError
from tests.hostile.odd_values import check_message

MOST_SECONDS = 20.0
"""Of computing, to refuse a file; most take less than 0.01, none more than 2 on an idle machine."""


def refusal(path: Path, read: Callable[[Path], object] = read_checkpoint) -> str:
    """What a file is refused with, soon and in short."""
    start = time.process_time()
    with pytest.raises(CheckpointError) as raised:
        read(path)
    assert time.process_time() - start < MOST_SECONDS
    check_message(str(raised.value))
    return str(raised.value)


def safetensors_file(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def torch_file(path: Path, pickled: bytes, more: Mapping[str, bytes] | None = None) -> Path:
    records = {"a/data.pkl": pickled, "a/version": b"3\n", "a/byteorder": b"little", **(more or {})}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in records.items():
            archive.writestr(name, content)
    return path


def one_float(key: bytes = b"0", numel: bytes = b"K\x01", name: bytes = b"a") -> bytes:
    """Instructions that put a tensor of one number under a name."""
    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX"
        + struct.pack("<I", len(key))
        + key
        + b"X\x03\x00\x00\x00cpu"
        + numel
        + b"tQ"
    )
    rebuilt = (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + b"K\x00K\x01\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
    )
    return b"X" + struct.pack("<I", len(name)) + name + rebuilt + b"s"


def write_hole(path: Path, num_bytes: int) -> None:
    """A header that promises a tensor, and a file that has it, all zeros, without taking room on the disk."""
    header = b'{"a":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (num_bytes, num_bytes)
    safetensors_file(path, header)
    with path.open("rb+") as stream:
        stream.truncate(8 + len(header) + num_bytes)
