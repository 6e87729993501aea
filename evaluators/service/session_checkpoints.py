"""Checkpoints that visitors bring: each belongs to one session, counts against its share, and goes with it.

A session's name is the client's word: it names nothing on disk. Whose checkpoint it is decides here, on every
look; what a session does not have, it cannot tell from what does not exist.
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
from evaluators.hub.checkpoint_import import LoadedCheckpoint
from evaluators.service.process_folders import ProcessFolders
from lines_core.errors import LinesError

Forgotten = Callable[[str, LoadedCheckpoint], None]
"""Told the model's key and a checkpoint that is gone, to let go of what is kept of it; must not raise."""


class QuotaError(LinesError):
    """A visitor has brought as much as there is room for; the text says how much that is, and what to do."""


@dataclass(frozen=True)
class SessionLimits:
    """How much visitors may bring.

    Args:
        session_bytes: of one session's checkpoints on disk.
        session_count: of one session's checkpoints.
        total_bytes: of all sessions' together.
        seconds: that a session's checkpoints stay after they were last used.
    """

    session_bytes: int = 4 * 10**9
    session_count: int = 4
    total_bytes: int = 16 * 10**9
    seconds: float = 7200.0


@dataclass
class _Session:
    """What one session has."""

    room: Path
    used: float
    checkpoints: dict[tuple[str, str], LoadedCheckpoint] = field(default_factory=dict)
    sizes: dict[Path, int] = field(default_factory=dict)  # two tasks of one file share its residual
    promised: list[int] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values()) + sum(self.promised)

    @property
    def count(self) -> int:
        return len(self.checkpoints) + len(self.promised)


