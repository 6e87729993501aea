"""Upload folder: its size, and deletion of unused files.

Gradio stores uploads, and copies of files it offers, in one folder and never deletes them.
"""

import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def stored_and_free_bytes(folder: Path) -> tuple[int, int]:
    """Size of all files in the folder, and free space on its disk. The folder need not exist."""
    existing = folder
    while not existing.exists():
        existing = existing.parent
    stored = sum(status.st_size for _, status in _entries(folder) if not stat.S_ISDIR(status.st_mode))
    return stored, shutil.disk_usage(existing).free


def _entries(folder: Path) -> list[tuple[Path, Any]]:
    """All files and folders below a folder with their ``lstat``, deepest first.

    Links are entries themselves, never followed. Files that disappear during the scan are left out.
    """
    entries: list[tuple[Path, Any]] = []
    try:
        names = list(folder.iterdir())
    except OSError:
        return entries
    for path in names:
        try:
            status = path.lstat()
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            entries += _entries(path)
        entries.append((path, status))
    return entries


class UploadSweeper:
    """Deletes uploads that have not been used for a while.

    A file expires once it has been unchanged for so many seconds of the monotonic clock; its modification
    time only shows whether it changed. So a jump of the system clock neither deletes a file early nor keeps
    it for ever. Files of an earlier process expire that long after the first sweep.

    Args:
        folder: where Gradio stores uploads and files it offers.
        seconds: how long an unchanged file is kept.
        clock: monotonic seconds.
    """

    def __init__(
        self, folder: Path, seconds: float = 900.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[Path, tuple[tuple[int, ...], float]] = {}

    def sweep(self) -> int:
        """Delete expired files and empty folders. Returns: number of files deleted."""
        now, deleted = self._clock(), 0
        seen: dict[Path, tuple[tuple[int, ...], float]] = {}
        for path, status in _entries(self._folder):
            state = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            before = self._seen.get(path)
            since = now if before is None or before[0] != state else before[1]
            if now - since < self._seconds or not _removed(path, status):
                seen[path] = (state, since)
            elif not stat.S_ISDIR(status.st_mode):
                deleted += 1
        self._seen = seen
        return deleted


def _removed(path: Path, status: Any) -> bool:
    """Delete a file or an empty folder; False if that fails, as for a folder in use."""
    try:
        path.rmdir() if stat.S_ISDIR(status.st_mode) else path.unlink()
    except OSError:
        return False
    return True
