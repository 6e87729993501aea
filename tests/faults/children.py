"""What the processes do that the tests start, and often kill. Every function here runs in one of its own."""

import itertools
import logging
import os
import resource
import signal
import sqlite3
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Barrier
from typing import Any

import datasets  # noqa: F401 - read once, before the processes are forked, and not by each of them
import pyarrow.parquet  # noqa: F401 - as above
import safetensors.torch
import torch

from evaluators.data.image_subset import load_subset
from evaluators.data.task_list import read_tasks
from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.experiments.sweeps import run_sweep
from evaluators.service import result_store
from evaluators.service.result_store import ResultStore
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult
from lines_core import atomic_write as whole_files
from tests.faults.confinement import CannotConfine, mount_private_disk, obey_permissions, remount_read_only

import_open_clip()

CHUNK = 12
PATIENCE = 300.0
"""Seconds until a test gives up waiting for a process: generous, since tests share the machine."""
SIZE = 256 * 1024
"""Bytes of the small disk: enough for a new store and its log, not for images and a full sweep."""


@dataclass(frozen=True)
class Told:
    """What a process has to say: a result, or why it could not do its work; and what it logged."""

    result: Any
    problem: str = ""
    cannot: str = ""
    logged: tuple[str, ...] = ()


class _Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def tell(to: Connection, work: Callable[..., Any], arguments: Sequence[Any]) -> None:
    """Do the work and tell how it went."""
    torch.set_num_threads(1)
    log = _Log()
    logging.getLogger().addHandler(log)
    try:
        to.send(Told(work(*arguments), logged=tuple(log.lines)))
    except CannotConfine as reason:
        to.send(Told(None, cannot=str(reason)))
    except BaseException:  # noqa: BLE001 -- the test raises it
        to.send(Told(None, problem=traceback.format_exc()))


