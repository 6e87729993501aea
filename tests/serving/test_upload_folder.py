"""Unused uploads are deleted, whatever the system clock does."""

import os
from pathlib import Path

import pytest

from serving.upload_folder import UploadSweeper, stored_and_free_bytes


class Clock:
    """A clock that tests advance."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def uploaded(folder: Path, name: str = "a.safetensors", content: bytes = b"x" * 10) -> Path:
    """A file as Gradio stores it."""
    path = folder / ("f" * 60 + name[:1]) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_unused_files_expire(tmp_path: Path, clock: Clock) -> None:
    sweeper = UploadSweeper(tmp_path, 900.0, clock)
    old = uploaded(tmp_path)
    part = tmp_path / "tmpabc"  # left by an interrupted upload
    part.write_bytes(b"x")
    assert sweeper.sweep() == 0
    clock.now += 500.0
    new = uploaded(tmp_path, "b.pt")
    assert sweeper.sweep() == 0
    clock.now += 400.0
    assert sweeper.sweep() == 2
    assert not old.exists()
    assert not part.exists()
    assert new.exists()
    clock.now += 900.0
    assert sweeper.sweep() == 1
    clock.now += 900.0
    sweeper.sweep()
    assert list(tmp_path.iterdir()) == []  # the folders too, once they were empty for as long
    assert tmp_path.is_dir()


def test_changed_files_are_kept(tmp_path: Path, clock: Clock) -> None:
    sweeper = UploadSweeper(tmp_path, 900.0, clock)
    grows, touched = uploaded(tmp_path), uploaded(tmp_path, "b.pt")
    sweeper.sweep()
    for number in range(5):
        clock.now += 600.0
        with grows.open("ab") as stream:
            stream.write(b"x")
        os.utime(touched, (number, number))
        assert sweeper.sweep() == 0
    clock.now += 900.0
    assert sweeper.sweep() == 2


@pytest.mark.parametrize("written", [0.0, 1e9, 1e10], ids=["1970", "2001", "2286"])
def test_modification_times_do_not_matter(tmp_path: Path, clock: Clock, written: float) -> None:
    """A clock that jumps ahead must not delete a running upload; one that jumps back must not keep it."""
    sweeper = UploadSweeper(tmp_path, 900.0, clock)
    path = uploaded(tmp_path)
    os.utime(path, (written, written))
    assert sweeper.sweep() == 0
    clock.now += 899.0
    assert sweeper.sweep() == 0
    clock.now += 1.0
    assert sweeper.sweep() == 1


def test_links_are_removed_and_never_followed(tmp_path: Path, clock: Clock) -> None:
    folder, elsewhere = tmp_path / "uploads", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    kept = elsewhere / "kept"
    kept.write_text("kept")
    (folder / "file").symlink_to(kept)
    (folder / "folder").symlink_to(elsewhere, target_is_directory=True)
    sweeper = UploadSweeper(folder, 1.0, clock)
    sweeper.sweep()
    clock.now += 1.0
    assert sweeper.sweep() == 2
    assert kept.read_text() == "kept"
    assert list(folder.iterdir()) == []


def test_a_folder_may_not_exist_yet(tmp_path: Path) -> None:
    assert UploadSweeper(tmp_path / "not" / "yet").sweep() == 0
    stored, free = stored_and_free_bytes(tmp_path / "not" / "yet")
    assert stored == 0
    assert free > 0


def test_all_files_count(tmp_path: Path) -> None:
    uploaded(tmp_path)
    uploaded(tmp_path, "b.pt", b"x" * 90)
    (tmp_path / "tmpabc").write_bytes(b"x" * 900)
    assert stored_and_free_bytes(tmp_path)[0] == 1000
