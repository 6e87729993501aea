import logging
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from evaluators.errors import EvaluationError
from evaluators.service.result_store import ResultStore, _digest
from tests.evaluators.conftest import Scored


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "results.sqlite"


def test_survives_a_restart(path: Path, scored: Scored) -> None:
    store = ResultStore(path)
    assert store.get("a") is None
    store.put("a", scored(90, 40))
    store.put("b", scored(80, 40))
    store.put("a", scored(91, 40))
    store.close()
    again = ResultStore(path)
    assert again.get("a") == scored(91, 40)
    assert again.get("b") == scored(80, 40)
    again.close()


def test_without_a_path_keeps_nothing(scored: Scored) -> None:
    store = ResultStore(None)
    store.put("a", scored(90, 40))
    assert store.get("a") is None


def test_partial_evaluations_are_refused(path: Path, scored: Scored) -> None:
    with pytest.raises(EvaluationError, match="partial"):
        ResultStore(path).put("a", scored(90, 40, complete=False))


@pytest.mark.parametrize("size", [7, 100, 5000])
def test_truncated_file_is_left_alone(
    path: Path, scored: Scored, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    store = ResultStore(path)
    for number in range(100):
        store.put(f"{number}", scored(90, 40))
    store.close()
    assert path.stat().st_size > 20_000
    path.write_bytes(path.read_bytes()[:size])
    with caplog.at_level(logging.WARNING):
        store = ResultStore(path)
        assert store.get("0") is None
    assert "is no result store" in caplog.text
    store.put("a", scored(91, 40))
    assert store.get("a") == scored(91, 40)
    assert store.path == path.with_name("results-2.sqlite")
    assert path.stat().st_size == size
    store.close()


def test_foreign_files_are_left_alone(path: Path, scored: Scored, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_text("Dear diary, " * 100)
    second = path.with_name("results-2.sqlite")
    with sqlite3.connect(second) as connection:
        connection.execute("CREATE TABLE results (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        connection.execute("INSERT INTO results VALUES ('a', 'somebody else''s')")
    connection.close()
    store = ResultStore(path)
    store.put("a", scored(91, 40))
    assert store.get("a") == scored(91, 40)
    assert store.path == path.with_name("results-3.sqlite")
    store.close()
    assert path.read_text() == "Dear diary, " * 100
    with sqlite3.connect(second) as connection:
        assert connection.execute("SELECT value FROM results").fetchall() == [("somebody else's",)]
    connection.close()
    assert caplog.text.count("is no result store") == 2


def test_a_file_damaged_while_it_is_open_is_given_up(
    path: Path, scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    store = ResultStore(path)
    for number in range(100):
        store.put(f"{number}", scored(90, 40))
    assert store._connection is not None
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store._connection.execute("PRAGMA shrink_memory")  # so that it has to look at the file again
    path.write_bytes(path.read_bytes()[:4096] + b"not a database any more" * 1000)
    assert store.get("50") is None
    store.put("a", scored(91, 40))
    assert store.get("a") == scored(91, 40)
    assert "is damaged" in caplog.text
    assert path.with_name("results.sqlite.damaged").read_text() == "database disk image is malformed\n"
    store.close()


def test_locked_file_is_done_without(
    path: Path, scored: Scored, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluators.service.result_store.BUSY_SECONDS", 0.02)
    path.parent.mkdir()
    holder = sqlite3.connect(path)
    holder.execute("CREATE TABLE t (x)")
    holder.execute("BEGIN EXCLUSIVE")
    store = ResultStore(path)
    store.put("a", scored(90, 40))
    assert store.get("a") is None
    assert "locked" in caplog.text
    assert "not kept on disk" in caplog.text
    holder.close()
    assert path.exists()


def test_a_store_locked_later_goes_on_afterwards(
    path: Path, scored: Scored, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluators.service.result_store.BUSY_SECONDS", 0.02)
    monkeypatch.setattr("evaluators.service.result_store.PAUSE_SECONDS", 0.05)
    store = ResultStore(path)
    holder = sqlite3.connect(path)
    holder.execute("BEGIN IMMEDIATE")
    store.put("a", scored(90, 40))
    assert "database is locked. Results are not kept on disk." in caplog.text
    assert store.problem == "database is locked"
    holder.close()
    store.put("b", scored(80, 40))
    assert store.get("a") is None, "it is left alone for a while"
    time.sleep(0.06)
    store.put("a", scored(91, 40))
    assert store.problem == ""
    assert store.get("b") == scored(80, 40)
    assert store.get("a") == scored(91, 40)
    store.close()


def test_unwritable_place_is_done_without(
    path: Path, scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    path.mkdir(parents=True)
    store = ResultStore(path)
    store.put("a", scored(90, 40))
    assert store.get("a") is None
    blocked = ResultStore(path.parent / "file" / "results.sqlite")
    blocked.put("a", scored(90, 40))
    (path.parent / "file2").write_text("in the way")
    assert ResultStore(path.parent / "file2" / "results.sqlite").get("a") is None
    assert caplog.text.count("not kept on disk") == 2
    assert store.problem == "unable to open database file"
    blocked.close()


def test_an_entry_that_is_no_evaluation_is_as_good_as_none(
    path: Path, scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    store = ResultStore(path)
    store.put("good", scored(90, 40))
    with sqlite3.connect(path) as connection:
        for key, value in {"text": "no JSON", "list": "[]", "part": '{"spec": {}}'}.items():
            digest = _digest(key, value.encode())
            connection.execute("INSERT INTO results VALUES (?, ?, ?)", (key, value, digest))
        connection.execute("INSERT INTO results VALUES ('blob', x'ff00', x'ff')")
        connection.execute(
            "INSERT INTO results SELECT 'other', value, digest FROM results WHERE key = 'good'"
        )
    connection.close()
    for key in ("text", "list", "part", "blob", "other"):
        assert store.get(key) is None
    assert caplog.text.count("is not an evaluation") == 5
    assert caplog.text.count("its digest is another") == 2
    assert store.get("good") == scored(90, 40)
    store.close()


def test_threads_and_processes_share_a_store(path: Path, scored: Scored) -> None:
    """Two stores on one file stand for two processes; four threads write and read through them."""
    stores = [ResultStore(path), ResultStore(path)]
    wrong: list[str] = []

    def work(thread: int) -> None:
        for number in range(25):
            key = f"{thread}-{number}"
            stores[thread % 2].put(key, scored(thread, number))
            if stores[(thread + 1) % 2].get(key) != scored(thread, number):
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    for store in stores:
        store.close()
