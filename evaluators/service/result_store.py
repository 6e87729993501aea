"""Evaluations on disk: a slider position visited before answers at once, after a restart too.

The store is a convenience. Whatever is wrong with its file, evaluation goes on, and nobody waits for it for
long: after a failure it is left alone for some seconds, and what was to be written is kept until it can be.
A damaged, foreign or differently versioned file is never touched: a file of the next free name is used.
"""

import hashlib
import json
import logging
import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from evaluators.errors import EvaluationError
from evaluators.specs.evaluation import Evaluation

SCHEMA_VERSION = 2
BUSY_SECONDS = 0.5
"""That a caller waits at most while others have the file."""
PAUSE_SECONDS = 5.0
"""After a failure, without another attempt."""
WAITING_KEPT = 1024
"""Evaluations that wait for a file that cannot be written to; the oldest are dropped."""
_APPLICATION = 0x4C694E65  # "LiNe": how SQLite files say whose they are
_DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What Python raises for a damaged file: the latter if SQLite quotes from it to say so."""
_LOG = logging.getLogger(__name__)


class ResultStore:
    """Evaluations by key in an SQLite file; may be shared by threads and by processes.

    Args:
        path: the file, created with its folders; None keeps nothing.
    Attributes:
        path: the file in use, whose name has a number if there is something else under ``path``.
        problem: why results are not kept on disk although they should be; empty while they are.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.problem = ""
        self._wanted = path
        self._connection: sqlite3.Connection | None = None
        self._file = ""  # which file the connection is to, whatever it is called by now
        self._read_from = self._write_from = time.monotonic()
        self._lock = threading.Lock()  # guards all of the above; held for about BUSY_SECONDS at most
        self._mutex = threading.Lock()  # guards the dictionary below
        self._waiting: OrderedDict[str, str] = OrderedDict()
        with self._lock:
            self._open()

    def get(self, key: str) -> Evaluation | None:
        """The evaluation stored under ``key``; None if there is none or it cannot be read now.

        Cost: 50 microseconds; ``BUSY_SECONDS`` once in a while where another program holds the file.
        """
        if time.monotonic() < self._read_from or not self._lock.acquire(timeout=BUSY_SECONDS):
            return None
        try:
            # somebody may have found out, while this thread waited, that it is no use
            row = self._read(key) if time.monotonic() >= self._read_from else None
            if self._waiting and time.monotonic() >= self._write_from:
                self._write()
        finally:
            self._lock.release()
        return None if row is None else self._evaluation(key, *row)

    def put(self, key: str, evaluation: Evaluation) -> None:
        """Keep a complete evaluation under ``key``, replacing what was there; later, if not now.

        Raises: EvaluationError for a partial one: it would be taken for the answer.
        Cost: as ``get``.
        """
        if not evaluation.complete:
            raise EvaluationError("Only complete evaluations are stored, got a partial one.")
        if self._wanted is None:
            return
        with self._mutex:
            self._waiting[key] = json.dumps(evaluation.as_dict(), separators=(",", ":"))
            while len(self._waiting) > WAITING_KEPT:
                self._waiting.popitem(last=False)
        if time.monotonic() < self._write_from or not self._lock.acquire(timeout=BUSY_SECONDS):
            return
        try:
            if time.monotonic() >= self._write_from:
                self._write()
        finally:
            self._lock.release()

    def close(self) -> None:
        """Write what waits, if that can be done, and close the file; the store then keeps nothing."""
        with self._lock:
            if self._waiting:
                self._write()
            self._wanted = None
            self._disconnect()

    # Under the lock

    def _read(self, key: str) -> tuple[object, object] | None:
        for _ in range(2):  # a second time if the file turns out to be damaged
            if self._connection is None and not self._open():
                return None
            assert self._connection is not None
            try:
                row = self._connection.execute(
                    "SELECT value, digest FROM results WHERE key = ?", (key,)
                ).fetchone()
            except sqlite3.OperationalError as error:
                self._failed(error, reading=True)
                return None
            except _DAMAGE as error:
                self._give_up_file(error)
                continue
            if not self._waiting:
                self._works()
            return row and (row[0], row[1])
        return None

    def _write(self) -> None:
        """Write all that waits, in one transaction."""
        with self._mutex:
            waiting = list(self._waiting.items())
        if self._connection is not None and _identity(self.path) != self._file:
            self._disconnect()  # deleted or replaced: what is written to it nobody would find
        for _ in range(2):
            if self._connection is None and not self._open():
                return
            assert self._connection is not None
            try:
                _insert(self._connection, waiting)
            except sqlite3.OperationalError as error:  # locked, full, read-only: the numbers are right anyway
                self._failed(error)
            except _DAMAGE as error:
                self._give_up_file(error)
                continue
            else:
                self._written(waiting)
                self._works()
            return

    def _written(self, waiting: Sequence[tuple[str, str]]) -> None:
        with self._mutex:
            for key, value in waiting:
                if self._waiting.get(key) == value:
                    del self._waiting[key]

    def _open(self) -> bool:
        """Connect to the first file that is a result store of this version, or a new one."""
        if self._wanted is None:
            return False
        try:
            self._wanted.parent.mkdir(parents=True, exist_ok=True)
            for place in _places(self._wanted):
                if _damaged(place).exists():
                    continue
                try:
                    self._connection = _connect_soon(place)
                except sqlite3.OperationalError:
                    raise  # locked or not writable: it may well be ours
                except _DAMAGE as error:
                    _LOG.warning("%s is no result store (%s): a file beside it is used.", place, error)
                    continue
                self.path, self._file = place, _identity(place)
                return True
        except (sqlite3.Error, OSError) as error:
            self._failed(error, reading=True)
        return False

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _give_up_file(self, error: Exception) -> None:
        """Let the file alone from now on; the mark beside it tells the other processes, and later ones."""
        assert self.path is not None
        self._disconnect()
        _LOG.warning("The result store %s is damaged (%s): a file beside it is used.", self.path, error)
        try:
            _damaged(self.path).write_text(f"{error}\n", encoding="utf-8")
        except OSError as second:
            self._failed(second, reading=True)

    def _failed(self, error: Exception, *, reading: bool = False) -> None:
        """Try again after a pause; said once."""
        self._write_from = time.monotonic() + PAUSE_SECONDS
        if reading:
            self._read_from = self._write_from
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        if self._wanted is not None and _read_only(self._wanted.parent):
            reason = "its folder cannot be written to"
        if reason != self.problem:
            _LOG.warning("The result store %s: %s. Results are not kept on disk.", self.path, reason)
        self.problem = reason

    def _works(self) -> None:
        if self.problem:
            _LOG.info("The result store %s works again: results are kept on disk.", self.path)
        self.problem = ""

    def _evaluation(self, key: str, value: object, digest: object) -> Evaluation | None:
        """What an entry says, if it is what was written: SQLite does not notice a byte that has changed."""
        try:
            if not isinstance(value, bytes) or digest != _digest(key, value):
                raise ValueError("its digest is another")
            return Evaluation.from_dict(json.loads(value))
        except (ValueError, TypeError, AttributeError) as error:
            _LOG.warning("Entry %s of the result store %s is not an evaluation: %s", key, self.path, error)
            return None


