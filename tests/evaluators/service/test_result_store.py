import logging
import sqlite3
import threading
from pathlib import Path

import pytest

from evaluators.errors import EvaluationError
from evaluators.service.result_store import SCHEMA_VERSION, ResultStore, _digest
from tests.evaluators.conftest import Scored


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "results.sqlite"


def check_switched_off(
    store: ResultStore, scored: Scored, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It stores nothing, raises nothing, and has warned once."""
    store.put("new", scored(90, 40))
    assert store.get("new") is None
    assert problem in store.problem
    assert caplog.text.count("is switched off until the next start") == 1
    store.close()


def test_results_survive_a_restart(path: Path, scored: Scored, caplog: pytest.LogCaptureFixture) -> None:
    store = ResultStore(path)
    assert store.get("a") is None
    store.put("a", scored(90, 40))
    store.put("b", scored(80, 40))
    store.put("a", scored(91, 40))
    store.close()
    again = ResultStore(path)
    assert again.get("a") == scored(91, 40)
    assert again.get("b") == scored(80, 40)
    assert (again.path, again.problem, caplog.text) == (path, "", "")
    again.close()


def test_without_a_path_stores_nothing(scored: Scored) -> None:
    store = ResultStore(None)
    store.put("a", scored(90, 40))
    assert store.get("a") is None


def test_partial_evaluations_are_refused(path: Path, scored: Scored) -> None:
    with pytest.raises(EvaluationError, match="partial"):
        ResultStore(path).put("a", scored(90, 40, complete=False))


@pytest.mark.parametrize("size", [7, 100, 5000])
def test_truncated_file_switches_the_store_off(
    path: Path, scored: Scored, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    store = ResultStore(path)
    for number in range(100):
        store.put(f"{number}", scored(90, 40))
    store.close()
    path.write_bytes(path.read_bytes()[:size])
    store = ResultStore(path)
    assert all(store.get(f"{number}") in (None, scored(90, 40)) for number in range(100))
    check_switched_off(store, scored, "", caplog)
    assert path.stat().st_size == size


def test_file_of_another_program_is_left_alone(
    path: Path, scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_text("Dear diary, " * 100)
    check_switched_off(ResultStore(path), scored, "file is not a database", caplog)
    assert path.read_text() == "Dear diary, " * 100


def test_database_of_another_program_is_left_alone(
    path: Path, scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    beside = path.with_name(f"results-v{SCHEMA_VERSION}.sqlite")
    path.parent.mkdir()

    def write_foreign(file: Path) -> bytes:
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE results (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        connection.close()
        return file.read_bytes()

    content = write_foreign(path)
    store = ResultStore(path)
    store.put("a", scored(91, 40))
    assert (store.path, store.get("a"), caplog.text) == (beside, scored(91, 40), "")
    store.close()
    assert path.read_bytes() == content
    beside.unlink()
    content = write_foreign(beside)
    check_switched_off(ResultStore(path), scored, "database of another program", caplog)
    assert beside.read_bytes() == content


def test_file_damaged_while_it_is_open_switches_the_store_off(
    path: Path, scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    store = ResultStore(path)
    for number in range(100):
        store.put(f"{number}", scored(90, 40))
    assert store._connection is not None
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store._connection.execute("PRAGMA shrink_memory")  # so that it reads the file again
    path.write_bytes(path.read_bytes()[:4096] + b"not a database any more" * 1000)
    assert store.get("50") is None
    check_switched_off(store, scored, "malformed", caplog)


@pytest.mark.parametrize("when", ["before it opens", "while it is open"])
def test_locked_file_switches_the_store_off(
    path: Path, scored: Scored, when: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluators.service.result_store.BUSY_SECONDS", 0.02)
    ResultStore(path).close()
    store = ResultStore(path) if when == "while it is open" else None
    holder = sqlite3.connect(path)
    holder.execute("BEGIN IMMEDIATE")
    check_switched_off(store or ResultStore(path), scored, "locked", caplog)
    holder.close()


def test_unwritable_place_switches_the_store_off(
    path: Path, scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    path.mkdir(parents=True)
    check_switched_off(ResultStore(path), scored, "unable to open database file", caplog)
    caplog.clear()
    (path.parent / "file").write_text("in the way")
    blocked = ResultStore(path.parent / "file" / "results.sqlite")
    check_switched_off(blocked, scored, "File exists", caplog)


def test_deleted_file_switches_the_store_off(
    path: Path, scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    store = ResultStore(path)
    path.unlink()
    store.put("a", scored(90, 40))
    check_switched_off(store, scored, "No such file", caplog)


def test_full_database_switches_the_store_off(
    path: Path, scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    store = ResultStore(path)
    assert store._connection is not None
    store._connection.execute("PRAGMA max_page_count = 1")
    for number in range(100):
        store.put(str(number), scored(90, 40))
    check_switched_off(store, scored, "database or disk is full", caplog)


def test_entry_that_is_no_evaluation_is_ignored(
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
    with caplog.at_level(logging.WARNING):
        for key in ("text", "list", "part", "blob", "other"):
            assert store.get(key) is None
    assert caplog.text.count("is not an evaluation") == 5
    assert caplog.text.count("its digest does not match") == 2
    assert store.get("good") == scored(90, 40)
    store.close()


def test_threads_share_a_store(path: Path, scored: Scored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stores on one file stand for two processes; four threads write and read through them."""
    monkeypatch.setattr("evaluators.service.result_store.BUSY_SECONDS", 60.0)
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
        thread.join()
    assert wrong == []
    for store in stores:
        store.close()
