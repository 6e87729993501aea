"""Folders of visitors' checkpoints: after closing, killed processes, disks that refuse, and many threads."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluators.errors import LabError
from evaluators.service.session_checkpoints import SessionCheckpoints
from evaluators.service.session_quota import SessionLimits
from tests.evaluators.service.session_additions import MODEL, added

ROOT = Path(__file__).parents[3]


def test_closing_leaves_nothing(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path)
    added(checkpoints, "a")
    checkpoints.close()
    assert [path.name for path in (tmp_path / "sessions").iterdir()] == ["starting.lock"]
    assert (checkpoints.count, checkpoints.bytes) == (0, 0)


def test_without_a_cache_a_temporary_folder_is_used() -> None:
    checkpoints = SessionCheckpoints(None)
    checkpoint = added(checkpoints, "a")
    home = checkpoint.residual.parents[2]
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    checkpoints.close()
    assert not home.exists()


def test_a_cache_that_cannot_be_written_to_is_an_error_when_a_visitor_adds_something(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("a file in the way")
    checkpoints = SessionCheckpoints(tmp_path)
    with (
        pytest.raises(LabError, match="folder for visitors' checkpoints cannot be created"),
        checkpoints.reserve("a", 1),
    ):
        pass
    assert checkpoints.bytes == 0


PROCESS = """
import sys
from pathlib import Path
from evaluators.service.session_checkpoints import MOST_PAGES, SessionCheckpoints
checkpoints = SessionCheckpoints(Path(sys.argv[1]))
folder = checkpoints.folder("visitor")
(folder / "checkpoint").write_bytes(b"x")
print(folder, flush=True)
sys.stdin.read()
"""


def other_process(folder: Path) -> "tuple[subprocess.Popen[str], Path]":
    """Another process with a visitor's folder on the same cache."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_the_folder_of_a_killed_process_is_deleted_and_that_of_a_living_one_kept(tmp_path: Path) -> None:
    process, folder = other_process(tmp_path)
    try:
        SessionCheckpoints(tmp_path)
        assert (folder / "checkpoint").is_file()
        process.kill()
        process.wait()
        assert (folder / "checkpoint").is_file()
        keeps = tmp_path / "sessions" / "not-ours"
        keeps.mkdir()
        SessionCheckpoints(tmp_path)
        assert not folder.parent.exists()
        assert not folder.parent.with_suffix(".lock").exists()
        assert keeps.is_dir()
    finally:
        process.kill()
        process.communicate()


def test_many_threads_at_once(tmp_path: Path) -> None:
    """Nobody ever sees another's, and at the end everything adds up."""
    checkpoints = SessionCheckpoints(tmp_path, SessionLimits(session_count=3))
    wrong: list[str] = []

    def visit(session: str, act: Callable[[], None]) -> None:
        try:
            for _ in range(10):
                act()
                if any(session not in one.info.key for one in checkpoints.of_model(session, MODEL)):
                    wrong.append(session)
                checkpoints.leave(session)
        except Exception as error:  # noqa: BLE001 -- reported by the main thread
            wrong.append(repr(error))

    threads = [
        threading.Thread(
            target=visit, args=[name, lambda name=name: added(checkpoints, name, f"own-{name}.t")]
        )
        for name in ("anna", "berta", "clara", "dora")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert (checkpoints.count, checkpoints.bytes) == (0, 0)
    assert os.listdir(checkpoints._folders.folder) == []  # type: ignore[union-attr]
