"""One load test: start the app, run the visitors, record memory and compare their answers."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import psutil

from benchmarks.load_test.answer_listener import AnswerListener
from benchmarks.load_test.browser_visitor import browse
from benchmarks.load_test.http_visitor import TIMEOUT, HttpVisitor, Observations
from benchmarks.load_test.reference_answers import wrong_answers
from benchmarks.load_test.student import Habits, use_page
from evaluators.service.studio import Studio
from tests.browser import driving
from tests.deploy.starting import free_port
from ui.explore.explore_controls import Controls

ARRIVE = 10.0
"""Seconds over which visitors arrive."""
LEAVE = 5 * TIMEOUT
"""Watchdog in seconds, beyond the stay, for the visitors' process to start and to get its last answers."""
WATCH = 1.0


@dataclass(frozen=True)
class LoadTestResult:
    """Result of a load test.

    Args:
        visitors, seconds: number of visitors and duration.
        seen: observations of each visitor, the browser last.
        memory: (seconds since the start, resident bytes of the server).
        compared: answers that were compared with a single visitor's.
        wrong: those that differ.
        outcomes: requests of the server by how they ended.
        chunks: of images, by whether a request counted them or shared another's count.
    """

    visitors: int
    seconds: float
    seen: tuple[Observations, ...]
    memory: tuple[tuple[float, int], ...]
    compared: int
    wrong: tuple[str, ...]
    outcomes: dict[str, float]
    chunks: dict[str, float]

    @property
    def errors(self) -> list[str]:
        """Errors of all visitors."""
        return [error for one in self.seen for error in one.errors]

    @property
    def timeouts(self) -> int:
        """Awaited moves without an answer."""
        return sum(move.first is None for one in self.seen for move in one.awaited[:-1])

    @property
    def right(self) -> bool:
        """Whether every answer was right and every visitor got one."""
        return not (self.wrong or self.errors or self.timeouts) and self.compared > 0


def simulate(
    visitors: int,
    seconds: float,
    habits: Habits | None = None,
    browser: bool = False,
    arrive: float = ARRIVE,
) -> LoadTestResult:
    """Run so many visitors for so many seconds.

    Args:
        browser: one of them is a Chromium, if there is one on this machine.
        arrive: seconds over which they arrive.
    Raises: TimeoutError if they do not finish.
    """
    habits = habits or Habits()
    with served() as (address, process, assets):
        memory: list[tuple[float, int]] = []
        done = threading.Event()
        begin = time.monotonic()
        watcher = threading.Thread(target=_watch, args=(process, begin, memory, done), daemon=True)
        watcher.start()
        real = browser and driving.chromium() is not None
        # ended in any case: a client whose last answer was lost waits for it while the server runs
        with get_context("spawn").Pool(1) as elsewhere:
            visits = elsewhere.apply_async(run_visitors, (address, visitors, arrive, seconds, habits, real))
            seen = visits.get(arrive + seconds + LEAVE)
        done.set()
        watcher.join()
        figures = _figures(address)
    returned = [answer for one in seen for answer in one.returned]
    compared, wrong = wrong_answers(Studio(assets, None), returned)
    return LoadTestResult(
        visitors,
        seconds,
        seen,
        tuple(memory),
        compared,
        tuple(wrong),
        _labelled(figures, "lines_requests_total", "outcome"),
        _labelled(figures, "lines_chunks_total", "source"),
    )


def run_visitors(
    address: str, visitors: int, arrive: float, seconds: float, habits: Habits, browser: bool
) -> tuple[Observations, ...]:
    """Observations of each visitor, the browser last. Visitors arrive one after the other."""
    begin = time.monotonic()
    end = begin + arrive + seconds
    listener = AnswerListener()
    with ThreadPoolExecutor(visitors) as pool:
        people: list[Future[Observations]] = []
        for number in range(visitors - browser):
            wait = begin + arrive * number / visitors
            people.append(pool.submit(_visit, address, listener, habits, number, wait, end))
        if browser:
            people.append(pool.submit(browse, address, habits.tasks[0], habits.mixes[0], visitors, end))
        return tuple(one.result() for one in people)


def _visit(
    address: str, listener: AnswerListener, habits: Habits, number: int, arrive: float, end: float
) -> Observations:
    time.sleep(max(0.0, arrive - time.monotonic()))
    visitor = HttpVisitor(address, listener)
    try:
        use_page(visitor, habits, number, end)
    finally:
        visitor.close()
    return visitor.seen


@contextmanager
def served() -> Iterator[tuple[str, int, Path]]:
    """The app with an empty cache: its address, its process, and the folder of its lab."""
    cache = tempfile.mkdtemp(prefix="lines-load-test-")
    port = free_port()
    try:
        with driving.served(["app.py", "--port", str(port), "--cache", cache], port) as (address, process):
            _warm_up(address)
            yield address, process, driving.ROOT / "assets"
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def _warm_up(address: str) -> None:
    """Send one request first, for which the app loads the model."""
    visitor = HttpVisitor(address, AnswerListener())
    visitor.wait(visitor.move(Controls(gamma=0.123)), final=True, seconds=TIMEOUT)
    visitor.close()


def _watch(process: int, begin: float, memory: list[tuple[float, int]], done: threading.Event) -> None:
    """Record the server's resident memory every second."""
    server = psutil.Process(process)
    while not done.wait(WATCH):
        memory.append((time.monotonic() - begin, server.memory_info().rss))


def _figures(address: str) -> str:
    """The server's metrics in Prometheus' text format."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as reply:
        return str(reply.read().decode("utf-8"))


def _labelled(figures: str, name: str, label: str) -> dict[str, float]:
    """The samples of one metric by the value of its only label."""
    start = f'{name}{{{label}="'
    lines = (line.removeprefix(start) for line in figures.splitlines() if line.startswith(start))
    return {value: float(amount) for value, _, amount in (line.partition('"} ') for line in lines)}
