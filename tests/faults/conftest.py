"""Processes that a test may kill, each forked from one that has everything imported."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from evaluators.experiments.sweeps import gamma_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from tests.faults.children import CHUNK, PATIENCE, Told, counts, tell


class Processes:
    """Starts processes and sees to it that none outlives its test."""

    def __init__(self, context: ForkServerContext) -> None:
        self.context = context
        self._started: list[ForkServerProcess] = []

    def start(self, work: Callable[..., object], *arguments: object) -> tuple[ForkServerProcess, Connection]:
        """A process that does ``work(connection, *arguments)``, and the other end of the connection."""
        here, there = self.context.Pipe()
        process = self.context.Process(target=work, args=(there, *arguments), daemon=True)
        process.start()
        there.close()
        self._started.append(process)
        return process, here

    def run(self, work: Callable[..., object], *arguments: object) -> Told:
        """What one process tells; skips the test if it could not be confined as the test needs it."""
        return self.run_all(work, [arguments])[0]

    def run_all(self, work: Callable[..., object], each: Sequence[Sequence[object]]) -> list[Told]:
        """What processes tell that run at the same time."""
        started = [self.start(tell, work, arguments) for arguments in each]
        return [self._told(process, connection) for process, connection in started]

    def die(self, work: Callable[..., object], *arguments: object) -> None:
        """Run one that kills itself."""
        process, _ = self.start(tell, work, arguments)
        process.join(PATIENCE)
        assert process.exitcode == -9, process.exitcode

    def _told(self, process: ForkServerProcess, connection: Connection) -> Told:
        assert connection.poll(PATIENCE), "the process says nothing"
        told: Told = connection.recv()
        process.join(PATIENCE)
        if told.cannot:
            pytest.skip(told.cannot)
        assert not told.problem, told.problem
        return told

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._started:
            process.kill()
            process.join(PATIENCE)
            process.close()


@pytest.fixture
def processes() -> Iterator[Processes]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.children"])
    processes = Processes(context)
    yield processes
    processes.end()


@pytest.fixture(scope="session")
def specs() -> tuple[EditSpec, ...]:
    """A sweep of eleven points."""
    return gamma_sweep("digits", images=0)


@pytest.fixture(scope="session")
def truth(lab: Path, specs: tuple[EditSpec, ...]) -> list[list[tuple[str, int, int]]]:
    """Its counts, from a studio that nothing has happened to."""
    studio = Studio(lab, None, chunk=CHUNK)
    return [counts(studio.evaluate(spec)) for spec in specs]


@pytest.fixture
def known(lab: Path) -> Callable[[Path, Sequence[EditSpec]], list[Any]]:
    """What a studio that is started on a cache knows without measuring."""

    def look(cache: Path, specs: Sequence[EditSpec]) -> list[Any]:
        studio = Studio(lab, cache, chunk=CHUNK)
        found: list[Evaluation | None] = [studio.cached(spec) for spec in specs]
        studio._results.close()
        return [None if one is None else counts(one) for one in found]

    return look