def _insert(connection: sqlite3.Connection, entries: Sequence[tuple[str, str]]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT OR REPLACE INTO results VALUES (?, ?, ?)",
            [(key, value, _digest(key, value.encode())) for key, value in entries],
        )
        connection.execute("COMMIT")
    except _DAMAGE:
        with suppress(*_DAMAGE):
            connection.rollback()
        raise


def _connect_soon(path: Path) -> sqlite3.Connection:
    """As ``_connect``, waiting while it is locked: SQLite itself does not when the file is being made."""
    until = time.monotonic() + BUSY_SECONDS / 2
    while True:
        try:
            return _connect(path)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= until:
                raise
            time.sleep(BUSY_SECONDS / 50)


def _connect(path: Path) -> sqlite3.Connection:
    """Raises: sqlite3.OperationalError if it is locked or not writable; else `_DAMAGE` if it is no store."""
    # of a rollback journal both the beginning and the end of a transaction may wait, hence the half
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS / 2, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = bytes  # text that is damaged is no error of the file
    try:
        # all three at one moment: else a store that is just being made seems foreign
        connection.execute("BEGIN")
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("COMMIT")
        if tables and (owner, version) != (_APPLICATION, SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"its tables are another program's, or of version {version}")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()  # stays as it was where WAL cannot be had
        connection.execute("PRAGMA synchronous = NORMAL")
        if not tables:
            connection.execute("BEGIN IMMEDIATE")  # another process sees all of a new store or nothing
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS results "
                "(key TEXT PRIMARY KEY, value TEXT NOT NULL, digest BLOB NOT NULL)"
            )
            connection.execute("COMMIT")
        connection.execute("SELECT value, digest FROM results LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _places(path: Path) -> Iterator[Path]:
    """Where a store may be: ``path``, and the same with a number if something else is there."""
    yield path
    for number in range(2, 1000):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def _damaged(path: Path) -> Path:
    """The mark that a file is not to be used, although it looks sound at first."""
    return path.with_name(f"{path.name}.damaged")


def _identity(path: Path | None) -> str:
    """Tells a file from another one of the same name; empty if there is none."""
    try:
        stat = os.stat(path) if path is not None else None
    except OSError:
        return ""
    return f"{stat.st_dev} {stat.st_ino}" if stat is not None else ""


def _read_only(folder: Path) -> bool:
    return folder.is_dir() and not os.access(folder, os.W_OK)


def _digest(key: str, value: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\n" + value).hexdigest()[:16].encode()
