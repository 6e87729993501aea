"""A disk that is full or read-only: the numbers are right, and the page can say what is wrong."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.atomic_write import atomic_write

from .children import (
    CHUNK,
    measure_read_only,
    measure_with_small_files,
    measure_without_room,
    read_without_permission,
)
from .conftest import Processes

Counts = list[list[tuple[str, int, int]]]


@pytest.mark.parametrize(
    ("work", "reason"),
    [(measure_without_room, "full|unable to open"), (measure_with_small_files, "disk I/O error|full")],
)
def test_a_full_disk_switches_the_store_off(
    lab: Path,
    tmp_path: Path,
    processes: Processes,
    specs: Sequence[EditSpec],
    truth: Counts,
    work: Callable[..., object],
    reason: str,
) -> None:
    told = processes.run(work, lab, tmp_path, specs)
    result = told.result
    assert result["told"] == truth
    assert any(one in result["problem"] for one in reason.split("|")), result["problem"]
    assert not [name for name in result["files"] if name.endswith((".part", ".safetensors"))]
    said = [line for line in told.logged if "result store" in line]
    assert len(said) == 1, said
    assert "is switched off until the next start" in said[0]
    assert len([line for line in told.logged if "could not be cached" in line]) == 1, "not one a task"
    assert result["kept"] == truth, "kept in memory"
    assert result["again"] == truth[-1], "the next start stores results again"
    assert result["problem again"] == ""


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")

    def write(part: Path) -> None:
        part.write_bytes(b"half")
        with open("/dev/full", "wb", buffering=0) as stream:
            stream.write(b"the other half")

    path = tmp_path / "deep" / "file.json"
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, write)
    assert list(path.parent.iterdir()) == []
    atomic_write(path, lambda part: part.write_bytes(b"old"))
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, write)
    assert [(one.name, one.read_bytes()) for one in path.parent.iterdir()] == [("file.json", b"old")]


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    """The first to finish removes what it takes for a leftover, and the second does not mind."""
    path = tmp_path / "file"

    def slow(part: Path) -> None:
        part.write_bytes(b"content")
        atomic_write(path, lambda other: other.write_bytes(b"content"))
        assert not part.exists()

    atomic_write(path, slow)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"content")]


@pytest.mark.parametrize(
    ("mounted", "used_before"),
    [(True, False), (False, False), (False, True)],
    ids=["disk", "folder", "folder used before"],
)
def test_a_read_only_cache_is_done_without(
    lab: Path,
    tmp_path: Path,
    processes: Processes,
    specs: Sequence[EditSpec],
    truth: Counts,
    mounted: bool,
    used_before: bool,
) -> None:
    if used_before:
        before = Studio(lab, tmp_path, chunk=CHUNK)
        before.evaluate(specs[0])
        before._results.close()
    tmp_path.chmod(0o555)
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    try:
        told = processes.run(measure_read_only, lab, tmp_path, specs[:3], mounted)
    finally:
        tmp_path.chmod(0o755)
    assert told.result["told"] == told.result["again"] == truth[:3]
    assert told.result["problem"] == "its folder cannot be written to"
    said = [line for line in told.logged if "result store" in line]
    assert len(said) == 1, said
    with suppress(FileNotFoundError):
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_an_unreadable_cache_is_done_without(
    lab: Path, tmp_path: Path, processes: Processes, specs: Sequence[EditSpec]
) -> None:
    """A folder of another user: not even whether a file is there can be asked."""
    before = Studio(lab, tmp_path, chunk=CHUNK)
    before.evaluate(specs[0])
    before._results.close()
    tmp_path.chmod(0o000)
    try:
        told = processes.run(read_without_permission, lab, tmp_path)
    finally:
        tmp_path.chmod(0o755)
    assert told.result == (42, None, "its folder cannot be written to")
    assert len([line for line in told.logged if "result store" in line]) == 1
