"""Atomic file writes: a temporary file beside the target, flushed, then renamed."""

import glob
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_TOKEN_BYTES = 8
_SUFFIX = ".part"


def atomic_write(path: Path, write: Callable[[Path], object]) -> None:
    """Have ``write`` write a file beside ``path``, then rename it: a reader sees all of it or nothing.

    It is on the disk before it has its name, so this holds for a power cut too. What writers that were killed
    have left of the same file is removed. Any number of processes may write it at once; one of them is last.

    Raises: OSError, or whatever ``write`` raises; nothing is left behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(_TOKEN_BYTES)}{_SUFFIX}")
    try:
        write(part)
        _flush(part)
        os.replace(part, path)
    except FileNotFoundError:
        if not path.exists():  # else another process was first, and took ours for a leftover
            raise
    finally:
        part.unlink(missing_ok=True)
    for left in path.parent.glob(f"{glob.escape(path.name)}.{'[0-9a-f]' * 2 * _TOKEN_BYTES}{_SUFFIX}"):
        with suppress(OSError):  # another's, or still open on Windows
            left.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
