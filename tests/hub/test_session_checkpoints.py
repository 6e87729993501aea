"""Checkpoints of visitors: private to their session, counted, gone with it; other processes left alone."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from evaluators.errors import LabError
from evaluators.hub.checkpoint_import import LoadedCheckpoint
from evaluators.labs.lab import CheckpointInfo
from evaluators.service.session_checkpoints import QuotaError, SessionCheckpoints, SessionLimits

ROOT = Path(__file__).parents[2]
MODEL = "ViT-B-32"
SMALL = SessionLimits(session_bytes=1000, session_count=2, total_bytes=1500, seconds=60.0)


def named(guests: SessionCheckpoints, session: str, model: str, key: str) -> LoadedCheckpoint | None:
    """The session's checkpoint of that key, None if it has none."""
    return next((one for one in guests.of(session, model) if one.info.key == key), None)


def brought(
    guests: SessionCheckpoints, session: str, key: str = "own-1.mnist", size: int = 100
) -> LoadedCheckpoint:
    """A checkpoint that a session has added, with a real file."""
    with guests.admit(session, size):
        path = guests.room(session) / f"{key}.safetensors"
        save_file({"residual": torch.arange(8.0)}, path)
        checkpoint = LoadedCheckpoint(CheckpointInfo(key, key, "tasks"), path, key)
        guests.add(session, MODEL, checkpoint, size)
    return checkpoint


def test_a_checkpoint_is_its_session_s_alone(tmp_path: Path) -> None:
    guests = SessionCheckpoints(tmp_path)
    of_a, of_b = brought(guests, "a"), brought(guests, "b")  # the same key, the same content
    assert guests.of("a", MODEL) == (of_a,)
    assert named(guests, "b", MODEL, "own-1.mnist") == of_b
    assert of_a.residual != of_b.residual
    assert named(guests, "a", MODEL, "own-2.mnist") is None
    assert guests.of("a", "ViT-L-14") == ()
    assert guests.of("nobody", MODEL) == ()
    guests.leave("a")
    assert not of_a.residual.parent.exists()
    assert of_b.residual.is_file()
    assert (guests.count, guests.bytes) == (1, 100)


@pytest.mark.parametrize("session", ["../../etc", "/etc/passwd", "a\0b", "", "x" * 10**6, "\ud800", "con"])
def test_a_session_s_name_is_never_a_path(tmp_path: Path, session: str) -> None:
    guests = SessionCheckpoints(tmp_path / "cache")
    room = guests.room(session)
    assert room.parent.parent == tmp_path / "cache" / "guests"
    assert len(room.name) == 32
    assert room != SessionCheckpoints(tmp_path / "cache").room(session)
    for folder in (room, room.parent, room.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name for path in tmp_path.iterdir()} == {"cache"}


def test_a_session_has_its_share_and_all_together_have_theirs(tmp_path: Path) -> None:
    guests = SessionCheckpoints(tmp_path, SMALL)
    brought(guests, "a", size=600)
    with pytest.raises(QuotaError, match=r"takes 0\.0 GB and you have used"), guests.admit("a", 500):
        pass
    brought(guests, "a", "own-2.mnist", 400)
    with pytest.raises(QuotaError, match="added 2 checkpoints of 2"), guests.admit("a", 1):
        pass
    with pytest.raises(QuotaError, match="visitors together"), guests.admit("b", 501):
        pass
    guests.leave("a")
    brought(guests, "b", size=501)
    assert guests.bytes == 501


def test_who_is_turned_away_leaves_nothing_behind(tmp_path: Path) -> None:
    guests = SessionCheckpoints(tmp_path, SMALL)
    for number in range(20):
        with pytest.raises(QuotaError), guests.admit(f"visitor {number}", 5000):
            pass
        with pytest.raises(LabError, match="unreadable"), guests.admit(f"visitor {number}", 1):
            raise LabError("unreadable")
    assert guests.bytes == 0
    assert [
        path for folder in (tmp_path / "guests").iterdir() if folder.is_dir() for path in folder.iterdir()
    ] == []


