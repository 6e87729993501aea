"""Folders that go with the process which made them, among those of other processes on the same cache.

Each process has one folder and a lock file beside it, which the system lets go of with the process. What a
process left behind that did not close is deleted by the next one that starts.
"""

import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evaluators.errors import LabError

if sys.platform != "win32":  # there, what a crash left behind stays
    import fcntl

LOCK = ".lock"
_STARTING = "starting"
_TOKEN = re.compile("[0-9a-f]{32}")


class ProcessFolders:
    """The folder of this process, with a room in it for each who asks. Not to be shared between threads.

    Args:
        home: where the folders of all processes are.
    Attributes:
        folder: this process's own, made with its first room.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self.folder = home / secrets.token_hex(16)
        self._lock: int | None = None
        with suppress(OSError):  # nobody to sweep after on a cache that cannot be written to, or even read
            if home.is_dir():
                self._sweep()

    def new(self) -> Path:
        """A new folder nobody can guess. Raises: LabError if the disk does not take it."""
        room = self.folder / secrets.token_hex(16)
        try:
            if self._lock is None:
                self._open()
            room.mkdir(mode=0o700)
        except OSError as error:
            raise LabError(
                f"There is no place for checkpoints of visitors: {error.strerror or error}. Make room, or "
                "start the app with another --cache."
            ) from error
        return room

    def close(self) -> None:
        """Delete the folder, and show others that nobody lives here."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            self.folder.with_suffix(LOCK).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def _open(self) -> None:
        """Make the folder and lock it, unseen by the sweep of another process that starts now."""
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _held(self._home / (_STARTING + LOCK)):
            lock = _opened(self.folder.with_suffix(LOCK))
            _locked(lock, wait=True)
            self.folder.mkdir(mode=0o700)
        self._lock = lock

    def _sweep(self) -> None:
        """Delete the folders of processes that are gone without having closed."""
        if sys.platform == "win32":
            return
        with _held(self._home / (_STARTING + LOCK)):
            for token in {path.stem for path in self._home.iterdir() if _TOKEN.fullmatch(path.stem)}:
                lock = self._home / (token + LOCK)
                with _held(lock, wait=False) as held:
                    if held:
                        shutil.rmtree(self._home / token, ignore_errors=True)
                        lock.unlink()


@contextmanager
def _held(path: Path, wait: bool = True) -> Iterator[bool]:
    """Hold a lock file while the block runs; the block is told whether it is held, where it does not wait."""
    lock = _opened(path)
    try:
        yield _locked(lock, wait)
    finally:
        os.close(lock)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _locked(lock: int, wait: bool) -> bool:
    """Lock an open file for as long as it is open; False if it is another's and ``wait`` is not set."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
