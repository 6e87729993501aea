"""Per-process temporary directories in a cache that several processes share.

Each process has one directory and a lock file beside it. The system releases the lock when the process ends,
so the next process that starts can tell which directories were left behind by a crash, and deletes them.
"""

import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from evaluators.errors import LabError

LOCK = ".lock"
STARTUP_LOCK = "starting" + LOCK
"""Held while a directory is created, and while abandoned ones are deleted: never both at once."""
_TOKEN = re.compile("[0-9a-f]{32}")


class ProcessFolders:
    """The directory of this process, with a subdirectory for each session. Not thread-safe.

    Args:
        home: parent of the directories of all processes.
    Attributes:
        folder: this process's own, created with its first subdirectory.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self.folder = home / secrets.token_hex(16)
        self._lock = _file_lock(self.folder.with_suffix(LOCK))
        with suppress(OSError):  # a cache that cannot be written to has nothing to delete
            if home.is_dir():
                self._delete_abandoned()

    def new(self) -> Path:
        """A new subdirectory with a random name. Raises: LabError if it cannot be created."""
        folder = self.folder / secrets.token_hex(16)
        try:
            if not self._lock.is_locked:
                self._create()
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise LabError(
                f"The folder for visitors' checkpoints cannot be created: {error.strerror or error}. Free "
                "some space, or start the app with another --cache."
            ) from error
        return folder

    def close(self) -> None:
        """Delete the directory and its lock file."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock.is_locked:
            self._lock.release()
            with suppress(OSError):
                self.folder.with_suffix(LOCK).unlink(missing_ok=True)

    def _create(self) -> None:
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _file_lock(self._home / STARTUP_LOCK):
            self._lock.acquire()
            self.folder.mkdir(mode=0o700)

    def _delete_abandoned(self) -> None:
        """Delete the directories of processes that ended without ``close``."""
        with _file_lock(self._home / STARTUP_LOCK):
            for token in {path.stem for path in self._home.iterdir() if _TOKEN.fullmatch(path.stem)}:
                lock = _file_lock(self._home / (token + LOCK))
                with suppress(Timeout), lock.acquire(timeout=0):
                    shutil.rmtree(self._home / token, ignore_errors=True)
                    (self._home / (token + LOCK)).unlink()


def _file_lock(path: Path) -> FileLock:
    """A lock file of this process: any of its threads may release it."""
    return FileLock(path, mode=0o600, thread_local=False)