def test_promises_count_before_anything_is_written(tmp_path: Path) -> None:
    """Two uploads at the same moment cannot both take the last of the room."""
    guests = SessionCheckpoints(tmp_path, SMALL)
    admitted, refused = [], []
    start = threading.Barrier(8)
    done = threading.Barrier(8)

    def visit(number: int) -> None:
        start.wait()
        try:
            with guests.admit(f"visitor {number}", 500):
                admitted.append(number)
                done.wait()
        except QuotaError:
            refused.append(number)
            done.wait()

    threads = [threading.Thread(target=visit, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(admitted), len(refused)) == (3, 5)
    assert guests.bytes == 0


def test_one_file_for_two_tasks_takes_its_space_once(tmp_path: Path) -> None:
    guests = SessionCheckpoints(tmp_path)
    first = brought(guests, "a", size=300)
    second = LoadedCheckpoint(CheckpointInfo("own-1.svhn", "", "tasks"), first.residual, "own-1")
    guests.add("a", MODEL, second, 300)
    guests.add("a", MODEL, second, 300)
    assert (guests.count, guests.bytes) == (2, 300)


def test_what_is_not_used_goes_and_what_is_used_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("evaluators.service.session_checkpoints.time.monotonic", lambda: now)
    forgotten: list[tuple[str, LoadedCheckpoint]] = []
    guests = SessionCheckpoints(tmp_path, SMALL, lambda model, one: forgotten.append((model, one)))
    used, idle = brought(guests, "used"), brought(guests, "idle")
    now += 50.0
    assert named(guests, "used", MODEL, used.info.key) == used
    now += 20.0
    guests.expire()
    assert forgotten == [(MODEL, idle)]
    assert guests.of("idle", MODEL) == ()
    assert not idle.residual.exists()
    assert used.residual.exists()
    now += 61.0
    with guests.admit("another", 1):
        assert not used.residual.exists()  # whoever comes needs no one to call for it


def test_a_count_under_way_keeps_what_it_has_mapped(tmp_path: Path) -> None:
    guests = SessionCheckpoints(tmp_path)
    checkpoint = brought(guests, "a")
    with safe_open(checkpoint.residual, "pt") as stored:
        mapped = stored.get_tensor("residual")
        guests.leave("a")
        assert not checkpoint.residual.exists()
        assert torch.equal(mapped, torch.arange(8.0))
        assert torch.equal(stored.get_tensor("residual"), torch.arange(8.0))


def test_a_page_closed_while_its_file_is_read_leaves_nothing(tmp_path: Path) -> None:
    """The residual is written after its room was deleted: the writer makes the folder anew."""
    guests = SessionCheckpoints(tmp_path)
    other = brought(guests, "b")
    for comes_back in (False, True):
        with guests.admit("a", 100):
            room = guests.room("a")
            guests.leave("a")
            room.mkdir()
            save_file({"residual": torch.zeros(1)}, room / "late.safetensors")
            if comes_back:
                guests.room("a")
            late = LoadedCheckpoint(CheckpointInfo("late", "", "tasks"), room / "late.safetensors", "late")
            with pytest.raises(LabError, match="closed while"):
                guests.add("a", MODEL, late, 100)
        assert not room.exists()
    stolen = LoadedCheckpoint(other.info, other.residual, "")
    with pytest.raises(LabError, match="closed while"):
        guests.add("a", MODEL, stolen, 100)
    assert other.residual.is_file()
    assert guests.of("a", MODEL) == ()


def test_closing_leaves_nothing(tmp_path: Path) -> None:
    guests = SessionCheckpoints(tmp_path)
    brought(guests, "a")
    guests.close()
    assert [path.name for path in (tmp_path / "guests").iterdir()] == ["starting.lock"]
    assert (guests.count, guests.bytes) == (0, 0)


def test_without_a_cache_there_is_a_temporary_place() -> None:
    guests = SessionCheckpoints(None)
    checkpoint = brought(guests, "a")
    home = checkpoint.residual.parents[2]
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    guests.close()
    assert not home.exists()


def test_a_cache_that_cannot_be_written_is_told_when_a_visitor_brings_something(tmp_path: Path) -> None:
    (tmp_path / "guests").write_text("a file in the way")
    guests = SessionCheckpoints(tmp_path)
    with pytest.raises(LabError, match="no place for checkpoints of visitors"), guests.admit("a", 1):
        pass
    assert guests.bytes == 0


LIVES = """
import sys
from pathlib import Path
from evaluators.service.session_checkpoints import SessionCheckpoints
guests = SessionCheckpoints(Path(sys.argv[1]))
room = guests.room("visitor")
(room / "checkpoint").write_bytes(b"x")
print(room, flush=True)
sys.stdin.read()
"""


def living(folder: Path) -> "tuple[subprocess.Popen[str], Path]":
    """Another process with a visitor's room on the same cache."""
    process = subprocess.Popen(
        [sys.executable, "-c", LIVES, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_killed_process_is_swept_after_and_a_living_one_left_alone(tmp_path: Path) -> None:
    process, room = living(tmp_path)
    try:
        SessionCheckpoints(tmp_path)
        assert (room / "checkpoint").is_file()
        process.kill()
        process.wait()
        assert (room / "checkpoint").is_file()
        keeps = tmp_path / "guests" / "not-ours"
        keeps.mkdir()
        SessionCheckpoints(tmp_path)
        assert not room.parent.exists()
        assert not room.parent.with_suffix(".lock").exists()
        assert keeps.is_dir()
    finally:
        process.kill()
        process.communicate()


def test_all_at_once_from_many_threads(tmp_path: Path) -> None:
    """Nobody ever sees another's, and at the end everything adds up."""
    guests = SessionCheckpoints(tmp_path, SessionLimits(session_count=3))
    wrong: list[str] = []

    def visit(session: str, act: Callable[[], None]) -> None:
        try:
            for _ in range(10):
                act()
                if any(session not in one.info.key for one in guests.of(session, MODEL)):
                    wrong.append(session)
                guests.leave(session)
        except Exception as error:  # noqa: BLE001 -- told by the main thread
            wrong.append(repr(error))

    threads = [
        threading.Thread(target=visit, args=[name, lambda name=name: brought(guests, name, f"own-{name}.t")])
        for name in ("anna", "berta", "clara", "dora")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert (guests.count, guests.bytes) == (0, 0)
    assert os.listdir(guests._rooms.folder) == []  # type: ignore[union-attr]
