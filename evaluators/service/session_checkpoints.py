"""Checkpoints that visitors add: private to one session, limited by a quota, deleted with the session.

The session's name comes from the client, so it is hashed and never used as a path. Ownership is checked on
every access: a checkpoint of another session looks like one that does not exist.
"""

import hashlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from evaluators.errors import LabError
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.service.process_folders import ProcessFolders
from lines_core.errors import LinesError

OnDelete = Callable[[str, LoadedCheckpoint], None]
"""Called with the model's key and a deleted checkpoint, to drop what is cached of it; must not raise."""


class QuotaError(LinesError):
    """A visitor's quota is used up; the text says how large it is, and what to do."""


@dataclass(frozen=True)
class SessionLimits:
    """Quota of visitors' checkpoints.

    Args:
        session_bytes: disk space of one session's checkpoints.
        session_count: number of one session's checkpoints.
        total_bytes: disk space of all sessions together.
        seconds: that a session's checkpoints stay after they were last used.
    """

    session_bytes: int = 4 * 10**9
    session_count: int = 4
    total_bytes: int = 16 * 10**9
    seconds: float = 7200.0


@dataclass
class _Session:
    """What one session has added.

    Args:
        folder: for its residuals.
        used: time of its last use.
        sizes: bytes by file; two tasks of one checkpoint share the file.
        reserved: bytes of each import under way.
        left: set when the session ends, to stop its imports.
    """

    folder: Path
    used: float
    checkpoints: dict[tuple[str, str], LoadedCheckpoint] = field(default_factory=dict)
    sizes: dict[Path, int] = field(default_factory=dict)
    reserved: list[int] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values()) + sum(self.reserved)

    @property
    def count(self) -> int:
        return len(self.checkpoints) + len(self.reserved)


