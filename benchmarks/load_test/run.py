"""One crowd: start the app, let everybody in, watch the memory, and compare what they saw."""

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

from benchmarks.load_test.answer_listener import Ears
from benchmarks.load_test.browser_visitor import browse
from benchmarks.load_test.http_visitor import TIMEOUT, HttpVisitor, Seen
from benchmarks.load_test.reference_answers import wrong_answers
from benchmarks.load_test.student import Habits, study
from evaluators.service.studio import Studio
from tests.browser import driving
from ui.explore.explore_controls import Controls

ARRIVE = 10.0
"""Seconds over which the visitors arrive: a class opens a page within some seconds, not at one instant."""
LEAVE = 5 * TIMEOUT
"""Seconds that all have, beyond their stay, for the start of their process and for their last answers."""
WATCH = 1.0


@dataclass(frozen=True)
class Crowd:
    """What a crowd saw.

    Args:
        visitors, seconds: how many, and for how long.
        seen: what each of them saw, the browser last if there was one.
        memory: (seconds since the start, resident bytes of the server).
        compared: answers that were compared with a single visitor's.
        wrong: those that are not.
        outcomes: requests of the server by how they ended.
        chunks: of images, by whether a request counted them or shared another's count.
    """

    visitors: int
    seconds: float
    seen: tuple[Seen, ...]
    memory: tuple[tuple[float, int], ...]
    compared: int
    wrong: tuple[str, ...]
    outcomes: dict[str, float]
    chunks: dict[str, float]

    @property
    def errors(self) -> list[str]:
        """What failed, of all visitors."""
        return [error for one in self.seen for error in one.errors]

    @property
    def timeouts(self) -> int:
        """Positions that somebody waited for to no avail."""
        return sum(move.first is None for one in self.seen for move in one.looked[:-1])

    @property
    def right(self) -> bool:
        """Whether every answer was right and every visitor got one."""
        return not (self.wrong or self.errors or self.timeouts) and self.compared > 0


def crowd(visitors: int, seconds: float, habits: Habits | None = None, browser: bool = False) -> Crowd:
    """Let so many visitors drag and look for so long.

    Args:
        browser: one of them is a Chromium, if there is one on this machine.
    Raises: TimeoutError if they do not come back.
    """
    habits = habits or Habits()
    with served() as (address, process, assets):
        memory: list[tuple[float, int]] = []
        done = threading.Event()
        begin = time.monotonic()
        watcher = threading.Thread(target=_watch, args=(process, begin, memory, done), daemon=True)
        watcher.start()
        real = browser and driving.chromium() is not None
        # ended in any case: a client whose last answer got lost listens for it as long as the server is there
        with get_context("spawn").Pool(1) as elsewhere:
            told = elsewhere.apply_async(everybody, (address, visitors, seconds, habits, real))
            seen = told.get(ARRIVE + seconds + LEAVE)
        done.set()
        watcher.join()
        figures = _figures(address)
    returned = [answer for one in seen for answer in one.returned]
    compared, wrong = wrong_answers(Studio(assets, None), returned)
    return Crowd(
        visitors,
        seconds,
        seen,
        tuple(memory),
        compared,
        tuple(wrong),
        _labelled(figures, "lines_requests_total", "outcome"),
        _labelled(figures, "lines_chunks_total", "source"),
    )


def everybody(address: str, visitors: int, seconds: float, habits: Habits, browser: bool) -> tuple[Seen, ...]:
    """What each visitor saw, a browser last if one is among them. They arrive one after the other."""
    begin = time.monotonic()
    end = begin + ARRIVE + seconds
    ears = Ears()
    with ThreadPoolExecutor(visitors) as pool:
        people: list[Future[Seen]] = []
        for number in range(visitors - browser):
            wait = begin + ARRIVE * number / visitors
            people.append(pool.submit(_visit, address, ears, habits, number, wait, end))
        if browser:
            people.append(pool.submit(browse, address, habits.tasks[0], visitors, end))
        return tuple(one.result() for one in people)


def _visit(address: str, ears: Ears, habits: Habits, number: int, arrive: float, end: float) -> Seen:
    time.sleep(max(0.0, arrive - time.monotonic()))
    visitor = HttpVisitor(address, ears)
    try:
        study(visitor, habits, number, end)
    finally:
        visitor.close()
    return visitor.seen


@contextmanager
def served() -> Iterator[tuple[str, int, Path]]:
    """The app with an empty cache: its address, its process, and the folder of its lab."""
    cache = tempfile.mkdtemp(prefix="lines-crowd-")
    port = driving.free_port()
    try:
        with driving.served(["app.py", "--port", str(port), "--cache", cache], port) as (address, process):
            _warm_up(address)
            yield address, process, driving.ROOT / "assets"
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def _warm_up(address: str) -> None:
    """Let one visitor come first, for whom the app reads the model: a class comes to a page that runs."""
    visitor = HttpVisitor(address, Ears())
    visitor.wait(visitor.move(Controls(gamma=0.123)), final=True, seconds=TIMEOUT)
    visitor.close()


def _watch(process: int, begin: float, memory: list[tuple[float, int]], done: threading.Event) -> None:
    """Note the server's resident memory every second."""
    server = psutil.Process(process)
    while not done.wait(WATCH):
        memory.append((time.monotonic() - begin, server.memory_info().rss))


def _figures(address: str) -> str:
    """The server's own figures, in Prometheus' text format."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as reply:
        return str(reply.read().decode("utf-8"))


def _labelled(figures: str, name: str, label: str) -> dict[str, float]:
    """The samples of one figure by the value of its only label."""
    start = f'{name}{{{label}="'
    lines = (line.removeprefix(start) for line in figures.splitlines() if line.startswith(start))
    return {value: float(amount) for value, _, amount in (line.partition('"} ') for line in lines)}
