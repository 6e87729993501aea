"""Reader of PyTorch files: a pickle that describes the tensors, and a zip record for each storage.

The zip format of PyTorch 1.6 and later. Only storages of the chosen tensors are read, not those of an
optimiser in the same file.
"""

from collections.abc import Mapping
from math import prod
from typing import BinaryIO, NamedTuple

import torch
from torch import Tensor

from lines_core.checkpoints.limits import MAX_DIMENSIONS, TENSORS_ALONE, check_count, check_name, damaged
from lines_core.checkpoints.pickle_interpreter import MAX_PICKLE, interpret
from lines_core.checkpoints.pickle_values import Storage, StoredTensor, Value, kind_of
from lines_core.checkpoints.zip_records import Record, find_records, record_content
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import first_names, quoted

MAX_EXPANDED = 64 << 20
"""Bytes of tensors that repeat stored numbers, in total: a file of 500 bytes may have one."""


class TorchFile(NamedTuple):
    """What a PyTorch file describes, and where its storages are."""

    content: Value
    folder: str
    records: Mapping[str, Record]


def open_torch(stream: BinaryIO, label: str) -> TorchFile:
    """The content of the pickle; no storage is read.

    A TorchScript archive is described in the same way; the code of the program is beside, and not read.

    Raises: CheckpointError if the file is damaged, or a zip file of something else.
    """
    records = find_records(stream, label)
    pickles = [name for name in records if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise CheckpointError(f"{label} {_other_zip(records)}")
    folder = pickles[0].removesuffix("data.pkl")
    if folder + "byteorder" in records:
        order = _content(stream, records[folder + "byteorder"], 10, label)
        if order != b"little":
            raise CheckpointError(f"{label} has byte order {quoted(bytes(order))}; supported is 'little'.")
    content = interpret(bytes(_content(stream, records[pickles[0]], MAX_PICKLE, label)), label)
    return TorchFile(content, folder, records)


def read_stored(
    stream: BinaryIO, file: TorchFile, entries: Mapping[str, Value], label: str, max_bytes: int
) -> dict[str, Tensor]:
    """The tensors by name. Those of one storage share its memory, as they did when they were saved.

    A tensor that repeats stored numbers, as ``expand`` makes one, is written out, within `MAX_EXPANDED`.

    Args:
        entries: dense tensors of the file's content; anything else is refused.
        max_bytes: in total.
    Raises: CheckpointError if an entry is no dense tensor, is larger than allowed, or contradicts the file.
    """
    stored = _checked(entries, label)
    if sum(prod(one.shape) * _itemsize(one) for one in stored.values()) > max_bytes:
        raise CheckpointError(f"{label} claims more than the {max_bytes:,} bytes allowed.")
    expanded = [name for name, one in stored.items() if _repeats(one)]
    if sum(prod(stored[name].shape) * _itemsize(stored[name]) for name in expanded) > MAX_EXPANDED:
        raise CheckpointError(
            f"{label}: {quoted(expanded[0])} and the like repeat stored numbers to more than "
            f"{MAX_EXPANDED:,} bytes. {TENSORS_ALONE}"
        )
    storages: dict[str, tuple[Storage, Tensor]] = {}
    for name, tensor in stored.items():
        key = tensor.storage.key
        if key not in storages:
            record = file.records.get(f"{file.folder}data/{key}")
            if record is None:
                raise damaged(label, f"the storage of {quoted(name)} is not in it")
            storages[key] = tensor.storage, _read_storage(tensor.storage, record, stream, label)
        elif storages[key][0] != tensor.storage:
            raise damaged(label, f"storage {quoted(key)} has two dtypes or sizes")
    tensors = {
        name: storages[one.storage.key][1].as_strided(one.shape, one.strides, one.offset)
        for name, one in stored.items()
    }
    return tensors | {name: tensors[name].clone(memory_format=torch.contiguous_format) for name in expanded}


def _content(stream: BinaryIO, record: Record, limit: int, label: str) -> bytearray:
    if record.num_bytes > limit:
        raise CheckpointError(
            f"{label} describes its content in {record.num_bytes:,} bytes, more than the {limit:,} allowed. "
            f"{TENSORS_ALONE}"
        )
    return record_content(stream, record, label)


def _other_zip(records: Mapping[str, Record]) -> str:
    """What a zip file is that torch.save did not write, and what to do about it."""
    if records and all(name.endswith(".npy") for name in records):
        return "is an .npz file of NumPy arrays. Save them as safetensors, by the names of the model."
    held = [name for name in records if name.endswith((".safetensors", ".pt", ".pth", ".bin", ".ckpt"))]
    if held:
        return f"is a zip file with {first_names(held, 3)} in it. Unpack it and give that."
    return f"is a zip file, but not one that torch.save writes. {TENSORS_ALONE}"


def _checked(entries: Mapping[str, Value], label: str) -> dict[str, StoredTensor]:
    """The entries; each is a dense tensor with a valid name, within its storage."""
    check_count(len(entries), label)
    stored = {}
    for name, value in entries.items():
        check_name(name, label)
        if not isinstance(value, StoredTensor) or value.storage.dtype is None:
            raise CheckpointError(
                f"{label}: {quoted(name)} is not a plain tensor but {kind_of(value)}. {TENSORS_ALONE}"
            )
        _check_bounds(value, name, label)
        stored[name] = value
    return stored


def _check_bounds(one: StoredTensor, name: str, label: str) -> None:
    """Raises: CheckpointError if a tensor reaches outside its storage."""
    if len(one.shape) > MAX_DIMENSIONS:
        raise CheckpointError(f"{label}: {quoted(name)} has more than {MAX_DIMENSIONS} dimensions.")
    if len(one.shape) != len(one.strides):
        raise damaged(label, f"{quoted(name)} has {len(one.shape)} sizes and {len(one.strides)} strides")
    last = one.offset + sum((size - 1) * stride for size, stride in zip(one.shape, one.strides, strict=True))
    if last >= one.storage.numel:
        raise damaged(label, f"{quoted(name)} claims more numbers than are stored")


def _read_storage(storage: Storage, record: Record, stream: BinaryIO, label: str) -> Tensor:
    """All numbers of a storage."""
    assert storage.dtype is not None, "checked by _checked"
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


def _repeats(one: StoredTensor) -> bool:
    """Whether a tensor has a stored number several times."""
    zero = any(stride == 0 and size > 1 for size, stride in zip(one.shape, one.strides, strict=True))
    return zero or prod(one.shape) > one.storage.numel


def _itemsize(one: StoredTensor) -> int:
    return one.storage.dtype.itemsize if one.storage.dtype else 1
