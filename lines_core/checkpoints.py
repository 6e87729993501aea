"""Read weights from files nobody vouches for, say exactly how they differ from a model, and write them.

A pickled module runs code when it is opened, so only plain tensors are read: safetensors, or a PyTorch file
through ``weights_only``. Absent, damaged and mismatched files read differently. Readers never write.
"""

import json
import os
import pickle
import re
import secrets
import stat
import struct
import zipfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import safetensors.torch
import torch
from torch import Tensor, nn

from lines_core.errors import CheckpointError, LayerError
from lines_core.layers import block_indices

MAX_BYTES = 4 << 30
"""Largest file read unless the caller says otherwise; a full fp32 CLIP ViT-L/14 has 1.7 GB."""
_MAX_HEADER = 16 << 20
_MAX_TENSORS = 100_000
_MAX_DIMENSIONS = 8
_MAX_NAME = 512
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_WEIGHT_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
_SAFETENSORS_SUFFIX = ".safetensors"
_TORCH_SUFFIXES = (".pt", ".pth", ".bin")
_TENSORS_ALONE = "Save the tensors alone: torch.save(model.state_dict(), path), or safetensors."
# What broken bytes make zipfile, torch's unpickler and its tensor rebuilding raise.
_DAMAGE = (
    zipfile.BadZipFile,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)


def read_checkpoint(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, Tensor]:
    """The tensors of a checkpoint file by name, on the CPU, in the dtype of the file.

    Everything a safetensors header claims is checked against the file before memory is set aside, and the
    data are read into memory rather than mapped: a mapped file that is cut short later takes the process
    down. Of a PyTorch file only the zip format is read, uncompressed as ``torch.save`` writes it, and a
    dictionary wrapped as ``{"state_dict": ...}`` is unwrapped. Names are left as they are.

    Args:
        path: file ending in .safetensors, .pt, .pth or .bin. Symbolic links are followed, as the Hugging Face
            cache is made of them, but must end at a regular file.
        max_bytes: largest file, and largest sum of tensor sizes, in bytes.
    Raises: CheckpointError if the file is absent, not a regular file, too large, damaged, or holds
        something other than tensors.
    """
    label, suffix = _label(path), Path(path).suffix.lower()
    if suffix != _SAFETENSORS_SUFFIX and suffix not in _TORCH_SUFFIXES:
        kinds = ", ".join((_SAFETENSORS_SUFFIX, *_TORCH_SUFFIXES))
        raise CheckpointError(f"{label} is of no kind that is read here: expected {kinds}.")
    with _opened(path, max_bytes) as stream:
        if suffix == _SAFETENSORS_SUFFIX:
            return _read_safetensors(stream, label)
        return _read_torch(stream, label, max_bytes)


def read_metadata(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, str]:
    """The metadata of a safetensors file, such as the recipe an edited checkpoint was made with.

    Raises: CheckpointError if the file is absent, not a regular file, too large or damaged.
    """
    with _opened(path, max_bytes) as stream:
        return _read_header(stream, _label(path)).metadata


