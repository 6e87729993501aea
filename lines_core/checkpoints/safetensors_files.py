"""Reader of safetensors files that checks the header against the file before it allocates memory."""

import json
import os
from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any, BinaryIO, NamedTuple

import torch
from torch import Tensor

from lines_core.checkpoints.file_kinds import refuse_other_kinds
from lines_core.checkpoints.limits import (
    DTYPES,
    MAX_DIMENSIONS,
    MAX_HEADER,
    are_sizes,
    check_count,
    check_name,
    damaged,
)
from lines_core.checkpoints.opening import read_into
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted

CONVERT = (
    "Write the weights as safetensors first, in Python: lines_core.save_checkpoint('model.safetensors', "
    "lines_core.read_checkpoint(path))"
)
"""What to do about a file of torch.save where only safetensors are read."""


class Entry(NamedTuple):
    """A tensor: bytes ``begin`` to ``end`` of the data."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


class Header(NamedTuple):
    """A checked header: entries in the order of their data, without a gap, up to the file's end."""

    entries: list[Entry]
    metadata: dict[str, str]
    num_bytes: int


def read_safetensors(stream: BinaryIO, label: str) -> dict[str, Tensor]:
    """The tensors by name. Their data are read once, into one buffer that they share.

    Raises: CheckpointError if the file is damaged or unsupported.
    """
    header = read_header(stream, label)
    data = read_into(stream, stream.tell(), header.num_bytes)
    if data is None:
        raise damaged(label, "it was truncated while it was read")
    return {entry.name: _tensor(data, entry) for entry in header.entries}


def read_header(stream: BinaryIO, label: str) -> Header:
    """The header, consistent and within the size of the file.

    Raises: CheckpointError if it is not, or exceeds the limits.
    """
    size = os.fstat(stream.fileno()).st_size
    start = stream.read(8)
    if start.startswith(b"PK\x03\x04"):
        raise CheckpointError(f"{label} is a PyTorch file by its content, not a safetensors file. {CONVERT}.")
    if len(start) < 8:
        raise damaged(label, "it ends before its header")
    length = int.from_bytes(start, "little")
    if length > min(MAX_HEADER, size - 8):
        refuse_other_kinds(stream, label)
        raise damaged(label, f"its header claims {length:,} bytes, the file has {size:,}")
    try:
        claims = json.loads(stream.read(length).decode("utf-8"), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise damaged(label, f"its header cannot be parsed ({error})") from error
    if not isinstance(claims, dict):
        raise damaged(label, "its header is not a table of tensors")
    metadata = claims.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise damaged(label, "its metadata are not text")
    if not claims:
        raise CheckpointError(f"{label} holds no tensors.")
    check_count(len(claims), label)
    num_bytes = size - 8 - length
    entries = sorted(
        (_entry(name, claim, label) for name, claim in claims.items()), key=lambda entry: entry.begin
    )
    for first, second in pairwise(entries):
        if second.begin != first.end:
            what = "overlap" if second.begin < first.end else "leave a gap"
            raise damaged(label, f"the data of {quoted(first.name)} and {quoted(second.name)} {what}")
    if entries[0].begin != 0 or entries[-1].end != num_bytes:
        raise damaged(
            label,
            f"tensors claim bytes {entries[0].begin:,} to {entries[-1].end:,}, the file has {num_bytes:,}",
        )
    return Header(entries, metadata, num_bytes)


def _entry(name: str, claim: object, label: str) -> Entry:
    check_name(name, label)
    match claim:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [begin, end], **rest} if not rest:
            pass
        case _:
            raise damaged(label, f"the entry of {quoted(name)} is malformed")
    if dtype not in DTYPES:
        raise CheckpointError(
            f"{label}: {quoted(name)} is of dtype {quoted(dtype, 22)}; supported are {', '.join(DTYPES)}."
        )
    if len(shape) > MAX_DIMENSIONS:
        raise CheckpointError(f"{label}: {quoted(name)} has more than {MAX_DIMENSIONS} dimensions.")
    if not are_sizes([*shape, begin, end]):
        raise damaged(label, f"the shape or offsets of {quoted(name)} are not integers from 0")
    if prod(shape) * DTYPES[dtype].itemsize != end - begin:
        raise damaged(
            label, f"{quoted(name)} of shape {shape} in {dtype} does not fill its {end - begin} bytes"
        )
    return Entry(name, DTYPES[dtype], tuple(shape), begin, end)


def _tensor(data: bytearray, entry: Entry) -> Tensor:
    """A view into the data; a copy if they are not aligned or boolean."""
    if entry.begin == entry.end:
        return torch.empty(entry.shape, dtype=entry.dtype)
    if entry.dtype is torch.bool:
        return torch.frombuffer(data[entry.begin : entry.end], dtype=torch.uint8).ne(0).view(entry.shape)
    if entry.begin % entry.dtype.itemsize:
        return torch.frombuffer(data[entry.begin : entry.end], dtype=entry.dtype).view(entry.shape)
    flat = torch.frombuffer(data, dtype=entry.dtype, count=prod(entry.shape), offset=entry.begin)
    return flat.view(entry.shape)


def _without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name occurs twice")
    return table
