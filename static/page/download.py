"""The list of the site's files, of which the browser makes the archive that visitors take along."""

from __future__ import annotations

import json
from pathlib import Path

from static.page.offline import PAGE, WORKER, digests

LIST = "data/files.json"
ARCHIVE = "lines-explorer.zip"
ROOT = "lines-explorer"
"""Folder inside the archive."""


def write_list(folder: Path) -> int:
    """Write the list into a site that has all its files but the page and its service worker.

    In it each path has its size in bytes and its SHA-256. The list, the page and the worker, which are not
    there yet, have 0 and none; so have no digest the files that the page never asks for, such as notices:
    whoever offers the site may edit them.
    Returns: bytes of all files.
    Raises: OSError if the list cannot be written.
    """
    listed = digests(folder)
    here = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
    names = dict.fromkeys((*(path.relative_to(folder).as_posix() for path in here), LIST, PAGE, WORKER))
    sizes = {name: (folder / name).stat().st_size for name in names if (folder / name).is_file()}
    files = {name: [sizes.get(name, 0), listed.get(name)] for name in names}
    (folder / LIST).write_text(json.dumps(files), encoding="utf-8")
    return sum(sizes.values())
