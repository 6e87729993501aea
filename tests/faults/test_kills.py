"""kill -9 at any moment: what was finished stays, what was not is done again, nothing is wrong."""

import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from evaluators.service.result_store import ResultStore
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec

from .children import (
    CHUNK,
    PATIENCE,
    counts,
    die_in_a_transaction,
    die_preparing_images,
    made_up,
    sweep,
    write_on,
)
from .conftest import Processes


def heard(connection: Connection) -> list[Any]:
    """All that a process has said before it was killed."""
    said = []
    try:
        while connection.poll(0):
            said.append(connection.recv())
    except (EOFError, OSError):
        pass
    return said


def wait_for(passes: Path, number: int) -> None:
    """Until so many forward passes have been noted."""
    until = time.monotonic() + PATIENCE
    while not passes.exists() or passes.read_bytes().count(b"\n") < number:
        assert time.monotonic() < until, "the process does not get on"
        time.sleep(0.001)


def rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (number,) = connection.execute("SELECT count(*) FROM results").fetchone()
    finally:
        connection.close()
    return int(number)


def test_a_killed_sweep_goes_on_where_it_was(
    lab: Path,
    tmp_path: Path,
    processes: Processes,
    specs: Sequence[EditSpec],
    truth: list[list[tuple[str, int, int]]],
    known: Callable[[Path, Sequence[EditSpec]], list[Any]],
) -> None:
    chance = random.Random(5)
    cache, finished = tmp_path / "cache", dict[int, Any]()
    in_the_middle = 0
    for attempt in range(5):
        passes = tmp_path / f"passes-{attempt}"
        enough = chance.randint(6, 28) if attempt < 4 else 10**6  # of 121 in all
        process, connection = processes.start(sweep, lab, cache, specs, passes, enough + 2)
        assert connection.poll(PATIENCE)
        assert connection.recv() == "begun"
        if attempt < 4:
            wait_for(passes, enough)
            process.kill()
        process.join(PATIENCE)
        said = heard(connection)
        assert (said[-1:] == ["ended"]) == (attempt == 4)
        points = dict(point for point in said if point != "ended")
        counted = {int(line) for line in passes.read_text().split()} if passes.exists() else set()
        assert not counted & set(finished), "a point that was finished has been measured again"
        assert points.items() >= {n: finished[n] for n in points.keys() & finished.keys()}.items()
        finished |= points
        in_the_middle += 0 < len(finished) < len(specs)
    assert in_the_middle >= 2, "no kill came between two points"
    assert [finished[number] for number in range(len(specs))] == truth
    assert known(cache, specs) == truth
    assert rows(cache / "results.sqlite") == len(specs)
    assert not list(cache.glob("*.part"))


def test_what_a_killed_writer_has_kept_is_kept(tmp_path: Path, processes: Processes) -> None:
    chance, path = random.Random(7), tmp_path / "results.sqlite"
    kept: list[int] = []
    for attempt in range(8):
        process, connection = processes.start(write_on, path, 1000 * attempt)
        assert connection.poll(PATIENCE)
        time.sleep(chance.uniform(0.0, 0.02))
        process.kill()
        process.join(PATIENCE)
        kept += heard(connection)
    assert len(kept) > 8
    assert len(kept) <= rows(path) <= len(kept) + 8
    store = ResultStore(path)
    assert all(store.get(str(number)) == made_up(number) for number in kept)
    assert [one.name for one in tmp_path.iterdir() if not one.name.startswith("results.sqlite")] == []
    store.close()


def test_a_transaction_cut_short_has_not_been(
    tmp_path: Path, processes: Processes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "results.sqlite"
    processes.die(die_in_a_transaction, path)
    store = ResultStore(path)
    assert store.get("before") == made_up(1)
    assert store.get("during") is None
    store.put("during", made_up(2))
    assert store.get("during") == made_up(2)
    assert (store.path, store.problem, caplog.text) == (path, "", "")
    store.close()


@pytest.mark.parametrize("half", [True, False])
def test_images_half_prepared_are_prepared_again(
    lab: Path,
    tmp_path: Path,
    processes: Processes,
    specs: Sequence[EditSpec],
    truth: list[list[tuple[str, int, int]]],
    caplog: pytest.LogCaptureFixture,
    half: bool,
) -> None:
    processes.die(die_preparing_images, lab, tmp_path, half)
    assert len(list(tmp_path.glob("*.part"))) == 1
    assert not list(tmp_path.glob("*.safetensors"))
    studio = Studio(lab, tmp_path, chunk=CHUNK)
    assert counts(studio.evaluate(specs[3])) == truth[3]
    assert len(list(tmp_path.glob("*.safetensors"))) == 3
    assert not list(tmp_path.glob("*.part"))
    assert caplog.text == ""
    studio._results.close()
