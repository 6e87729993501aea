"""Evaluations on disk: a slider position visited before answers at once, after a restart too.

The store is a convenience. Whatever is wrong with its file, evaluation goes on: a damaged or foreign file is
set aside and a new one begun; one that is locked or read-only is done without. Either is logged once.
"""

import json
import logging
import sqlite3
import threading
from pathlib import Path

from evaluators.errors import EvaluationError
from evaluators.evaluation import Evaluation

SCHEMA_VERSION = 1
BUSY_SECONDS = 1.0
_APPLICATION = 0x4C694E65  # "LiNe": how SQLite files say whose they are
_LOG = logging.getLogger(__name__)


class ResultStore:
    """Evaluations by key in an SQLite file; may be shared by threads and by processes.

    Args:
        path: the file, created with its folders; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._opened(path)
        except (sqlite3.Error, OSError) as error:
            self._do_without(error)

    def get(self, key: str) -> Evaluation | None:
        """The evaluation stored under ``key``; None if there is none or it cannot be read."""
        with self._lock:
            if self._connection is None:
                return None
            try:
                row = self._connection.execute("SELECT value FROM results WHERE key = ?", (key,)).fetchone()
            except sqlite3.OperationalError as error:
                _LOG.warning("The result store %s did not answer: %s", self.path, error)
                return None
            except sqlite3.DatabaseError as error:
                self._begin_anew(error)
                return None
        if row is None:
            return None
        try:
            return Evaluation.from_dict(json.loads(row[0]))
        except (ValueError, TypeError, AttributeError) as error:
            _LOG.warning("Entry %s of the result store %s is not an evaluation: %s", key, self.path, error)
            return None

    def put(self, key: str, evaluation: Evaluation) -> None:
        """Keep a complete evaluation under ``key``, replacing what was there.

        Raises: EvaluationError for a partial one: it would be taken for the answer.
        """
        if not evaluation.complete:
            raise EvaluationError("Only complete evaluations are stored, got a partial one.")
        value = json.dumps(evaluation.as_dict(), separators=(",", ":"))
        with self._lock:
            if self._connection is None:
                return
            try:
                with self._connection:
                    self._connection.execute("INSERT OR REPLACE INTO results VALUES (?, ?)", (key, value))
            except sqlite3.OperationalError as error:  # locked, full, read-only: the numbers are right anyway
                _LOG.warning("The result store %s could not be written: %s", self.path, error)
            except sqlite3.DatabaseError as error:
                self._begin_anew(error)

    def close(self) -> None:
        """Close the file; the store then keeps nothing."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self, path: Path) -> sqlite3.Connection:
        try:
            return _connect(path)
        except sqlite3.OperationalError:
            raise  # locked or not writable: somebody else's, leave it where it is
        except sqlite3.DatabaseError as error:
            return self._set_aside(path, error)

    def _begin_anew(self, error: sqlite3.Error) -> None:
        assert self._connection is not None
        assert self.path is not None
        self._connection.close()
        self._connection = None
        try:
            self._connection = self._set_aside(self.path, error)
        except (sqlite3.Error, OSError) as second:
            self._do_without(second)

    def _set_aside(self, path: Path, error: sqlite3.Error) -> sqlite3.Connection:
        number = next(n for n in range(1, 1_000_000) if not path.with_name(f"{path.name}.aside-{n}").exists())
        for suffix in ("", "-wal", "-shm"):  # a database and what it has not written back yet stay together
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.replace(path.with_name(f"{path.name}.aside-{number}{suffix}"))
        _LOG.warning("%s is no result store (%s): it is now %s.aside-%d.", path, error, path.name, number)
        return _connect(path)

    def _do_without(self, error: Exception) -> None:
        _LOG.warning(
            "The result store %s cannot be used (%s): results are not kept on disk.", self.path, error
        )


def _connect(path: Path) -> sqlite3.Connection:
    """Raises: sqlite3.DatabaseError, but not its subclass OperationalError, if it is no result store."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
    try:
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and (owner, version) != (_APPLICATION, SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"its tables are another program's, or of version {version}")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()  # stays as it was where WAL cannot be had
        connection.execute("PRAGMA synchronous = NORMAL")
        if not tables:
            with connection:
                connection.execute("BEGIN IMMEDIATE")  # another process sees all of a new store or nothing
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, value TEXT NOT NULL)"
                )
        connection.execute("SELECT value FROM results LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
