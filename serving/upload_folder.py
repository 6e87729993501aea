"""What visitors have uploaded, as it lies on disk: how much there is, and who deletes it.

Gradio puts uploads, and copies of what the page hands out, into one folder and leaves them there.
"""

import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def room(folder: Path) -> tuple[int, int]:
    """Bytes that lie in the folder, and bytes that are free on its disk."""
    there = folder
    while not there.exists():
        there = there.parent
    stored = sum(status.st_size for _, status in _entries(folder) if not stat.S_ISDIR(status.st_mode))
    return stored, shutil.disk_usage(there).free


def _entries(folder: Path) -> list[tuple[Path, Any]]:
    """All files and folders below a folder with what the system says of them, deepest first.

    Links are entries themselves, never followed. What goes away meanwhile is left out.
    """
    found: list[tuple[Path, Any]] = []
    try:
        names = list(folder.iterdir())
    except OSError:
        return found
    for path in names:
        try:
            status = path.lstat()
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            found += _entries(path)
        found.append((path, status))
    return found


class UploadSweeper:
    """Deletes what was uploaded and not used for a while, whatever the clock on the wall does.

    A file is old when it has been seen unchanged for so long by the monotonic clock; the time that is
    written on it only says whether it changed. So a jump of the system's clock deletes nothing early and
    keeps nothing for ever, and what an earlier process left behind gets its whole time once more.

    Args:
        folder: that Gradio uses for uploads and for files it hands out.
        seconds: that a file may lie there untouched.
        clock: seconds that only grow.
    """

    def __init__(
        self, folder: Path, seconds: float = 900.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[Path, tuple[tuple[int, ...], float]] = {}

    def sweep(self) -> int:
        """Delete what is old, with the folders that are left empty. Returns: files deleted."""
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
    """Delete a file or an empty folder; False where that is not possible, as for a folder in use."""
    try:
        path.rmdir() if stat.S_ISDIR(status.st_mode) else path.unlink()
    except OSError:
        return False
    return True
