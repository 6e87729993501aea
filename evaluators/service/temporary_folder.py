"""Temporary folders that are deleted with the object they belong to, or at the end of the process."""

import atexit
import shutil
import tempfile
import weakref
from pathlib import Path


def temporary_folder(kind: str, owner: object = None) -> Path:
    """A new empty folder in the system's folder for temporary files, readable by this user only.

    Args:
        kind: part of its name.
        owner: the folder is deleted once this is no longer referenced; None for the end of the process.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"lines-{kind}-"))
    if owner is None:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    else:
        weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return folder
