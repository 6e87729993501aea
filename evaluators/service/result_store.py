"""SQLite store of evaluations, shared by threads and by processes.

The store is a convenience. When its file cannot be used (damaged, locked for long, full disk, read-only
folder), it logs one warning and is switched off until the next start: results are then kept in memory only.
"""

import hashlib
import json
import logging
import os
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

from evaluators.errors import EvaluationError
from evaluators.specs.evaluation import Evaluation

SCHEMA_VERSION = 3
BUSY_SECONDS = 2.0
"""How long a call waits, once, for a file that another process has locked."""
_RETRY_SECONDS = 0.02
_APPLICATION = 0x4C694E65  # "LiNe", SQLite's application_id of our files
_FAILURES = (OSError, sqlite3.Error, UnicodeDecodeError)
"""What Python raises for a file that cannot be used; the last when SQLite quotes a damaged file."""
_LOG = logging.getLogger(__name__)


class ResultStore:
    """Evaluations by key in an SQLite file. Any method may be called from any thread.

    Args:
        path: the file, created with its folders; None stores nothing.
    Attributes:
        path: the file in use: ``path``, or ``NAME-v3.sqlite`` beside it if ``path`` is a database of another
            version or program, which is left as it is.
        problem: why the store is switched off; empty while it works.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.problem = ""
        self._lock = threading.Lock()  # guards the connection
        self._connection: sqlite3.Connection | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _connect(path)
            if self._connection is None:
                self.path = path.with_name(f"{path.stem}-v{SCHEMA_VERSION}{path.suffix}")
                self._connection = _connect(self.path)
            if self._connection is None:
                raise sqlite3.DatabaseError("it is a database of another program")
        except _FAILURES as error:
            self._switch_off(error)

    def get(self, key: str) -> Evaluation | None:
        """The evaluation stored under ``key``; None if there is none. Cost: 50 microseconds."""
        with self._lock:
            if self._connection is None:
                return None
            try:
                query = "SELECT value, digest FROM results WHERE key = ?"
                row = self._connection.execute(query, (key,)).fetchone()
            except _FAILURES as error:
                self._switch_off(error)
                return None
        return None if row is None else self._evaluation(key, *row)

    def put(self, key: str, evaluation: Evaluation) -> None:
        """Store a complete evaluation under ``key``, replacing an earlier one.

        Raises: EvaluationError for a partial evaluation.
        """
        if not evaluation.complete:
            raise EvaluationError("Only complete evaluations are stored, got a partial one.")
        value = json.dumps(evaluation.as_dict(), separators=(",", ":"))
        with self._lock:
            if self._connection is None or self.path is None:
                return
            try:
                self.path.stat()  # SQLite would go on writing to a file that has been deleted
                entry = (key, value, _digest(key, value.encode()))
                self._connection.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", entry)
            except _FAILURES as error:
                self._switch_off(error)

    def close(self) -> None:
        """Close the file; nothing is stored from then on."""
        with self._lock:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _switch_off(self, error: Exception) -> None:
        """Close the file, and say why. The caller holds the lock."""
        self._disconnect()
        assert self.path is not None
        read_only = self.path.parent.is_dir() and not os.access(self.path.parent, os.W_OK)
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        self.problem = "its folder cannot be written to" if read_only else reason
        _LOG.warning("The result store %s is switched off until the next start: %s.", self.path, self.problem)

    def _evaluation(self, key: str, value: object, digest: object) -> Evaluation | None:
        """The evaluation of one row; None if its bytes changed, which SQLite itself does not detect."""
        try:
            if not isinstance(value, bytes) or digest != _digest(key, value):
                raise ValueError("its digest does not match")
            return Evaluation.from_dict(json.loads(value))
        except (ValueError, TypeError, AttributeError) as error:
            _LOG.warning("Entry %s of the result store %s is not an evaluation: %s", key, self.path, error)
            return None


def _connect(path: Path) -> sqlite3.Connection | None:
    """Open or create a store; None if the file is a database of another version or program.

    Raises: sqlite3.Error if it is locked for `BUSY_SECONDS`, damaged, or cannot be written to.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            ours = _prepare(connection)
        except BaseException as error:
            connection.close()
            # while another process creates the file, SQLite reports a lock without waiting for it
            locked = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
            if not locked or time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)
            continue
        if ours:
            return connection
        connection.close()
        return None


def _prepare(connection: sqlite3.Connection) -> bool:
    """Create the table in a new file; False if the file is a database of another version or program."""
    connection.text_factory = bytes  # damaged text is an entry's problem, not the file's
    connection.execute("BEGIN")  # one snapshot, or a store that another process is creating looks foreign
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.execute("COMMIT")
    if tables and (owner, version) != (_APPLICATION, SCHEMA_VERSION):
        return False
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")  # another process sees a complete store or none; also a write test
    if not tables:
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS results "
            "(key TEXT PRIMARY KEY, value TEXT NOT NULL, digest BLOB NOT NULL)"
        )
    connection.execute("COMMIT")
    return True


def _digest(key: str, value: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\n" + value).hexdigest()[:16].encode()
