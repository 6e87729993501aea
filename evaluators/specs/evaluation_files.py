"""Files of evaluations that ship: a list in JSON, or the same packed by gzip where its name ends in ".gz"."""

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lines_core.atomic_write import atomic_write


def read_entries(path: Path) -> list[dict[str, Any]]:
    """The evaluations as plain values. Raises: ValueError if the file is damaged; OSError."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(str(error)) from error
    entries: list[dict[str, Any]] = json.loads(content)
    return entries


def save_packed_entries(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """Write the evaluations, packed; the same values give the same bytes."""
    content = json.dumps([*entries], separators=(",", ":")).encode()
    atomic_write(path, lambda part: part.write_bytes(gzip.compress(content, 9, mtime=0)))
