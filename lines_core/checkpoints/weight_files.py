"""One set of named weights in one or several safetensors files, read a tensor at a time.

A model larger than memory lies in a folder of shards, whose index says which file has which name. All headers
are checked before the first weight is read; nothing is mapped, since a mapped file that is truncated later
crashes the process.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import torch
from torch import Tensor

from lines_core.checkpoints.limits import check_name, damaged, label_of
from lines_core.checkpoints.opening import filled, opened
from lines_core.checkpoints.safetensors_files import CONVERT, Entry, read_header
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import excerpt, first_names, quoted

SUFFIX = ".safetensors"
INDEX_SUFFIX = ".safetensors.index.json"
MAX_SET_BYTES = 4 << 40
"""Largest set read by default; a model of 70e9 weights has 140 GB in half precision."""
MAX_INDEX = 16 << 20
"""Bytes of an index; that of a model of 70e9 weights has 60 kB."""
MAX_SHARDS = 2_000
PICKLES = (".bin", ".pt", ".pth", ".ckpt")


class WeightFiles(Mapping[str, Tensor]):
    """The weights by name, in the order of the files; looking one up reads it from disk.

    At most one file is open at a time. Thread-safe; a lookup waits for another one that reads.

    Args:
        path: a .safetensors file; an index (``*.safetensors.index.json``); or a folder that has one of them.
        max_bytes: largest sum of the files' sizes.
    Attributes:
        path: as given.
        entries: name, dtype and shape of each tensor, by name.
        shards: names of the tensors in each file, by file name, in the order of their data.
        metadata: of the first file, text by key.
        index: the index's name, None for a single file.
        stamps: size, time of change and inode of each file, by file name.
    Raises: CheckpointError if a file is absent, damaged, of another format or too large, or if the index and
        the files disagree. Nothing but headers has been read then.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = MAX_SET_BYTES) -> None:
        self.path = Path(path)
        chosen = _weights_in(self.path) if os.path.isdir(self.path) else self.path
        self.folder = chosen.parent
        self.index = chosen.name if chosen.name.endswith(INDEX_SUFFIX) else None
        if self.index is not None:
            by_shard = _read_index(chosen)
        elif chosen.suffix.lower() == SUFFIX:
            by_shard = {chosen.name: None}
        else:
            raise CheckpointError(
                f"{label_of(chosen)} is no {SUFFIX} file, nor an index of such files or a folder with them. "
                f"{CONVERT}."
            )
        entries: dict[str, Entry] = {}
        shards: dict[str, tuple[str, ...]] = {}
        self.stamps: dict[str, tuple[int, int, int]] = {}
        self._starts: dict[str, int] = {}
        self._shard_of: dict[str, str] = {}
        self.metadata: dict[str, str] = {}
        for shard, expected in by_shard.items():
            with opened(self.folder / shard, max_bytes) as stream:
                header = read_header(stream, label_of(shard))
                self.stamps[shard] = _stamp(stream)
                self._starts[shard] = stream.tell()
            names = tuple(entry.name for entry in header.entries)
            if expected is not None:
                _check_agreement(shard, expected, set(names))
            self.metadata = self.metadata or header.metadata
            shards[shard] = names
            entries |= {entry.name: entry for entry in header.entries}
            self._shard_of |= dict.fromkeys(names, shard)
            max_bytes -= self.stamps[shard][0]
        self.entries: Mapping[str, Entry] = MappingProxyType(entries)
        self.shards: Mapping[str, tuple[str, ...]] = MappingProxyType(shards)
        self._lock = threading.Lock()
        self._open: tuple[str, BinaryIO] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of the files and of the data in them."""
        return tuple(self.entries)

    def read(self, name: str) -> Tensor:
        """One tensor on the CPU, in the dtype of the file; its memory belongs to it alone.

        Raises: KeyError for an unknown name; CheckpointError if its file was changed since it was checked.
        """
        entry = self.entries[name]
        try:
            data = bytearray(entry.end - entry.begin)
        except MemoryError as error:
            raise CheckpointError(f"{quoted(name)} does not fit into free memory.") from error
        self.read_part(name, 0, memoryview(data))
        return as_tensor(data, entry.dtype).view(entry.shape)

    def read_part(self, name: str, offset: int, out: memoryview) -> None:
        """Fill ``out`` with the bytes of one tensor from ``offset``.

        Raises: KeyError and CheckpointError as ``read``; ValueError if the tensor ends before.
        """
        entry, shard = self.entries[name], self._shard_of[name]
        if not 0 <= offset <= entry.end - entry.begin - len(out):
            raise ValueError(f"{name!r} has no {len(out)} bytes from {offset}.")
        with self._lock:
            stream = self._stream(shard)
            try:
                if not filled(stream, self._starts[shard] + entry.begin + offset, out):
                    raise damaged(label_of(shard), "it was truncated while it was read")
            except OSError as error:
                raise CheckpointError(f"{label_of(shard)} cannot be read: {excerpt(str(error))}.") from error

    def close(self) -> None:
        """Close the file that is open; a later lookup opens it again."""
        with self._lock:
            self._close()

    def __getitem__(self, name: str) -> Tensor:
        return self.read(name)

    def __contains__(self, name: object) -> bool:
        return name in self.entries  # without reading it, as a Mapping would

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __enter__(self) -> "WeightFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_open", None):
            self._close()

    def _close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def _stream(self, shard: str) -> BinaryIO:
        if self._open is not None and self._open[0] == shard:
            return self._open[1]
        self._close()
        stream = opened(self.folder / shard, MAX_SET_BYTES)
        if _stamp(stream) != self.stamps[shard]:
            stream.close()
            raise CheckpointError(f"{label_of(shard)} was changed while it was used: start again.")
        self._open = shard, stream
        return stream


def as_tensor(data: bytearray, dtype: torch.dtype) -> Tensor:
    """The bytes as a flat tensor that shares their memory; a copy if they are boolean."""
    if dtype is torch.bool:
        return torch.frombuffer(data, dtype=torch.uint8).ne(0)
    return torch.frombuffer(data, dtype=dtype)


def _weights_in(folder: Path) -> Path:
    """The index or the only safetensors file of a folder."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise CheckpointError(f"{label_of(folder)} cannot be opened: {excerpt(str(error), 300)}.") from error
    for suffix in (INDEX_SUFFIX, SUFFIX):
        found = [name for name in names if name.endswith(suffix) and not name.startswith(".")]
        if len(found) == 1:
            return folder / found[0]
        if found:
            advice = "their index is missing" if "-of-" in found[0] else "name the one that is meant"
            raise CheckpointError(f"{label_of(folder)} has {first_names(found)}: {advice}.")
    pickles = [name for name in names if name.endswith(PICKLES)]
    raise CheckpointError(
        f"{label_of(folder)} has no {SUFFIX} file"
        + (f", only {first_names(pickles)}. {CONVERT}." if pickles else ".")
    )