def read_shapes(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a safetensors file by name; the tensors themselves are not read.

    Raises: CheckpointError if the file is absent, not a regular file, too large or damaged.
    """
    with _opened(path, max_bytes) as stream:
        return {entry.name: entry.shape for entry in _read_header(stream, _label(path)).entries}


def compare(
    reference: Mapping[str, Tensor], candidate: Mapping[str, Tensor], model: str = "pretrained model"
) -> None:
    """Check that a checkpoint is one of the chosen model: same names, same shapes, finite weights.

    The floating-point dtype may differ. Reads every weight once.

    Args:
        reference: parameters of the chosen model.
        candidate: what was read.
        model: what to call the chosen model in the message.
    Raises: CheckpointError that names what is missing, unexpected, of another shape, no floating-point
        numbers, NaN or infinite, or says that the number of blocks differs; its `mismatches` has all of
        them, the text the first few of a kind.
    """
    depth, expected_depth = _num_blocks(candidate), _num_blocks(reference)
    blocks: list[str] = []
    if depth is not None and expected_depth is not None and depth != expected_depth:
        blocks = [f"{depth} blocks, the chosen {model} has {expected_depth}: pick the model it was made from"]
    missing = [name for name in reference if name not in candidate]
    unexpected = [name for name in candidate if name not in reference]
    shapes, dtypes, values = [], [], []
    for name, tensor in candidate.items():
        if name not in reference:
            continue
        if tensor.shape != reference[name].shape:
            shapes.append(f"{name} is {tuple(tensor.shape)}, expected {tuple(reference[name].shape)}")
        elif tensor.dtype not in _WEIGHT_DTYPES:
            dtypes.append(f"{name} is {_short(tensor.dtype)}, expected a floating-point type")
        elif not bool(tensor.isfinite().all()):
            values.append(f"{name} holds NaN or infinity")
    hint = _prefix_hint(reference, candidate) if missing and unexpected else ""
    kinds = {
        "": blocks,
        "missing: ": missing,
        "unexpected: ": unexpected,
        "wrong shape: ": shapes,
        "wrong dtype: ": dtypes,
        "not finite: ": values,
    }
    found = [f"{kind}{_first(entries)}" for kind, entries in kinds.items() if entries]
    if found:
        raise CheckpointError(
            f"The checkpoint does not fit the chosen {model}: {'; '.join(found)}.{hint}",
            tuple(f"{kind}{entry}" for kind, entries in kinds.items() for entry in entries),
        )


def save_checkpoint(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors to a safetensors file: to a file beside it first, then renamed, so none is half written.

    Args:
        path: ends in .safetensors; an existing file is replaced.
        tensors: by name; views and tied weights are written out in full.
        metadata: text by key, such as the recipe.
    Raises: CheckpointError if the name ends otherwise, there is no folder for it, there is nothing to save,
        or the metadata are not text.
    """
    target = Path(path)
    if target.suffix != _SAFETENSORS_SUFFIX:
        raise CheckpointError(f"{target.name} must end in {_SAFETENSORS_SUFFIX}; nothing else is written.")
    if not target.parent.is_dir():
        raise CheckpointError(f"No folder {target.parent} to write {target.name} to.")
    if not tensors:
        raise CheckpointError("Nothing to save: no tensors were given.")
    metadata = dict(metadata or {})
    if not all(isinstance(text, str) for item in metadata.items() for text in item):
        raise CheckpointError(f"Metadata must be text by text key, got {metadata}.")
    # its own memory for each, since the format has no way to say that two tensors share theirs
    apart = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    partial = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        safetensors.torch.save_file(apart, partial, metadata)
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


class _Entry(NamedTuple):
    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


class _Header(NamedTuple):
    entries: list[_Entry]
    metadata: dict[str, str]
    num_bytes: int


def _opened(path: str | os.PathLike[str], max_bytes: int) -> BinaryIO:
    """The file, opened for reading once it is known to be a regular one of a size that is allowed."""
    label = _label(path)
    try:
        resolved = Path(path).resolve(strict=True)
        # The kind is asked of the open file, not of its name, and opening does not wait for a pipe's writer.
        flags = (
            os.O_RDONLY
            | getattr(os, "O_NONBLOCK", 0)
            | getattr(os, "O_NOFOLLOW", 0)
            | getattr(os, "O_BINARY", 0)
        )
        descriptor = os.open(resolved, flags)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no file {os.fspath(path)}.") from error
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # no permission; a circle of links; a NUL in the name
        raise CheckpointError(f"{label} cannot be opened: {error}.") from error
    status = os.fstat(descriptor)
    problem = None
    if not stat.S_ISREG(status.st_mode):
        problem = "is not a regular file: give the checkpoint itself"
    elif status.st_size > max_bytes:
        problem = f"has {status.st_size:,} bytes, more than the {max_bytes:,} allowed"
    elif status.st_size == 0:
        problem = "is empty: fetch it again"
    if problem:
        os.close(descriptor)
        raise CheckpointError(f"{label} {problem}.")
    return os.fdopen(descriptor, "rb")


def _read_safetensors(stream: BinaryIO, label: str) -> dict[str, Tensor]:
    header = _read_header(stream, label)
    data = bytearray(header.num_bytes)
    if stream.readinto(data) != len(data):  # type: ignore[attr-defined]  # of every binary stream open() gives
        raise _damaged(label, "it became shorter while it was read")
    return {entry.name: _tensor(data, entry) for entry in header.entries}


def _tensor(data: bytearray, entry: _Entry) -> Tensor:
    """A view into the data; a copy where they are not aligned, or bytes have to become truth values."""
    if entry.dtype is torch.bool:
        return torch.frombuffer(data[entry.begin : entry.end], dtype=torch.uint8).ne(0).view(entry.shape)
    if entry.begin % entry.dtype.itemsize:
        return torch.frombuffer(data[entry.begin : entry.end], dtype=entry.dtype).view(entry.shape)
    flat = torch.frombuffer(data, dtype=entry.dtype, count=prod(entry.shape), offset=entry.begin)
    return flat.view(entry.shape)


def _read_header(stream: BinaryIO, label: str) -> _Header:
    """Where each tensor lies, once the claims agree with each other and with the size of the file."""
    size = os.fstat(stream.fileno()).st_size
    start = stream.read(8)
    if start.startswith(b"PK\x03\x04"):
        raise CheckpointError(f"{label} is a PyTorch file by its content: name it .pt.")
    if len(start) < 8:
        raise _damaged(label, "it ends before its header")
    length = int.from_bytes(start, "little")
    if length > min(_MAX_HEADER, size - 8):
        raise _damaged(label, f"its header claims {length:,} bytes, the file has {size:,}")
    try:
        claims = json.loads(stream.read(length).decode("utf-8"), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise _damaged(label, f"its header cannot be parsed ({error})") from error
    if not isinstance(claims, dict):
        raise _damaged(label, "its header is not a table of tensors")
    metadata = claims.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise _damaged(label, "its metadata are not text")
    if not claims:
        raise CheckpointError(f"{label} holds no tensors.")
    if len(claims) > _MAX_TENSORS:
        raise CheckpointError(
            f"{label} claims {len(claims):,} tensors, more than the {_MAX_TENSORS:,} allowed."
        )
    num_bytes = size - 8 - length
    entries = sorted(
        (_entry(name, claim, label) for name, claim in claims.items()), key=lambda entry: entry.begin
    )
    for first, second in pairwise(entries):
        if second.begin != first.end:
            what = "overlap" if second.begin < first.end else "leave a gap"
            raise _damaged(label, f"the data of {first.name!r} and {second.name!r} {what}")
    if entries[0].begin != 0 or entries[-1].end != num_bytes:
        raise _damaged(
            label,
            f"tensors claim bytes {entries[0].begin:,} to {entries[-1].end:,}, the file has {num_bytes:,}",
        )
    return _Header(entries, metadata, num_bytes)


def _entry(name: str, claim: object, label: str) -> _Entry:
    _check_name(name, label)
    match claim:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [begin, end], **rest} if not rest:
            numbers = [*shape, begin, end]
        case _:
            raise _damaged(label, f"the entry of {name!r} is malformed")
    if dtype not in _DTYPES:
        raise CheckpointError(f"{label}: {name!r} is of dtype {dtype[:20]!r}; read are {', '.join(_DTYPES)}.")
    if any(type(number) is not int or number < 0 for number in numbers):
        raise _damaged(label, f"the shape or place of {name!r} is not made of whole numbers from 0")
    if 0 in shape or len(shape) > _MAX_DIMENSIONS:
        raise CheckpointError(
            f"{label}: {name!r} has no elements, or more than {_MAX_DIMENSIONS} dimensions."
        )
    if prod(shape) * _DTYPES[dtype].itemsize != end - begin:
        raise _damaged(label, f"{name!r} of shape {shape} in {dtype} does not fill its {end - begin} bytes")
    return _Entry(name, _DTYPES[dtype], tuple(shape), begin, end)


def _without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name occurs twice")
    return table


def _read_torch(stream: BinaryIO, label: str, max_bytes: int) -> dict[str, Tensor]:
    if stream.read(4) != b"PK\x03\x04":
        raise CheckpointError(
            f"{label} is not a PyTorch zip file: it is damaged, or older than PyTorch 1.6 and only a pickle. "
            "Open it where you trust it and save it again with torch.save."
        )
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            records = archive.infolist()
    except _DAMAGE as error:
        raise _damaged(label, str(error)) from error
    if any(record.filename.endswith("/constants.pkl") for record in records):
        raise CheckpointError(f"{label} is a TorchScript program, not a checkpoint. {_TENSORS_ALONE}")
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise _damaged(label, "it is compressed, which torch.save never does")
    if sum(record.file_size for record in records) > max_bytes:
        raise CheckpointError(f"{label} unpacks to more than the {max_bytes:,} bytes allowed.")
    stream.seek(0)
    try:
        content = torch.load(stream, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # its text advises weights_only=False, which nobody should follow
        refused = re.search(r"GLOBAL (\S+) (?:was not an allowed global|whose module)", str(error))
        what = f"holds a pickled {refused[1]}" if refused else "is damaged, or holds a pickled object"
        raise CheckpointError(
            f"{label} {what}, which could run code when opened. {_TENSORS_ALONE}"
        ) from error
    except _DAMAGE as error:
        reason = str(error).splitlines()
        raise _damaged(label, reason[0] if reason else type(error).__name__) from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{label} holds a {type(content).__name__}, not tensors by name. {_TENSORS_ALONE}"
        )
    if not content:
        raise CheckpointError(f"{label} holds no tensors.")
    return _plain_tensors(content, label, max_bytes)


def _plain_tensors(content: Mapping[Any, Any], label: str, max_bytes: int) -> dict[str, Tensor]:
    """The entries, once each is a dense tensor under a text name, and no larger than its stored bytes.

    A tensor may repeat one stored number along strides of zero, so a small file can claim terabytes.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in content.items():
        _check_name(name, label)
        if type(value) not in (Tensor, nn.Parameter) or value.layout != torch.strided or value.is_quantized:
            raise CheckpointError(
                f"{label}: {name!r} is not a plain tensor but {type(value).__name__}. {_TENSORS_ALONE}"
            )
        tensor = value.detach()
        if (
            tensor.device.type != "cpu"
            or tensor.numel() * tensor.itemsize > tensor.untyped_storage().nbytes()
        ):
            raise _damaged(label, f"{name!r} claims more numbers than are stored")
        tensors[name] = tensor
    if sum(tensor.numel() * tensor.itemsize for tensor in tensors.values()) > max_bytes:
        raise CheckpointError(f"{label} claims more than the {max_bytes:,} bytes allowed.")
    return tensors


def _check_name(name: object, label: str) -> None:
    """Names end up in messages and on a page, so what cannot be shown there is no name."""
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= _MAX_NAME:
        raise CheckpointError(f"{label}: names are printable text, found {name!r:.80}.")


def _num_blocks(tensors: Mapping[str, Tensor]) -> int | None:
    """L, or None where the names do not say."""
    try:
        return block_indices(tensors)[0]
    except LayerError:
        return None


def _prefix_hint(reference: Mapping[str, Tensor], candidate: Mapping[str, Tensor]) -> str:
    for given, wanted in (("model.", ""), ("module.", ""), ("", "visual."), ("visual.", "")):
        renamed = {wanted + name.removeprefix(given) for name in candidate if name.startswith(given)}
        if renamed == set(reference):
            return f" The names would fit with {wanted!r} in place of the prefix {given!r}."
    return ""


def _first(entries: Sequence[str], most: int = 5) -> str:
    return ", ".join(entries[:most]) + (f" and {len(entries) - most} more" if len(entries) > most else "")


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _label(path: str | os.PathLike[str]) -> str:
    return Path(path).name or os.fspath(path)


def _damaged(label: str, why: str) -> CheckpointError:
    return CheckpointError(f"{label} is damaged: {why}. Fetch it again.")
