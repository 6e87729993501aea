"""What a visitor feels: slider input to changed page in Chromium, start of the app, memory.

Page times are medians over single moves, each made when the one before is complete. "Free" moves use
evaluations that cost nothing, so they time the page alone; "lab" moves use the real app with an empty cache.
"""

from __future__ import annotations

import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser import driving
from tests.deploy.starting import free_port

MOVES = 25
WARM_UP = 4
LONG = 500
"""Moves after which the memory of the page is looked at."""
MOVE = """(value) => new Promise((resolve, reject) => {
    const live = document.querySelector("#lx-head-live .lx-live");
    const schedule = document.querySelector('[data-chart="schedule"]');
    const slider = document.querySelector("#lx-gamma input[type=range]");
    const before = live.dataset.version, times = {};
    const done = () => {
        observer.disconnect();
        clearTimeout(late);
        resolve(times);
    };
    const observer = new MutationObserver(() => {
        const now = performance.now() - begin;
        if (times.schedule === undefined && schedule.dataset.bent !== bent) times.schedule = now;
        if (live.dataset.version !== before) {
            times.charts = now;
            done();
        }
    });
    const late = setTimeout(() => reject(new Error("no answer within 20 s")), 20000);
    observer.observe(live, { attributes: true });
    observer.observe(schedule, { attributes: true });
    const bent = schedule.dataset.bent;
    const begin = performance.now();
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
})"""
"""One move: milliseconds until the schedule is bent, and until all charts show the answer."""

DRAW = """() => {
    const { view } = document.querySelector("#lx-head-live .lx-live"), { answer } = view, times = [];
    for (let i = 0; i < 60; i++) {
        const evaluation = structuredClone(answer.evaluation), shift = 0.002 * (i % 10);
        for (const accuracy of [evaluation.target, evaluation.control])
            for (const name in accuracy) accuracy[name] = Math.max(0, accuracy[name] - shift);
        for (const task of evaluation.tasks) task.correct = Math.max(0, task.correct - (i % 10));
        evaluation.factors = evaluation.factors.map((factor) => factor * (1 - shift));
        const begin = performance.now();
        view.draw({ ...answer, evaluation });
        document.body.offsetHeight;
        times.push(performance.now() - begin);
    }
    return times;
}"""
"""Milliseconds of drawing an answer anew and laying the page out, many times."""


def moves(page: Any, count: int = MOVES) -> dict[str, list[float]]:
    """Milliseconds of `count` moves to places not visited before, after a few that do not count."""
    places = random.Random(1).sample([i / 100 for i in range(1, 100) if i % 10], count + WARM_UP)
    found: dict[str, list[float]] = {"schedule": [], "charts": []}
    for number, gamma in enumerate(places):
        times = page.evaluate(MOVE, gamma)
        page.wait_for_selector(f'{driving.LIVE}[data-state="complete"]')
        if number >= WARM_UP:
            for name, values in found.items():
                values.append(times[name])
    return found


