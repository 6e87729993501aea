"""Visitors' checkpoints are private to a session, limited by a quota, and deleted with it."""

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
from evaluators.labs.lab import CheckpointInfo
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.service.session_checkpoints import MOST_PAGES, SessionCheckpoints
from evaluators.service.session_entry import Added, key_of
from evaluators.service.session_quota import QuotaError, SessionLimits

ROOT = Path(__file__).parents[3]
MODEL = "ViT-B-32"
SMALL = SessionLimits(session_bytes=1000, session_count=2, total_bytes=1500, seconds=60.0, grace=10.0)


def find(checkpoints: SessionCheckpoints, session: str, model: str, key: str) -> LoadedCheckpoint | None:
    """The session's checkpoint of that key, None if it has none."""
    return next((one for one in checkpoints.of_model(session, model) if one.info.key == key), None)


def added(
    checkpoints: SessionCheckpoints, session: str, key: str = "own-1.mnist", size: int = 100
) -> LoadedCheckpoint:
    """A checkpoint that a session has added, with a real file."""
    with checkpoints.reserve(session, size):
        path = checkpoints.folder(session) / f"{key}.safetensors"
        save_file({"residual": torch.arange(8.0)}, path)
        checkpoint = LoadedCheckpoint(CheckpointInfo(key, key, "tasks"), path, key)
        checkpoints.add(session, MODEL, checkpoint, size)
    return checkpoint


def test_a_checkpoint_is_its_session_s_alone(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path)
    of_a, of_b = added(checkpoints, "a"), added(checkpoints, "b")  # the same key, the same content
    assert checkpoints.of_model("a", MODEL) == (of_a,)
    assert find(checkpoints, "b", MODEL, "own-1.mnist") == of_b
    assert of_a.residual != of_b.residual
    assert find(checkpoints, "a", MODEL, "own-2.mnist") is None
    assert checkpoints.of_model("a", "ViT-L-14") == ()
    assert checkpoints.of_model("nobody", MODEL) == ()
    checkpoints.leave("a")
    assert not of_a.residual.parent.exists()
    assert of_b.residual.is_file()
    assert (checkpoints.count, checkpoints.bytes) == (1, 100)