def _read_index(path: Path) -> dict[str, set[str] | None]:
    """Names by shard, shards in the order of the index; every shard is there."""
    label = label_of(path)
    with opened(path, MAX_INDEX) as stream:
        try:
            content = json.loads(stream.read().decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise damaged(label, f"it is no JSON ({error})") from error
    weight_map = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise damaged(label, "it has no table 'weight_map' of names and files")
    by_shard: dict[str, set[str] | None] = {}
    for name, shard in weight_map.items():
        check_name(name, label)
        if (
            not isinstance(shard, str)
            or not (shard.isascii() and shard.isprintable() and shard.endswith(SUFFIX))
            or any(character in shard for character in '/\\:*?"<>|')
            or len(shard) > 200
        ):
            raise damaged(
                label, f"{quoted(name)} is said to be in {quoted(shard)}, no {SUFFIX} file beside it"
            )
        names = by_shard.setdefault(shard, set())
        assert names is not None
        names.add(name)
    if len(by_shard) > MAX_SHARDS:
        raise CheckpointError(f"{label} names {len(by_shard):,} files, more than the {MAX_SHARDS:,} allowed.")
    absent = [shard for shard in by_shard if not os.path.exists(path.parent / shard)]
    if absent:
        lack = "1 of them is" if len(absent) == 1 else f"{len(absent)} of them are"
        raise CheckpointError(
            f"{label} names {len(by_shard)} files and {lack} missing: {first_names(absent)}. "
            f"Fetch {'it' if len(absent) == 1 else 'them'} too."
        )
    return by_shard


def _check_agreement(shard: str, expected: set[str], names: set[str]) -> None:
    """Raises: CheckpointError unless a file holds exactly the names that the index says."""
    for those, what in ((expected - names, "lacks"), (names - expected, "has more than the index says:")):
        if those:
            raise CheckpointError(
                f"{label_of(shard)} {what} {first_names(sorted(those))}: index and files are not of "
                "one model. Fetch them again."
            )


def _stamp(stream: BinaryIO) -> tuple[int, int, int]:
    status = os.fstat(stream.fileno())
    return status.st_size, status.st_mtime_ns, status.st_ino