class SessionCheckpoints:
    """The checkpoints of all sessions. Any method may be called from any thread.

    Args:
        folder: of the app's cache; None for a temporary one.
        limits: how much visitors may bring.
        forgotten: told what is gone, outside of any lock.
    """

    def __init__(
        self, folder: Path | None, limits: SessionLimits | None = None, forgotten: Forgotten | None = None
    ) -> None:
        self.limits = limits or SessionLimits()
        self._forgotten = forgotten
        self._mutex = threading.Lock()
        self._sessions: dict[bytes, _Session] = {}
        self._rooms = None if folder is None else ProcessFolders(folder / "guests")
        self._temporary = folder is None

    # What a session brings

    def room(self, session: str) -> Path:
        """The session's own folder, made when first asked for; nobody else of the system can look into it.

        Raises: LabError if the disk does not take it.
        """
        with self._mutex:
            return self._guest(session).room

    @contextmanager
    def admit(self, session: str, size: int) -> Iterator[None]:
        """Promise a session room for one more checkpoint, before anything is written.

            with guests.admit(session, size):
                ...  # write to guests.room(session), then guests.add(...)

        The promise ends with the block: by then the checkpoint itself counts.

        Args:
            size: of the checkpoint's residual in bytes.
        Raises: QuotaError if the session or all sessions together have no room left for it; LabError if
            the disk takes no folder.
        """
        self.expire()
        limits = self.limits
        with self._mutex:
            there = self._sessions.get(_name(session))
            count, used = (0, 0) if there is None else (there.count, there.bytes)
            if count >= limits.session_count:
                raise QuotaError(
                    f"You have added {count} checkpoints of {limits.session_count}: reload the page to begin "
                    "with none."
                )
            if used + size > limits.session_bytes:
                raise QuotaError(
                    f"This checkpoint takes {_gb(size)} and you have used {_gb(used)} of "
                    f"{_gb(limits.session_bytes)}: reload the page to begin with none."
                )
            total = self._bytes()
            if total + size > limits.total_bytes:
                raise QuotaError(
                    f"This checkpoint takes {_gb(size)} and visitors together have used {_gb(total)} of "
                    f"{_gb(limits.total_bytes)}: try again later, or start the app on your own machine."
                )
            guest = self._guest(session)
            guest.promised.append(size)
        try:
            yield
        finally:
            self._withdraw(session, guest, size)

    def add(self, session: str, model: str, checkpoint: LoadedCheckpoint, size: int) -> None:
        """Keep a checkpoint whose residual lies in the session's room, in place of any other of its key.

        Raises: LabError if the session has left meanwhile; its residual is deleted then.
        """
        with self._mutex:
            guest = self._sessions.get(_name(session))
            residual = checkpoint.residual
            if guest is None or residual.parent != guest.room or not residual.is_file():
                self._remove_stray(residual.parent)
                raise LabError("The page was closed while the checkpoint was read: add it again.")
            guest.used = time.monotonic()
            guest.checkpoints[model, checkpoint.info.key] = checkpoint
            guest.sizes[residual] = size

    # What a session sees

    def of(self, session: str, model: str) -> tuple[LoadedCheckpoint, ...]:
        """The session's checkpoints of an encoder, which count as used now."""
        with self._mutex:
            guest = self._sessions.get(_name(session))
            if guest is None:
                return ()
            guest.used = time.monotonic()
            return tuple(one for (of, _), one in guest.checkpoints.items() if of == model)

    # What goes

    def leave(self, session: str) -> None:
        """Delete what a session brought. What a count under way has mapped stays readable to its end."""
        with self._mutex:
            guest = self._sessions.pop(_name(session), None)
        if guest is not None:
            self._delete(guest)

    def expire(self) -> None:
        """Delete what the sessions brought that have not used it for ``limits.seconds``."""
        now = time.monotonic()
        with self._mutex:
            old = [
                name
                for name, guest in self._sessions.items()
                if now - guest.used > self.limits.seconds and not guest.promised
            ]
            gone = [self._sessions.pop(name) for name in old]
        for guest in gone:
            self._delete(guest)

    def close(self) -> None:
        """Delete everything; to be called when the server stops."""
        with self._mutex:
            gone = list(self._sessions.values())
            self._sessions.clear()
            rooms = self._rooms
            if self._temporary:
                self._rooms = None
        for guest in gone:
            self._delete(guest)
        if rooms is not None:
            rooms.close()
            if self._temporary:
                shutil.rmtree(rooms.folder.parent, ignore_errors=True)

    @property
    def count(self) -> int:
        """Checkpoints of all sessions."""
        with self._mutex:
            return sum(len(guest.checkpoints) for guest in self._sessions.values())

    @property
    def bytes(self) -> int:
        """Disk space of all sessions' checkpoints, with what is promised."""
        with self._mutex:
            return self._bytes()

    def _bytes(self) -> int:
        return sum(guest.bytes for guest in self._sessions.values())

    def _guest(self, session: str) -> _Session:
        """The session's entry, with a room on disk. Holds: the mutex."""
        name = _name(session)
        guest = self._sessions.get(name)
        if guest is None:
            if self._rooms is None:
                self._rooms = ProcessFolders(Path(tempfile.mkdtemp(prefix="lines-guests-")))
            guest = _Session(self._rooms.new(), time.monotonic())
            self._sessions[name] = guest
        guest.used = time.monotonic()
        return guest

    def _delete(self, guest: _Session) -> None:
        shutil.rmtree(guest.room, ignore_errors=True)
        if self._forgotten is not None:
            for (model, _), checkpoint in guest.checkpoints.items():
                self._forgotten(model, checkpoint)

    def _remove_stray(self, room: Path) -> None:
        """Delete a room that was written to after its session had left; no other. Holds: the mutex."""
        lived_in = any(guest.room == room for guest in self._sessions.values())
        if self._rooms is not None and room.parent == self._rooms.folder and not lived_in:
            shutil.rmtree(room, ignore_errors=True)

    def _withdraw(self, session: str, guest: _Session, size: int) -> None:
        """End a promise, kept or not; a session that has nothing then has no room either."""
        with self._mutex:
            guest.promised.remove(size)
            empty = not guest.checkpoints and not guest.promised
            if not empty or self._sessions.get(_name(session)) is not guest:
                return
            del self._sessions[_name(session)]
        self._delete(guest)


def _name(session: str) -> bytes:
    """What a session is kept under: as long for a long name as for a short one."""
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).digest()


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
