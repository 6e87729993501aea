"""Visitors' checkpoints are private to a session, limited by a quota, and deleted with it."""

import stat
import threading
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from evaluators.errors import LabError
from evaluators.labs.lab import CheckpointInfo
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.service.session_checkpoints import SessionCheckpoints
from evaluators.service.session_quota import QuotaError
from tests.evaluators.service.session_additions import MODEL, SMALL, added, find


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
