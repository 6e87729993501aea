"""Safe opening of untrusted files: regular files of limited size only."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from lines_core.checkpoints.limits import label_of
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import excerpt


def opened(path: str | os.PathLike[str], max_bytes: int) -> BinaryIO:
    """The file, opened for reading; regular and of allowed size.

    Raises: CheckpointError if it is absent, cannot be opened, not regular, too large or empty. Nothing of it
        has been read then.
    """
    label = label_of(path)
    try:
        resolved = Path(path).resolve(strict=True)
        # The type is checked on the open file, not on its name, and O_NONBLOCK does not wait for a pipe
        flags = (
            os.O_RDONLY
            | getattr(os, "O_NONBLOCK", 0)
            | getattr(os, "O_NOFOLLOW", 0)
            | getattr(os, "O_BINARY", 0)
        )
        descriptor = os.open(resolved, flags)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no file {excerpt(os.fspath(path))}.") from error
    # permission, long name; circular links; NUL or lone surrogate in the name
    except (OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{label} cannot be opened: {excerpt(str(error), 300)}.") from error
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


def read_into(stream: BinaryIO, offset: int, num_bytes: int) -> bytearray | None:
    """Bytes of the file from ``offset``; None if it ends before, such as when it is truncated meanwhile.

    Read into memory rather than mapped: a mapped file that becomes shorter crashes the process.
    """
    data = bytearray(num_bytes)
    return data if filled(stream, offset, memoryview(data)) else None


def filled(stream: BinaryIO, offset: int, view: memoryview) -> bool:
    """Fill ``view`` with bytes of the file from ``offset``; False if the file ends before."""
    stream.seek(offset)
    while view:
        count = stream.readinto(view)  # type: ignore[attr-defined]  # of every binary stream open() gives
        if not count:
            return False
        view = view[count:]
    return True
