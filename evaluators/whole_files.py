"""Files that are there whole or not at all, whatever happens while they are written."""

import glob
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_SUFFIX = ".part"


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have ``write`` write a file beside ``path``, then rename it: a reader sees all of it or nothing.

    It is on the disk before it has its name, so this holds for a power cut too. What writers that were killed
    have left of the same file is removed. Any number of processes may write the same content at once.

    Raises: OSError, or whatever ``write`` raises; nothing is left behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=_SUFFIX)
    os.close(handle)
    part = Path(name)
    try:
        write(part)
        _flush(part)
        os.replace(part, path)
    except FileNotFoundError:
        if not path.exists():  # else another process was first, and took ours for a leftover
            raise
    finally:
        part.unlink(missing_ok=True)
    for left in path.parent.glob(f"{glob.escape(path.name)}.*{_SUFFIX}"):
        with suppress(OSError):  # another's, or still open on Windows
            left.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