class SessionCheckpoints:
    """The checkpoints of all sessions. Thread-safe.

    Args:
        folder: cache folder of the app; None for a temporary one.
        limits: quota.
        on_delete: called for each deleted checkpoint, outside of any lock.
    """

    def __init__(
        self, folder: Path | None, limits: SessionLimits | None = None, on_delete: OnDelete | None = None
    ) -> None:
        self.limits = limits or SessionLimits()
        self._on_delete = on_delete
        self._mutex = threading.Lock()
        self._sessions: dict[bytes, _Session] = {}
        self._folders = None if folder is None else ProcessFolders(folder / "sessions")
        self._temporary = folder is None

    def folder(self, session: str) -> Path:
        """The session's own folder, created on first use; readable by this user of the system only.

        Raises: LabError if it cannot be created.
        """
        with self._mutex:
            return self._open(session).folder

    @contextmanager
    def reserve(self, session: str, size: int) -> Iterator[threading.Event]:
        """Reserve quota for one more checkpoint before anything is written.

            with checkpoints.reserve(session, size) as left:
                ...  # write to checkpoints.folder(session) unless `left` is set, then checkpoints.add(...)

        The reservation ends with the block: by then the checkpoint itself counts.

        Args:
            size: of the checkpoint's residual in bytes.
        Yields: an event that is set once the session ends.
        Raises: QuotaError if the quota of the session or of all sessions is used up; LabError if the folder
            cannot be created.
        """
        self.expire()
        with self._mutex:
            self._check_quota(session, size)
            entry = self._open(session)
            entry.reserved.append(size)
        try:
            yield entry.left
        finally:
            self._end_reservation(session, entry, size)

    def add(self, session: str, model: str, checkpoint: LoadedCheckpoint, size: int) -> None:
        """Register a checkpoint whose residual lies in the session's folder; replaces one of the same key.

        Raises: LabError if the session has ended meanwhile; its residual is deleted then.
        """
        with self._mutex:
            entry = self._sessions.get(_digest(session))
            residual = checkpoint.residual
            if entry is None or residual.parent != entry.folder or not residual.is_file():
                self._delete_stray(residual.parent)
                raise LabError("The page was closed while the checkpoint was read: add it again.")
            entry.used = time.monotonic()
            entry.checkpoints[model, checkpoint.info.key] = checkpoint
            entry.sizes[residual] = size

    def of_model(self, session: str, model: str) -> tuple[LoadedCheckpoint, ...]:
        """The session's checkpoints of an encoder; ``use`` records that they are used."""
        with self._mutex:
            entry = self._sessions.get(_digest(session))
            if entry is None:
                return ()
            return tuple(loaded for (key, _), loaded in entry.checkpoints.items() if key == model)

    def use(self, session: str) -> None:
        """Record that a session uses its checkpoints, which then stay for another ``limits.seconds``."""
        with self._mutex:
            entry = self._sessions.get(_digest(session))
            if entry is not None:
                entry.used = time.monotonic()

    def leave(self, session: str) -> None:
        """Stop a session's imports and delete its checkpoints. A count under way keeps what it has mapped."""
        with self._mutex:
            entry = self._sessions.pop(_digest(session), None)
        if entry is not None:
            self._delete(entry)

    def expire(self) -> None:
        """Delete the checkpoints of sessions that have not used them for ``limits.seconds``."""
        now = time.monotonic()
        with self._mutex:
            expired = [
                digest
                for digest, entry in self._sessions.items()
                if now - entry.used > self.limits.seconds and not entry.reserved
            ]
            entries = [self._sessions.pop(digest) for digest in expired]
        for entry in entries:
            self._delete(entry)

    def close(self) -> None:
        """Delete everything; to be called when the server stops."""
        with self._mutex:
            entries = list(self._sessions.values())
            self._sessions.clear()
            folders = self._folders
            if self._temporary:
                self._folders = None
        for entry in entries:
            self._delete(entry)
        if folders is not None:
            folders.close()
            if self._temporary:
                shutil.rmtree(folders.folder.parent, ignore_errors=True)

    @property
    def count(self) -> int:
        """Checkpoints of all sessions."""
        with self._mutex:
            return sum(len(entry.checkpoints) for entry in self._sessions.values())

    @property
    def bytes(self) -> int:
        """Disk space of all sessions' checkpoints, reservations included."""
        with self._mutex:
            return self._total_bytes()

    def _total_bytes(self) -> int:
        return sum(entry.bytes for entry in self._sessions.values())

    def _check_quota(self, session: str, size: int) -> None:
        """Raises: QuotaError if one more checkpoint does not fit. Holds: the mutex."""
        limits, entry = self.limits, self._sessions.get(_digest(session))
        count, used = (0, 0) if entry is None else (entry.count, entry.bytes)
        if count >= limits.session_count:
            raise QuotaError(
                f"You have added {count} checkpoints of {limits.session_count}: reload the page to remove "
                "them."
            )
        if used + size > limits.session_bytes:
            raise QuotaError(
                f"This checkpoint takes {_gb(size)} and you have used {_gb(used)} of "
                f"{_gb(limits.session_bytes)}: reload the page to remove what you have added."
            )
        total = self._total_bytes()
        if total + size > limits.total_bytes:
            raise QuotaError(
                f"This checkpoint takes {_gb(size)} and visitors together have used {_gb(total)} of "
                f"{_gb(limits.total_bytes)}: try again later, or start the app on your own machine."
            )

    def _open(self, session: str) -> _Session:
        """The session's entry, created with a folder if there is none. Holds: the mutex."""
        digest = _digest(session)
        entry = self._sessions.get(digest)
        if entry is None:
            if self._folders is None:
                self._folders = ProcessFolders(Path(tempfile.mkdtemp(prefix="lines-sessions-")))
            entry = self._sessions[digest] = _Session(self._folders.new(), time.monotonic())
        entry.used = time.monotonic()
        return entry

    def _delete(self, entry: _Session) -> None:
        entry.left.set()
        shutil.rmtree(entry.folder, ignore_errors=True)
        if self._on_delete is not None:
            for (model, _), checkpoint in entry.checkpoints.items():
                self._on_delete(model, checkpoint)

    def _delete_stray(self, folder: Path) -> None:
        """Delete a folder that was written to after its session had ended; no other. Holds: the mutex."""
        in_use = any(entry.folder == folder for entry in self._sessions.values())
        if self._folders is not None and folder.parent == self._folders.folder and not in_use:
            shutil.rmtree(folder, ignore_errors=True)

    def _end_reservation(self, session: str, entry: _Session, size: int) -> None:
        """Release reserved quota; a session that has nothing else loses its folder."""
        digest = _digest(session)
        with self._mutex:
            entry.reserved.remove(size)
            empty = not entry.checkpoints and not entry.reserved
            if not empty or self._sessions.get(digest) is not entry:
                return
            del self._sessions[digest]
        self._delete(entry)


def _digest(session: str) -> bytes:
    """Fixed-length dictionary key of a session's name."""
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).digest()


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
