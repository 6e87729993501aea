"""Reader of PyTorch files: a pickle that describes the tensors, and a zip record for each storage.

The zip format of PyTorch 1.6 and later, uncompressed as ``torch.save`` writes it. Only storages of the
model's tensors are read, not those of an optimiser in the same file.
"""

from math import prod
from typing import BinaryIO

import torch
from torch import Tensor

from lines_core.checkpoints.limits import MAX_DIMENSIONS, check_count, check_name, damaged
from lines_core.checkpoints.opening import read_into
from lines_core.checkpoints.pickle_interpreter import (
    MAX_PICKLE,
    TENSORS_ALONE,
    Inert,
    Storage,
    StoredTensor,
    Value,
    interpret,
)
from lines_core.checkpoints.zip_records import MAGIC, Record, find_records
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import excerpt, quoted


def read_torch(stream: BinaryIO, label: str, max_bytes: int) -> dict[str, Tensor]:
    """The tensors by name; a dictionary wrapped as ``{"state_dict": ...}`` is unwrapped.

    Tensors of one storage share its memory, as they did when they were saved.

    Raises: CheckpointError if the file is damaged, older than PyTorch 1.6, or holds something else.
    """
    if stream.read(4) != MAGIC:
        raise CheckpointError(
            f"{label} is not a PyTorch zip file: it is damaged, or older than PyTorch 1.6 and only a pickle. "
            "Open it where you trust it and save it again with torch.save."
        )
    records = find_records(stream, label)
    if any(name.endswith("/constants.pkl") for name in records):
        raise CheckpointError(f"{label} is a TorchScript program, not a checkpoint. {TENSORS_ALONE}")
    pickles = [name for name in records if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise CheckpointError(f"{label} is a zip file, but not one that torch.save writes. {TENSORS_ALONE}")
    folder = pickles[0].removesuffix("data.pkl")
    if folder + "byteorder" in records:
        order = _content(stream, records[folder + "byteorder"], 10, label)
        if order != b"little":
            raise CheckpointError(f"{label} has byte order {quoted(bytes(order))}; supported is 'little'.")
    content = interpret(bytes(_content(stream, records[pickles[0]], MAX_PICKLE, label)), label)
    stored = _stored_tensors(content, label)
    num_bytes = sum(prod(tensor.shape) * _itemsize(tensor) for tensor in stored.values())
    if num_bytes > max_bytes:
        raise CheckpointError(f"{label} claims more than the {max_bytes:,} bytes allowed.")
    storages: dict[str, tuple[Storage, Tensor]] = {}
    for name, tensor in stored.items():
        key = tensor.storage.key
        if key not in storages:
            record = records.get(f"{folder}data/{key}")
            if record is None:
                raise damaged(label, f"the storage of {quoted(name)} is not in it")
            storages[key] = tensor.storage, _read_storage(tensor.storage, record, stream, label)
        elif storages[key][0] != tensor.storage:
            raise damaged(label, f"storage {quoted(key)} has two dtypes or sizes")
    return {
        name: storages[tensor.storage.key][1].as_strided(tensor.shape, tensor.strides, tensor.offset)
        for name, tensor in stored.items()
    }


def _content(stream: BinaryIO, record: Record, limit: int, label: str) -> bytearray:
    if record.num_bytes > limit:
        raise CheckpointError(
            f"{label} describes its content in {record.num_bytes:,} bytes, more than the {limit:,} allowed. "
            f"{TENSORS_ALONE}"
        )
    content = read_into(stream, record.begin, record.num_bytes)
    if content is None:
        raise damaged(label, "it was truncated while it was read")
    return content


def _stored_tensors(content: Value, label: str) -> dict[str, StoredTensor]:
    """The entries; each is a dense tensor with a valid name, within its storage."""
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise CheckpointError(f"{label} holds a {_called(content)}, not tensors by name. {TENSORS_ALONE}")
    if not content:
        raise CheckpointError(f"{label} holds no tensors.")
    check_count(len(content), label)
    for name, value in content.items():
        check_name(name, label)
        if not isinstance(value, StoredTensor) or value.storage.dtype is None:
            raise CheckpointError(
                f"{label}: {quoted(name)} is not a plain tensor but {_called(value)}. {TENSORS_ALONE}"
            )
        _check_bounds(value, name, label)
    return content


def _check_bounds(one: StoredTensor, name: str, label: str) -> None:
    """Strides of zero repeat one stored number, so a small file could claim terabytes."""
    if len(one.shape) > MAX_DIMENSIONS or 0 in one.shape:
        raise CheckpointError(
            f"{label}: {quoted(name)} has no elements, or more than {MAX_DIMENSIONS} dimensions."
        )
    if len(one.shape) != len(one.strides):
        raise damaged(label, f"{quoted(name)} has {len(one.shape)} sizes and {len(one.strides)} strides")
    last = one.offset + sum((size - 1) * stride for size, stride in zip(one.shape, one.strides, strict=True))
    if last >= one.storage.numel or prod(one.shape) > one.storage.numel:
        raise damaged(label, f"{quoted(name)} claims more numbers than are stored")


def _read_storage(storage: Storage, record: Record, stream: BinaryIO, label: str) -> Tensor:
    """All numbers of a storage."""
    assert storage.dtype is not None, "checked by _stored_tensors"
    if record.num_bytes != storage.numel * storage.dtype.itemsize:
        raise damaged(
            label,
            f"record size of {quoted(storage.key)} is {record.num_bytes:,} bytes, not "
            f"{storage.numel:,} numbers",
        )
    data = _content(stream, record, record.num_bytes, label)
    if storage.dtype is torch.bool:
        return torch.frombuffer(data, dtype=torch.uint8).ne(0)  # other bytes than 0 and 1 are not valid
    return torch.frombuffer(data, dtype=storage.dtype)


def _itemsize(one: StoredTensor) -> int:
    return one.storage.dtype.itemsize if one.storage.dtype else 1


def _called(value: Value) -> str:
    match value:
        case Inert(name):
            return name.removeprefix("_rebuild_")
        case StoredTensor(Storage(_, None)):
            return "Tensor of an unsupported dtype"
        case StoredTensor():
            return "Tensor"
        case _:
            return excerpt(type(value).__name__)
