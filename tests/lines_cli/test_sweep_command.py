"""`lines sweep`: what it measures is what the studio measures, also after the process was killed."""

import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pyarrow.parquet
import pytest

from evaluators import EditSpec, Studio
from evaluators.experiments.sweep_plans.outlook import measured_pace
from evaluators.experiments.sweep_plans.paper_tables import PAPER_TABLES
from lines_cli import sweep_command
from lines_cli.__main__ import main
from tests.conftest import CHUNK
from tests.held_sweep import held_at
from tests.waiting import WATCHDOG, soon

GRID = "--gamma 0:1:0.1 --split val,test".split()
POSITIONS = 44
"""Eleven gammas on two splits of two checkpoints."""


@pytest.fixture(autouse=True)
def small_lab(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small lab is the embedded one, sampled for a moment, and relative paths lead to an empty folder."""
    monkeypatch.setattr(sweep_command, "app_folder", lambda: tmp_path)
    monkeypatch.setattr(sweep_command, "measured_pace", partial(measured_pace, seconds=0.1))
    (tmp_path / "assets").symlink_to(lab)
    monkeypatch.chdir(tmp_path)


def status(*arguments: object) -> int:
    return main(["sweep", "--cache", "cache", "--device", "cpu", *map(str, arguments)])


def rows(path: str = "sweep.parquet") -> list[dict[str, object]]:
    found: list[dict[str, object]] = pyarrow.parquet.read_table(path).to_pylist()
    return found


def test_a_grid_is_counted_and_written(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(*GRID, "--dry-run") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"tiny-clip: {POSITIONS} positions, 0 known, {POSITIONS} to count on ")
    assert " images a second (a sample of " in said
    assert not Path("sweep.parquet").exists()

    assert status(*GRID) == 0
    printed = capsys.readouterr()
    assert f"Wrote sweep.parquet: {3 * POSITIONS} rows of {POSITIONS} positions." in printed.out
    assert "`lines app` with that --cache shows them without counting" in printed.out
    assert "0 known" not in printed.err, "the sample has counted some"
    studio = Studio(lab, None, chunk=CHUNK)
    for row in rows()[::20]:
        evaluation = studio.evaluate(EditSpec.from_dict(json.loads(str(row["spec"]))))
        (task,) = [task for task in evaluation.tasks if task.key == row["task"]]
        assert (row["correct"], row["n"]) == (task.correct, task.n)

    assert status(*GRID, "-o", "again.parquet") == 0
    assert f"{POSITIONS} known, 0 to count on 0 images" in capsys.readouterr().err
    assert [(row["spec"], row["correct"]) for row in rows("again.parquet")] == [
        (row["spec"], row["correct"]) for row in rows()
    ]


def test_it_says_where_results_are_and_where_not(capsys: pytest.CaptureFixture[str]) -> None:
    """It once said that they were in a file of another program, and ``--out ""`` was a traceback."""
    for out in ("", "assets"):
        assert status("--gamma", 1, "--out", out) == 1
        assert "--out must be a file, got the folder" in capsys.readouterr().err
    Path("a file").touch()
    assert status("--gamma", 1, "--out", "a file/sweep.parquet") == 1
    assert "a file cannot be used: " in capsys.readouterr().err
    assert not Path("cache").exists(), "it has counted before it said so"
    Path("cache").mkdir()
    Path("cache/results.sqlite").write_text("of another program")
    assert status("--gamma", 1, "--images", 5) == 0
    said = capsys.readouterr().out
    assert "They are nowhere else: " in said
    assert "results.sqlite too" not in said
    assert Path("cache/results.sqlite").read_text() == "of another program"


def test_a_table_of_the_paper(capsys: pytest.CaptureFixture[str]) -> None:
    assert status("table1", "--images", 12) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[-3:] == ["pre-trained", "fine-tuned", "LiNeS"]
    assert [line.split()[0] for line in lines[1:3]] == ["digits", "faces"]
    note = "of each task; the report in assets takes all, as --images 0 does."
    assert lines[3] == f"On 12 images {note}", "C.1 chooses other gammas than in the report"
    assert status("table1", "--images", 0) == 0
    assert note not in capsys.readouterr().out


@pytest.mark.parametrize("table", PAPER_TABLES)
def test_a_dry_run_of_each_table_counts_its_positions(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(table, "--images", 12, "--dry-run") == 0
    said = capsys.readouterr().out
    assert re.match(r"tiny-clip: [1-9]\d* positions, \d+ known, [1-9]\d* to count on [1-9]", said)
    assert not Path("sweep.parquet").exists()


@pytest.mark.parametrize("plan", ["table3", "nowhere.yaml"])
def test_what_is_neither_a_table_nor_a_file(plan: str, capsys: pytest.CaptureFixture[str]) -> None:
    """``table3`` once was a file that cannot be read: no such file or directory."""
    for options in ((), ("--images", 5)):
        assert status(plan, *options) == 1
        said = capsys.readouterr().err
        assert f"Expected one of the tables {', '.join(PAPER_TABLES)} or a YAML file, got {plan!r}." in said


def test_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.yaml").write_text(
        "images: 12\nsweeps:\n- {merge: all, method: ties, alpha: auto, beta: 0.5}\n"
    )
    assert status("mine.yaml") == 0
    assert len(rows()) == 3
    assert status("mine.yaml", "--gamma", 1) == 1
    assert "The file says what is measured: leave --gamma out." in capsys.readouterr().err
    assert status("table1", "--gamma", 1) == 1
    assert "table1 says what is measured: leave --gamma out." in capsys.readouterr().err
    assert status("--checkpoint", "digits,nothing") == 1
    assert "There is no checkpoint 'nothing'" in capsys.readouterr().err


DRIVER = """
import sys
from pathlib import Path
from lines_cli import sweep_command
from lines_cli.__main__ import main
import torch
torch.set_num_threads(1)
sweep_command.app_folder = lambda: Path(sys.argv[1])
sys.exit(main(["sweep", "--cache", "cache", "--device", "cpu", *sys.argv[2:]]))
"""


def test_a_sweep_that_was_killed_goes_on(
    lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL, which no handler sees: what was complete is known afterwards, and nothing is counted twice."""
    store = tmp_path / "cache" / "results.sqlite"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", held_at(20) + DRIVER, str(tmp_path), *GRID, "--images", "42"]
    driver = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        soon(lambda: _stored(store) >= 3, WATCHDOG, pause=0.05)
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
    kept = _stored(store)
    assert not Path("sweep.parquet").exists()

    assert status(*GRID, "--images", 42) == 0
    assert f"{kept} known, " in capsys.readouterr().err
    assert _stored(store) == POSITIONS, "nothing lost, nothing doubled"
    assert len({row["spec"] for row in rows()}) == POSITIONS


def _stored(path: Path) -> int:
    """Complete evaluations in a store."""
    import sqlite3

    if not path.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM results").fetchone()[0])
    except sqlite3.OperationalError:  # not created yet
        return 0


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("somewhere", "--ray takes auto or the HOST:PORT of a cluster's head, got 'somewhere'"),
        ("127.0.0.1:99999", "--ray takes auto or the HOST:PORT"),
        ("127.0.0.1:1", "No Ray cluster answers at 127.0.0.1:1: Connection refused. `ray start --head"),
    ],
)
def test_a_wrong_cluster_is_refused(address: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status("--gamma", 1, "--ray", address) == 1
    assert reason in capsys.readouterr().err