def made_up(number: int) -> Evaluation:
    """An evaluation that differs from that of any other number."""
    tasks = (
        TaskResult("digits", "Digits", "target", number % 1000, 1000),
        TaskResult("faces", "Faces", "control", number // 1000, 1000),
    )
    return Evaluation(EditSpec(), tasks, True, float(number), "float32", "cpu")


def counts(evaluation: Evaluation) -> list[tuple[str, int, int]]:
    """The evidence of an evaluation."""
    return [(task.key, task.correct, task.n) for task in evaluation.tasks]


# To be killed


def sweep(to: Connection, lab: Path, cache: Path, specs: Sequence[EditSpec], passes: Path, most: int) -> None:
    """Tell every point of a sweep, and note in a file whose forward passes have been made.

    Args:
        most: forward passes; then it waits for its end, however late that comes on a busy machine.
    """
    torch.set_num_threads(1)
    studio = Studio(lab, cache, chunk=CHUNK)
    encode, at = studio.lab.encoder.encode, [0]
    note = os.open(passes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    made = itertools.count()

    def noted(images: torch.Tensor) -> torch.Tensor:
        if next(made) == most:
            time.sleep(2 * PATIENCE)
        os.write(note, b"%d\n" % at[0])
        time.sleep(0.002)
        return encode(images)

    def one_by_one() -> Any:
        for number, spec in enumerate(specs):
            at[0] = number
            yield spec

    studio.lab.encoder.encode = noted  # type: ignore[method-assign]
    to.send("begun")
    for _, evaluation in run_sweep(studio, one_by_one()):
        to.send((at[0], counts(evaluation)))
    to.send("ended")


def write_on(to: Connection, path: Path, begin: int) -> None:
    """Put one evaluation after the other, and tell each once it is kept."""
    store = ResultStore(path)
    for number in range(begin, begin + 1_000_000):
        store.put(str(number), made_up(number))
        to.send(number)


def die_in_a_transaction(path: Path) -> None:
    """Be killed when an entry is written, but not committed."""
    store = ResultStore(path)
    store.put("before", made_up(1))
    assert store._connection is not None
    store._connection.execute("BEGIN IMMEDIATE")
    store.put("during", made_up(2))
    os.kill(os.getpid(), signal.SIGKILL)


def die_with_entries_in_the_log(path: Path, numbers: int) -> None:
    """Be killed when entries are committed, but lie in the write-ahead log only."""
    store = ResultStore(path)
    assert store._connection is not None
    store._connection.execute("PRAGMA wal_autocheckpoint = 0")
    for number in range(numbers):
        store.put(str(number), made_up(number))
    os.kill(os.getpid(), signal.SIGKILL)


def die_preparing_images(lab: Path, cache: Path, half: bool) -> None:
    """Be killed when half of a file of prepared images is written, or all of it but its name."""

    def killed(*_: object) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    def save_half(tensors: dict[str, torch.Tensor], filename: Any, metadata: Any = None) -> Any:
        content = safetensors.torch.save(tensors)
        Path(filename).write_bytes(content[: len(content) // 2])
        killed()

    if half:
        safetensors.torch.save_file = save_half
    else:
        whole_files.os.replace = killed  # type: ignore[attr-defined]
    Studio(lab, cache, chunk=CHUNK).warm_up()


# To run out of room


def measure_without_room(lab: Path, disk: Path, specs: Sequence[EditSpec]) -> dict[str, Any]:
    """Measure on a disk that is full, and after room was made; then look at what is kept."""
    mount_private_disk(disk, SIZE)
    full, later = specs[:-1], specs[-1]
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    with suppress(OSError), filler.open("ab", buffering=0) as stream:
        while True:
            stream.write(b"0")
    return _measured_before_and_after(lab, disk, full, later, filler.unlink)


def measure_with_small_files(lab: Path, cache: Path, specs: Sequence[EditSpec]) -> dict[str, Any]:
    """The same where no file may grow beyond some bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ResultStore(cache / "results.sqlite").close()
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    return _measured_before_and_after(
        lab, cache, specs[:-1], specs[-1], lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    )


def _measured_before_and_after(
    lab: Path, cache: Path, full: Sequence[EditSpec], later: EditSpec, make_room: Callable[[], object]
) -> dict[str, Any]:
    studio = Studio(lab, cache, chunk=CHUNK)
    told = [counts(studio.evaluate(spec)) for spec in full]
    problem, files = studio._results.problem, sorted(path.name for path in cache.iterdir())
    make_room()
    told.append(counts(studio.evaluate(later)))
    kept = [counts(found) for spec in (*full, later) if (found := studio.cached(spec)) is not None]
    studio.close()
    again = Studio(lab, cache, chunk=CHUNK)
    counted = counts(again.evaluate(later))
    return {
        "told": told,
        "problem": problem,
        "files": files,
        "kept": kept,
        "again": counted,
        "problem again": again._results.problem,
    }


def measure_read_only(lab: Path, cache: Path, specs: Sequence[EditSpec], mounted: bool) -> dict[str, Any]:
    """Measure where the cache may be read at most."""
    if mounted:
        mount_private_disk(cache, SIZE)
        remount_read_only(cache)
    else:
        obey_permissions()
    studio = Studio(lab, cache, chunk=CHUNK)
    told = [counts(studio.evaluate(spec)) for spec in specs]
    again = [counts(found) for spec in specs if (found := studio.cached(spec)) is not None]
    return {"told": told, "again": again, "problem": studio._results.problem}


def read_without_permission(lab: Path, cache: Path) -> tuple[int, Evaluation | None, str]:
    """Images read, an entry of the store, and its problem, where the cache may not even be looked at."""
    obey_permissions()
    digits = read_tasks(lab / "eval" / "tasks.json")[0]
    subset = load_subset(lab / "eval", digits, "test", image_size=24, cache=cache)
    store = ResultStore(cache / "results.sqlite")
    store.put("a", made_up(1))
    return len(subset), store.get("a"), store.problem


# To share a store


def share(path: Path, start: Any, number: int, of: int, entries: int) -> list[str]:
    """Write entries of one's own and read those of the others as they come; tells the wrong and the lost."""
    result_store.BUSY_SECONDS = PATIENCE
    barrier: Barrier = start
    barrier.wait(PATIENCE)
    store = ResultStore(path)
    wrong = []
    for entry in range(entries):
        mine = number + of * entry
        store.put(str(mine), made_up(mine))
        for other in range(of):
            there = other + of * entry
            found = store.get(str(there))
            if found != made_up(there) and (found is not None or other == number):
                wrong.append(f"{there} is {found}")
    barrier.wait(PATIENCE)
    wrong += [f"{n} is lost" for n in range(of * entries) if store.get(str(n)) != made_up(n)]
    store.close()
    return wrong


def begin_together(folder: Path, start: Any, times: int) -> list[str]:
    """Open new stores at the same moment as others do; tells which files are in use."""
    result_store.BUSY_SECONDS = PATIENCE
    barrier: Barrier = start
    used = []
    for number in range(times):
        barrier.wait(PATIENCE)
        store = ResultStore(folder / f"{number}.sqlite")
        used.append(store.path.name if store.path is not None and not store.problem else store.problem)
        barrier.wait(PATIENCE)
        store.close()
    return used


def hold(to: Connection, path: Path, exclusive: bool) -> None:
    """Hold the lock of a file until told otherwise."""
    holder = sqlite3.connect(path, isolation_level=None)
    if exclusive:
        holder.execute("PRAGMA journal_mode = DELETE")
    holder.execute("BEGIN EXCLUSIVE" if exclusive else "BEGIN IMMEDIATE")
    to.send("held")
    to.recv()
    holder.close()
    to.send("released")
