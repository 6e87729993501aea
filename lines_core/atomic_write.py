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
    """Call ``write`` with a temporary path beside ``path``, then rename: readers see the whole file or none.

    The content is flushed to disk before the rename, so this holds for a power cut too. Temporary files that
    killed writers left behind are removed. Several processes may write the same file at once; the last wins.

    Raises: OSError, or whatever ``write`` raises; no temporary file is left then.
    """
    part = _part(path)
    try:
        write(part)
        _flush(part)
        os.replace(part, path)
    except FileNotFoundError:
        if not path.exists():  # another process finished first and removed ours as a leftover
            raise
    finally:
        part.unlink(missing_ok=True)
    for leftover in path.parent.glob(f"{glob.escape(path.name)}.{'[0-9a-f]' * 2 * _TOKEN_BYTES}{_SUFFIX}"):
        with suppress(OSError):  # another user's, or still open on Windows
            leftover.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raises: OSError if ``atomic_write`` could not begin to write this file; makes its folder."""
    part = _part(path)
    part.touch()
    part.unlink()


def _part(path: Path) -> Path:
    """A temporary path beside a file, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{path.name}.{secrets.token_hex(_TOKEN_BYTES)}{_SUFFIX}")


def _flush(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