class Costs:
    """What moves cost: bytes on the network, CPU time of the page's process and of the server's.

    Counts from its creation on.

    Args:
        page: of a visitor who is alone on the server.
        process: of the server.
    """

    def __init__(self, page: Any, process: int) -> None:
        self._page, self._process = page, process
        self._session = page.context.new_cdp_session(page)
        self._bytes = 0
        self._session.on("Network.dataReceived", self._received)
        self._session.send("Network.enable")
        self._session.send("Performance.enable")
        self._browser = page.context.browser.new_browser_cdp_session()
        self._before = self._now()

    def _received(self, event: Any) -> None:
        self._bytes += event["dataLength"]

    def _now(self) -> dict[str, float]:
        processes = self._browser.send("SystemInfo.getProcessInfo")["processInfo"]
        renderers = [process["cpuTime"] for process in processes if process["type"] == "renderer"]
        spent = Path(f"/proc/{self._process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks = int(spent[11]) + int(spent[12])
        return {
            "bytes": self._bytes,
            "browser": 1000 * sum(renderers),
            "server": 1000 * ticks / os.sysconf("SC_CLK_TCK"),
        }

    def per_move(self, count: int) -> dict[str, float]:
        """Mean over `count` moves: ``bytes`` received, ``browser`` and ``server`` in milliseconds."""
        now = self._now()
        return {name: (now[name] - self._before[name]) / count for name in now}

    def heap(self) -> float:
        """Memory of the page's JavaScript in MB, after a garbage collection."""
        self._session.send("HeapProfiler.enable")
        self._session.send("HeapProfiler.collectGarbage")
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize")) / 1e6


def resident(process: int) -> float:
    """Memory of a process in GB: resident now, and at its peak, whichever the system tells."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(peak.group(1)) / 1e6 if peak else float("nan")


def row(what: str, value: str, target: str) -> None:
    """One line of the table."""
    print(f"{what:58} {value:>24} {target:>12}", flush=True)


def spread(values: list[float]) -> str:
    """Median and 95th percentile in milliseconds."""
    ordered = sorted(values)
    return f"p50 {statistics.median(ordered):.0f}, p95 {ordered[int(0.95 * (len(ordered) - 1))]:.0f} ms"


@contextmanager
def chromium(*more: str) -> Iterator[Any]:
    """A headless browser. Args: more of its command-line arguments."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=driving.chromium(), args=[*driving.ARGUMENTS, *more])
        yield browser
        browser.close()


def free(browser: Any) -> None:
    """The page alone: evaluations cost nothing."""
    port = free_port()
    with driving.served(["-m", "tests.browser.serve", str(port)], port) as (address, process):
        page = driving.open_page(browser, address)
        moves(page, 1)
        drawn = page.evaluate(DRAW)
        costs = Costs(page, process)
        times = moves(page)
        each = costs.per_move(MOVES + WARM_UP)
        begin = costs.heap()
        for number in range(LONG):
            gamma = round(0.01 * (37 * number % 101), 2)
            driving.move(page, "gamma", gamma)
            driving.wait_for(page, driving.key(gamma))
        end = costs.heap()
    row("schedule bent, no server involved", spread(times["schedule"]), "p50 <= 10")
    row("all charts, zero-cost evaluation", spread(times["charts"]), "p50 <= 40")
    row("of it drawing, with its layout", spread(drawn), "p50 <= 5")
    row("received for a move, both tiers", f"{each['bytes']:,.0f} bytes", "")
    row("CPU time of the page for a move", f"{each['browser']:.1f} ms", "")
    row("CPU time of the server for a move", f"{each['server']:.1f} ms", "")
    row(f"memory of the page's scripts, after {LONG} moves", f"{begin:.1f} -> {end:.1f} MB", "flat")


@contextmanager
def fresh_app() -> Iterator[tuple[str, int]]:
    """The real app on the embedded lab, started with an empty cache: its address and its process id."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="lines-page-", ignore_cleanup_errors=True) as cache:
        with driving.served(["app.py", "--port", str(port), "--cache", cache], port) as served:
            yield served


def can_measure() -> bool:
    """Whether there is a browser to measure with; says what is missing."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        print("playwright is not installed: pip install -r requirements-dev.txt")
        return False
    if driving.chromium() is None:
        print("there is no chromium on PATH")
        return False
    return True


def lab(browser: Any) -> None:
    """The real app on the embedded lab, started with an empty cache."""
    begin = time.perf_counter()
    with fresh_app() as (address, process):
        page = driving.open_page(browser, address)
        row("start of app.py to usable page", f"{time.perf_counter() - begin:.1f} s", "<= 8 s")
        row("final numbers that ship", spread(moves(page)["charts"]), "p50 <= 100")
        near = driving.open_page(browser, address, "?mix=0.9")
        row("first numbers, embedded lab", spread(moves(near)["charts"]), "p50 <= 250")
        row("last of 60 moves is shown", drag(near), "yes")
        far = driving.open_page(browser, address, "?task=faces&mix=0.9")
        driving.emulate_round_trip(far, 60)
        row("first numbers, 60 ms round trip", spread(moves(far)["charts"]), "p50 <= 350")
        row("last of 60 moves is shown, 60 ms round trip", drag(far, "faces"), "yes")
        row("memory of the app at its peak", f"{resident(process):.2f} GB", "<= 1.5 GB")


def drag(page: Any, checkpoint: str = "digits") -> str:
    """Whether the page, at mix = 0.9, shows the last of 60 moves, and how long after it."""
    last = driving.drag(page, "gamma", moves=60, seconds=1.5)
    begin = time.perf_counter()
    key = driving.key(last, checkpoint, mix=0.9)
    page.wait_for_selector(f'{driving.LIVE}[data-key="{key}"][data-state="complete"]')
    took = time.perf_counter() - begin
    page.wait_for_timeout(500)
    return f"{'yes' if driving.shown_key(page) == key else 'NO'}, complete after {took:.1f} s"


def main() -> int:
    """Print the table; 0 if there was a browser to measure with."""
    if not can_measure():
        return 1
    row("", "measured", "target")
    with chromium() as browser:
        free(browser)
        lab(browser)
    return 0


if __name__ == "__main__":
    sys.exit(main())