@pytest.mark.parametrize("session", ["../../etc", "/etc/passwd", "a\0b", "", "x" * 10**6, "\ud800", "con"])
def test_a_session_s_name_is_never_a_path(tmp_path: Path, session: str) -> None:
    checkpoints = SessionCheckpoints(tmp_path / "cache")
    folder = checkpoints.folder(session)
    assert folder.parent.parent == tmp_path / "cache" / "sessions"
    assert len(folder.name) == 32
    assert folder != SessionCheckpoints(tmp_path / "cache").folder(session)
    for path in (folder, folder.parent, folder.parent.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert {path.name for path in tmp_path.iterdir()} == {"cache"}


def test_quota_of_a_session_and_of_all_together(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path, SMALL)
    added(checkpoints, "a", size=600)
    with pytest.raises(QuotaError, match=r"takes 0\.0 GB and you have used"), checkpoints.reserve("a", 500):
        pass
    added(checkpoints, "a", "own-2.mnist", 400)
    with (
        pytest.raises(QuotaError, match="added 2 checkpoints and tasks, 2 are kept"),
        checkpoints.reserve("a", 1),
    ):
        pass
    with pytest.raises(QuotaError, match="visitors together"), checkpoints.reserve("b", 501):
        pass
    checkpoints.leave("a")
    added(checkpoints, "b", size=501)
    assert checkpoints.bytes == 501


def test_a_refused_import_leaves_nothing_behind(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path, SMALL)
    for number in range(20):
        with pytest.raises(QuotaError), checkpoints.reserve(f"visitor {number}", 5000):
            pass
        with pytest.raises(LabError, match="unreadable"), checkpoints.reserve(f"visitor {number}", 1):
            raise LabError("unreadable")
    assert checkpoints.bytes == 0
    assert [
        path for folder in (tmp_path / "sessions").iterdir() if folder.is_dir() for path in folder.iterdir()
    ] == []


def test_reservations_count_before_anything_is_written(tmp_path: Path) -> None:
    """Two uploads at the same moment cannot both take the last of the quota."""
    checkpoints = SessionCheckpoints(tmp_path, SMALL)
    admitted, refused = [], []
    start = threading.Barrier(8)
    done = threading.Barrier(8)

    def visit(number: int) -> None:
        start.wait()
        try:
            with checkpoints.reserve(f"visitor {number}", 500):
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
    assert checkpoints.bytes == 0


def test_one_file_for_two_tasks_takes_its_space_once(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path)
    first = added(checkpoints, "a", size=300)
    second = LoadedCheckpoint(CheckpointInfo("own-1.svhn", "", "tasks"), first.residual, "own-1")
    checkpoints.add("a", MODEL, second, 300)
    checkpoints.add("a", MODEL, second, 300)
    assert (checkpoints.count, checkpoints.bytes) == (2, 300)


def test_unused_checkpoints_expire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("evaluators.service.session_checkpoints.time.monotonic", lambda: now)
    deleted: list[tuple[str, Added]] = []
    checkpoints = SessionCheckpoints(tmp_path, SMALL, lambda model, one: deleted.append((model, one)))
    used, idle = added(checkpoints, "used"), added(checkpoints, "idle")
    now += 50.0
    checkpoints.use("used")
    assert find(checkpoints, "idle", MODEL, idle.info.key) == idle, "a look is no use"
    now += 20.0
    checkpoints.expire()
    assert deleted == [(MODEL, idle)]
    assert checkpoints.of_model("idle", MODEL) == ()
    assert not idle.residual.exists()
    assert used.residual.exists()
    now += 61.0
    with checkpoints.reserve("another", 1):
        assert not used.residual.exists()


def test_a_reloaded_page_has_its_checkpoints_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload lost what the visitor had added; the old page may be reported closed before or after it."""
    now = 1000.0
    monkeypatch.setattr("evaluators.service.session_checkpoints.time.monotonic", lambda: now)
    checkpoints = SessionCheckpoints(tmp_path, SMALL)
    assert checkpoints.token("nobody") == ""
    mine = added(checkpoints, "page 1")
    token = checkpoints.token("page 1")
    assert token == checkpoints.token("page 1")

    checkpoints.leave("page 1")
    now += 9.0
    assert checkpoints.resume("page 2", token)
    assert checkpoints.of_model("page 2", MODEL) == (mine,)
    assert checkpoints.of_model("page 1", MODEL) == ()
    assert checkpoints.resume("page 3", token)
    checkpoints.leave("page 2")
    now += 30.0
    checkpoints.expire()
    assert checkpoints.of_model("page 3", MODEL) == (mine,), "page 3 is open"
    assert (checkpoints.count, checkpoints.bytes) == (1, 100)

    checkpoints.leave("page 3")
    now += 5.0
    checkpoints.use("page 3")  # a lost connection, no new page
    now += 6.0
    checkpoints.expire()
    assert checkpoints.of_model("page 3", MODEL) == (mine,)

    checkpoints.leave("page 3")
    now += 11.0
    assert not checkpoints.resume("page 4", token)
    assert not mine.residual.parent.exists()
    assert (checkpoints.count, checkpoints.bytes) == (0, 0)


def test_a_token_opens_one_visitor_s_checkpoints_only(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path)
    mine, yours = added(checkpoints, "mine"), added(checkpoints, "yours")
    for guess in ("", "x", "\ud800", "y" * 10**6):
        assert not checkpoints.resume("guest", guess)
    assert checkpoints.of_model("guest", MODEL) == ()
    assert not checkpoints.resume("yours", checkpoints.token("mine")), "it has others already"
    assert checkpoints.of_model("yours", MODEL) == (yours,)
    assert checkpoints.resume("mine", checkpoints.token("mine"))
    assert checkpoints.of_model("mine", MODEL) == (mine,)


def test_pages_that_share_a_token_share_its_quota_and_are_limited(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path, SMALL)
    mine = added(checkpoints, "page 0", size=600)
    token = checkpoints.token("page 0")
    for number in range(1, 3 * MOST_PAGES):
        assert checkpoints.resume(f"page {number}", token)
    assert len(checkpoints._sessions) == MOST_PAGES
    assert checkpoints.of_model("page 0", MODEL) == ()
    last = f"page {3 * MOST_PAGES - 1}"
    assert checkpoints.of_model(last, MODEL) == (mine,)
    with pytest.raises(QuotaError, match="you have used"), checkpoints.reserve(last, 500):
        pass
    assert checkpoints.bytes == 600


def test_what_closed_pages_have_left_makes_room(tmp_path: Path) -> None:
    """Nobody is refused for the sake of a page that may come back; of those the longest closed goes first."""
    deleted: list[str] = []
    checkpoints = SessionCheckpoints(tmp_path, SMALL, lambda model, one: deleted.append(key_of(one)))
    for name in ("open", "first", "second"):
        added(checkpoints, name, name, 500)
    tokens = {name: checkpoints.token(name) for name in ("first", "second")}
    for name in tokens:
        checkpoints.leave(name)
    added(checkpoints, "new", "new", 400)
    assert deleted == ["first"]
    assert checkpoints.resume("second again", tokens["second"])
    with pytest.raises(QuotaError, match="visitors together"), checkpoints.reserve("newer", 500):
        pass
    assert deleted == ["first"]


def test_closing_a_page_stops_its_imports_though_its_checkpoints_stay(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path)
    mine = added(checkpoints, "a")
    token = checkpoints.token("a")
    with checkpoints.reserve("a", 100) as left:
        checkpoints.leave("a")
        assert left.is_set()
    assert checkpoints.resume("b", token)
    assert checkpoints.of_model("b", MODEL) == (mine,)
    with checkpoints.reserve("b", 100) as left:
        assert not left.is_set()


def test_a_count_under_way_keeps_what_it_has_mapped(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path)
    checkpoint = added(checkpoints, "a")
    with safe_open(checkpoint.residual, "pt") as stored:
        mapped = stored.get_tensor("residual")
        checkpoints.leave("a")
        assert not checkpoint.residual.exists()
        assert torch.equal(mapped, torch.arange(8.0))
        assert torch.equal(stored.get_tensor("residual"), torch.arange(8.0))


def test_a_page_closed_while_its_file_is_read_leaves_nothing(tmp_path: Path) -> None:
    """The residual is written after its folder was deleted: the writer makes the folder anew."""
    checkpoints = SessionCheckpoints(tmp_path)
    other = added(checkpoints, "b")
    for comes_back in (False, True):
        with checkpoints.reserve("a", 100):
            folder = checkpoints.folder("a")
            checkpoints.leave("a")
            folder.mkdir()
            save_file({"residual": torch.zeros(1)}, folder / "late.safetensors")
            if comes_back:
                checkpoints.folder("a")
            late = LoadedCheckpoint(CheckpointInfo("late", "", "tasks"), folder / "late.safetensors", "late")
            with pytest.raises(LabError, match="closed while"):
                checkpoints.add("a", MODEL, late, 100)
        assert not folder.exists()
    stolen = LoadedCheckpoint(other.info, other.residual, "")
    with pytest.raises(LabError, match="closed while"):
        checkpoints.add("a", MODEL, stolen, 100)
    assert other.residual.is_file()
    assert checkpoints.of_model("a", MODEL) == ()


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
