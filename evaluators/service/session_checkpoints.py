"""Checkpoints and tasks that visitors add: private to a session, limited by a quota, deleted with it.

The session's name comes from the client, so it is hashed and never used as a path. Ownership is checked on
every access: a checkpoint of another session looks like one that does not exist.

A reloaded page is a new session. It names itself by the token that the page before it was given, and has the
same checkpoints again; they are kept for ``SessionLimits.grace`` seconds after the last page was closed.
"""

import hashlib
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from evaluators.errors import LabError
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.labs.own_task import OwnTask
from evaluators.service.process_folders import ProcessFolders
from evaluators.service.session_entry import Added, SessionEntry, file_of, key_of
from evaluators.service.session_quota import SessionLimits, check_session, check_total
from evaluators.service.temporary_folder import temporary_folder

OnDelete = Callable[[str, Added], None]
"""Called with the model's key and a deleted checkpoint or task, to drop what is cached; must not raise."""
MOST_PAGES = 16
"""Open pages that share one visitor's checkpoints; the oldest page loses them to a further one."""


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
        self._sessions: dict[bytes, SessionEntry] = {}
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

        The reservation ends with the block: by then the checkpoint, of ``size`` bytes, itself counts.

        Yields: an event that is set once the session ends.
        Raises: QuotaError if the quota of the session or of all sessions is used up; LabError if the folder
            cannot be created.
        """
        self.expire()
        self._make_room(session, size)
        with self._mutex:
            self._check_quota(session, size)
            entry = self._open(session)
            entry.reserved.append(size)
            left = entry.left
        try:
            yield left
        finally:
            self._end_reservation(session, entry, size)

    def add(self, session: str, model: str, added: Added, size: int) -> None:
        """Register a checkpoint or task whose file lies in the session's folder; replaces one of its key.

        Raises: LabError if the session has ended meanwhile; its file is deleted then.
        """
        with self._mutex:
            entry = self._sessions.get(_digest(session))
            file = file_of(added)
            if entry is None or file.parent != entry.folder or not file.is_file():
                self._delete_stray(file.parent)
                raise LabError("The page was closed while it was read: add it again.")
            entry.used = time.monotonic()
            entry.added[model, key_of(added)] = added
            entry.sizes[file] = size

    def remove(self, session: str, model: str, key: str) -> bool:
        """Delete a checkpoint, or a task and the checkpoints of it; whether the session had it."""
        with self._mutex:
            entry = self._sessions.get(_digest(session))
            if entry is None or (model, key) not in entry.added:
                return False
            removed = entry.remove(model, key)
        self._deleted(removed)
        return True

    def of_model(self, session: str, model: str) -> tuple[LoadedCheckpoint, ...]:
        """The session's checkpoints of an encoder; ``use`` records that they are used."""
        return tuple(one for one in self._added(session, model) if isinstance(one, LoadedCheckpoint))

    def tasks_of(self, session: str, model: str) -> tuple[OwnTask, ...]:
        """The session's tasks for an encoder, in the order in which they were added."""
        return tuple(one for one in self._added(session, model) if isinstance(one, OwnTask))

    def _added(self, session: str, model: str) -> list[Added]:
        with self._mutex:
            entry = self._sessions.get(_digest(session))
            return [] if entry is None else [one for (of, _), one in entry.added.items() if of == model]

    def use(self, session: str) -> None:
        """Record that a session uses its checkpoints, which then stay for another ``limits.seconds``."""
        with self._mutex:
            if _digest(session) in self._sessions:
                self._open(session)

    def token(self, session: str) -> str:
        """What a reloaded page has to say in ``resume``; empty for a session that has added nothing."""
        with self._mutex:
            entry = self._sessions.get(_digest(session))
            if entry is None or not entry.added:
                return ""
            entry.token = entry.token or secrets.token_urlsafe(24)
            return entry.token

    def resume(self, session: str, token: str) -> bool:
        """Give a new session the checkpoints of the page that was given the token.

        Returns: whether it has them; not so if they were deleted, or if the session has added others.
        """
        self.expire()
        digest, wanted = _digest(session), _digest(token)
        with self._mutex:
            held = [one for one in self._entries() if one.token and _digest(one.token) == wanted]
            if not held or self._sessions.get(digest, held[0]) is not held[0]:
                return False
            self._sessions[digest] = held[0]
            self._open(session)
            for old in [one for one, entry in self._sessions.items() if entry is held[0]]:
                if old not in held[0].pages:
                    del self._sessions[old]
            return True

    def leave(self, session: str) -> None:
        """Stop a session's imports and delete its checkpoints. A count under way keeps what it has mapped.

        They stay while another page has them too, and for ``limits.grace`` seconds if a token was given out.
        """
        digest = _digest(session)
        with self._mutex:
            entry = self._sessions.get(digest)
            if entry is None:
                return
            entry.pages = [page for page in entry.pages if page != digest]
            if entry.pages:
                del self._sessions[digest]
                return
            if entry.token:  # the session's name stays: a lost connection comes back under it
                entry.closed = time.monotonic()
                entry.left.set()
                entry.left = threading.Event()
                return
            self._forget(entry)
        self._delete(entry)

    def expire(self) -> None:
        """Delete the checkpoints of sessions that have not used them for ``limits.seconds``, and of those
        that were closed ``limits.grace`` seconds ago.
        """
        now, limits = time.monotonic(), self.limits
        with self._mutex:
            expired = [entry for entry in self._entries() if entry.expired(now, limits)]
            for entry in expired:
                self._forget(entry)
        for entry in expired:
            self._delete(entry)

    def close(self) -> None:
        """Delete everything; to be called when the server stops."""
        with self._mutex:
            entries = self._entries()
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
        """Checkpoints and tasks of all sessions."""
        with self._mutex:
            return sum(len(entry.added) for entry in self._entries())

    @property
    def bytes(self) -> int:
        """Disk space of all sessions' checkpoints, reservations included."""
        with self._mutex:
            return self._total_bytes()

    def _entries(self) -> list[SessionEntry]:
        """Each entry once, however many pages have it. Holds: the mutex."""
        return list({id(entry): entry for entry in self._sessions.values()}.values())

    def _total_bytes(self) -> int:
        return sum(entry.bytes for entry in self._entries())

    def _make_room(self, session: str, size: int) -> None:
        """Delete what closed pages have left, the longest closed first, if a checkpoint needs the space."""
        dropped = []
        with self._mutex:
            mine = self._sessions.get(_digest(session))
            closed = [
                one
                for one in self._entries()
                if one.closed is not None and not one.reserved and one is not mine
            ]
            for entry in sorted(closed, key=lambda one: one.closed or 0.0):
                if self._total_bytes() + size <= self.limits.total_bytes:
                    break
                self._forget(entry)
                dropped.append(entry)
        for entry in dropped:
            self._delete(entry)

    def _check_quota(self, session: str, size: int) -> None:
        """Raises: QuotaError if one more checkpoint does not fit. Holds: the mutex."""
        entry = self._sessions.get(_digest(session))
        count, used = (0, 0) if entry is None else (entry.count, entry.bytes)
        check_session(self.limits, count, used, size)
        check_total(self.limits, self._total_bytes(), size)

    def _open(self, session: str) -> SessionEntry:
        """The session's entry, as of an open page; created with a folder if absent. Holds: the mutex."""
        digest = _digest(session)
        entry = self._sessions.get(digest)
        if entry is None:
            if self._folders is None:
                self._folders = ProcessFolders(temporary_folder("sessions", self))
            entry = self._sessions[digest] = SessionEntry(self._folders.new(), time.monotonic())
        entry.used = time.monotonic()
        entry.closed = None
        if digest not in entry.pages:
            entry.pages.append(digest)
        for oldest in entry.pages[:-MOST_PAGES]:
            self._sessions.pop(oldest, None)
        entry.pages = entry.pages[-MOST_PAGES:]
        return entry

    def _forget(self, entry: SessionEntry) -> None:
        """Take an entry from all its sessions, to be deleted after that. Holds: the mutex."""
        for digest in [one for one, other in self._sessions.items() if other is entry]:
            del self._sessions[digest]

    def _delete(self, entry: SessionEntry) -> None:
        entry.left.set()
        shutil.rmtree(entry.folder, ignore_errors=True)
        self._deleted(entry.added)

    def _deleted(self, removed: Mapping[tuple[str, str], Added]) -> None:
        if self._on_delete is not None:
            for (model, _), added in removed.items():
                self._on_delete(model, added)

    def _delete_stray(self, folder: Path) -> None:
        """Delete a folder that was written to after its session had ended; no other. Holds: the mutex."""
        in_use = any(entry.folder == folder for entry in self._sessions.values())
        if self._folders is not None and folder.parent == self._folders.folder and not in_use:
            shutil.rmtree(folder, ignore_errors=True)

    def _end_reservation(self, session: str, entry: SessionEntry, size: int) -> None:
        """Release reserved quota; a session that has nothing else loses its folder."""
        with self._mutex:
            entry.reserved.remove(size)
            empty = not entry.added and not entry.reserved
            if not empty or self._sessions.get(_digest(session)) is not entry:
                return
            self._forget(entry)
        self._delete(entry)


def _digest(session: str) -> bytes:
    """Fixed-length dictionary key of a session's name."""
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).digest()
