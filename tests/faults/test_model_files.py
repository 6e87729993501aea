"""Edits and merges of model files that are killed or run out of disk: whole or not at all, then continued."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from lines_core import edit_files, merge_files
from lines_core.large_files import pieces, staged_output
from tests.faults.children import PATIENCE
from tests.faults.confinement import mount_private_disk
from tests.faults.conftest import Processes
from tests.lines_core.checkpoints.equality import equal
from tests.lines_core.large_files.models import (
    files_of,
    finetuning_of,
    random_model,
    read_folder,
    write_folder,
)

SHARDS = 5
DISK = 64 * 1024


def write(to: Any, work: str, folder: Path, out: Path) -> None:
    """Edit or merge in small pieces, and tell each; in a process of its own, which a test may kill."""
    pieces.PIECE = 8
    edit_or_merge(to, work, folder, out)


def edit_or_merge(to: Any, work: str, folder: Path, out: Path) -> None:
    """Edit or merge, and wait after each piece for a word."""

    def progress(done: int, total: int) -> None:
        to.send((done, total))
        to.recv()  # the other side goes on, or kills

    if work == "edit":
        edit_files(folder / "p", folder / "f0", out, alpha=0.4, beta=0.6, progress=progress)
    else:
        merge_files(folder / "p", [folder / "f0", folder / "f1"], out, beta=0.5, progress=progress)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    pretrained = random_model(0)
    write_folder(tmp_path / "p", pretrained, SHARDS)
    for number in range(2):
        write_folder(tmp_path / f"f{number}", finetuning_of(pretrained, 1 + number), SHARDS)
    return tmp_path


@pytest.mark.parametrize("work", ["edit", "merge"])
def test_killed_again_and_again_it_comes_to_the_same_end(
    models: Path, processes: Processes, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE", 8)
    edit_or_merge(_Deaf(), work, models, models / "expected")
    out, killed, finished = models / "out", 0, 0
    while not out.exists():
        process, connection = processes.start(write, work, models, out)
        progressed = 0
        try:
            while connection.poll(PATIENCE):
                connection.recv()
                progressed += 1
                (staged,) = list(models.glob(".out.*.part")) or [models / "none yet"]
                shards = len(list(staged.glob("*.safetensors")))
                if shards > finished:
                    finished = shards
                    assert not out.exists()
                    os.kill(process.pid or 0, signal.SIGKILL)
                    killed += 1
                    break
                connection.send("go on")
        except EOFError:
            pass  # it has ended by itself
        process.join(PATIENCE)
        assert progressed, "it does not get on"
    assert killed >= 2
    assert equal(read_folder(out), read_folder(models / "expected"))
    assert files_of(out) == files_of(models / "expected")
    assert not list(models.glob(".out.*")), "nothing is left beside it"


class _Deaf:
    def send(self, _: object) -> None:
        pass

    def recv(self) -> None:
        pass


def edit_on_a_small_disk(folder: Path, disk: Path) -> dict[str, Any]:
    """Edit on a disk that others fill meanwhile, then once more when there is room."""
    mount_private_disk(disk, DISK)
    filler = disk / "filler"

    def fill(done: int, total: int) -> None:
        if done > total // 2 and not filler.exists():
            with suppress(OSError), filler.open("wb", buffering=0) as stream:
                while True:
                    stream.write(bytes(512))

    pieces.PIECE, staged_output.SPARE = 512, 0
    arguments = folder / "p", folder / "f0", disk / "out"
    problem, staged = "", []
    try:
        edit_files(*arguments, alpha=0.4, beta=0.6, progress=fill)
    except OSError as error:
        problem = error.strerror or ""
        staged = [path.name for part in disk.glob(".out.*.part") for path in part.iterdir()]
    there = (disk / "out").exists()
    filler.unlink()
    edit_files(*arguments, alpha=0.4, beta=0.6)
    whole = {path.name: path.read_bytes() for path in (disk / "out").iterdir()}
    left = sorted(path.name for path in disk.iterdir())
    return {"problem": problem, "staged": staged, "there": there, "whole": whole, "left": left}


def test_a_disk_that_fills_up_meanwhile(tmp_path: Path, processes: Processes) -> None:
    generator = torch.Generator().manual_seed(0)
    pretrained = {f"h.{block}.w": torch.randn(1024, generator=generator) for block in range(SHARDS)}
    write_folder(tmp_path / "p", pretrained, SHARDS)
    write_folder(tmp_path / "f0", finetuning_of(pretrained, 1), SHARDS)
    (tmp_path / "disk").mkdir()
    found = processes.run(edit_on_a_small_disk, tmp_path, tmp_path / "disk").result
    assert "No space left" in found["problem"]
    assert not found["there"]
    assert 0 < len(found["staged"]) < SHARDS
    assert all(name.endswith(".safetensors") for name in found["staged"]), "no half file is kept"
    out = edit_files(tmp_path / "p", tmp_path / "f0", tmp_path / "out", alpha=0.4, beta=0.6)
    assert found["whole"] == {path.name: path.read_bytes() for path in out.iterdir()}
    assert found["left"] == ["out"]
