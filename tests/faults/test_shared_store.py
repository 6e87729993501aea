"""A result store that is damaged, locked, of another version, or used by several processes."""

import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import evaluators.data.image_subset
import evaluators.service.result_store
from evaluators.data.image_subset import load_subset
from evaluators.data.task_list import read_tasks
from evaluators.service.result_store import SCHEMA_VERSION, ResultStore
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec

from .children import CHUNK, begin_together, counts, die_with_entries_in_the_log, made_up, share
from .conftest import Processes


@pytest.mark.parametrize("foreign", [False, True])
def test_processes_share_a_store_from_its_first_moment(
    tmp_path: Path, processes: Processes, foreign: bool
) -> None:
    """Six processes start at once, on no file or on a foreign one: none is locked out or loses a result."""
    path = tmp_path / "results.sqlite"
    if foreign:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE diary (entry TEXT)")
        connection.close()
    before = path.read_bytes() if foreign else b""
    start = processes.context.Barrier(6)
    told = processes.run_all(share, [(path, start, number, 6, 25) for number in range(6)])
    logged = {line for one in told for line in one.logged}
    assert [one.result for one in told] == [[]] * 6, logged
    assert logged == set()
    # processes that close the file at the same moment can leave SQLite's log; the next to close it removes it
    store = ResultStore(path)
    assert all(store.get(str(number)) == made_up(number) for number in range(6 * 25))
    store.close()
    files = [f"results-v{SCHEMA_VERSION}.sqlite", "results.sqlite"] if foreign else ["results.sqlite"]
    assert sorted(file.name for file in tmp_path.iterdir()) == files
    assert not foreign or path.read_bytes() == before


def test_a_store_that_is_being_made_is_not_taken_for_a_foreign_one(
    tmp_path: Path, processes: Processes
) -> None:
    """Regression: a process read the version before, and the tables after, another process wrote both."""
    start = processes.context.Barrier(6)
    told = processes.run_all(begin_together, [(tmp_path, start, 20)] * 6)
    expected = [f"{number}.sqlite" for number in range(20)]
    assert [(one.result, one.logged) for one in told] == [(expected, ())] * 6


@pytest.mark.parametrize("damage", ["wal", "shm", "both"])
def test_a_damaged_log_costs_its_entries_and_nothing_else(
    tmp_path: Path, processes: Processes, damage: str
) -> None:
    path = tmp_path / "results.sqlite"
    processes.die(die_with_entries_in_the_log, path, 60)
    if damage != "shm":
        log = path.with_name("results.sqlite-wal")
        content = bytearray(log.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 64] = bytes(64)
        log.write_bytes(content)
    if damage != "wal":
        path.with_name("results.sqlite-shm").write_bytes(b"\xff" * 40_000)
    store = ResultStore(path)
    found = [store.get(str(number)) for number in range(60)]
    there = [evaluation is not None for evaluation in found]
    assert there == sorted(there, reverse=True), "what comes after the damage is lost, what was before is not"
    assert 10 < sum(there) < 50 if damage != "shm" else all(there)
    assert all(one is None or one == made_up(number) for number, one in enumerate(found))
    store.put("more", made_up(999))
    store.close()
    again = ResultStore(path)
    assert again.get("more") == made_up(999)
    again.close()


def test_bytes_that_change_are_never_taken_for_numbers(tmp_path: Path) -> None:
    """SQLite has no checksum of its pages: a digit that turns into another would be a wrong answer."""
    chance, right, given_up = random.Random(3), 0, 0
    for attempt in range(25):
        path = tmp_path / str(attempt) / "results.sqlite"
        store = ResultStore(path)
        for number in range(40):
            store.put(str(number), made_up(number))
        store.close()
        content = bytearray(path.read_bytes())
        for _ in range(20):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        store = ResultStore(path)
        for number in range(40):
            found = store.get(str(number))
            assert found in (None, made_up(number))
            right += found is not None
            given_up += found is None
        store.put("more", made_up(999))
        assert bool(store.problem) == (store.get("more") is None)
        store.close()
    assert right > 0 < given_up


def test_one_digit_in_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "results.sqlite"
    store = ResultStore(path)
    store.put("a", made_up(123_456))
    store.close()
    content = path.read_bytes()
    assert content.count(b'"correct":456') == 1
    path.write_bytes(content.replace(b'"correct":456', b'"correct":457'))
    store = ResultStore(path)
    assert store.get("a") is None
    assert "its digest does not match" in caplog.text
    store.put("a", made_up(123_456))
    assert store.get("a") == made_up(123_456)
    store.close()


@pytest.mark.parametrize("version", [-1, 0, 1, SCHEMA_VERSION + 1])
def test_a_store_of_another_version_is_left_alone(
    lab: Path,
    tmp_path: Path,
    specs: Sequence[EditSpec],
    truth: list[list[tuple[str, int, int]]],
    version: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Older or newer: its numbers are not shown, its file is not touched, and it finds it again."""
    path = tmp_path / "results.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr("evaluators.service.result_store.SCHEMA_VERSION", version)
        other = Studio(lab, tmp_path, chunk=CHUNK)
        key = other.lab.key(other.lab.resolve(specs[2]), SCHEMA_VERSION)
        other._results._store.put(key, made_up(1))
        other._results.close()
    content = path.read_bytes()
    for _ in range(2):
        studio = Studio(lab, tmp_path, chunk=CHUNK)
        assert counts(studio.evaluate(specs[2])) == truth[2]
        own = tmp_path / f"results-v{SCHEMA_VERSION}.sqlite"
        assert (studio._results.path, studio._results.problem) == (own, "")
        assert len(studio._results) == 1
        studio._results.close()
    assert path.read_bytes() == content
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    connection.close()


def test_images_prepared_by_another_version_are_not_used(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = read_tasks(lab / "eval" / "tasks.json")[0]
    right = load_subset(lab / "eval", digits, "test", image_size=24)

    def upside_down(*arguments: Any) -> Any:
        subset = prepare(*arguments)
        return type(subset)(subset.images.flip(2).contiguous(), subset.labels)

    prepare = evaluators.data.image_subset._decode
    with monkeypatch.context() as patch:
        patch.setattr("evaluators.data.image_subset.CACHE_VERSION", 0)
        patch.setattr("evaluators.data.image_subset._decode", upside_down)
        older = load_subset(lab / "eval", digits, "test", image_size=24, cache=tmp_path)
    assert not older.images.equal(right.images)
    for _ in range(2):
        assert load_subset(lab / "eval", digits, "test", image_size=24, cache=tmp_path).images.equal(
            right.images
        )
    assert len(list(tmp_path.iterdir())) == 2
