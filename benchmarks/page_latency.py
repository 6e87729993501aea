"""What a visitor feels: slider input to changed page in Chromium, start of the app, memory.

Page times are medians over single moves, each made when the one before is complete. "Free" moves use
evaluations that cost nothing, so they time the page alone; "lab" moves use the real app with an empty cache.
"""

from __future__ import annotations

import random
import re
import shutil
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
def chromium() -> Iterator[Any]:
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=driving.chromium(), args=driving.ARGUMENTS)
        yield browser
        browser.close()


def free(browser: Any) -> None:
    """The page alone: evaluations cost nothing."""
    port = free_port()
    with driving.served(["-m", "tests.browser.serve", str(port)], port) as (address, _):
        times = moves(driving.open_page(browser, address))
    row("schedule bent, no server involved", spread(times["schedule"]), "p50 <= 20")
    row("all charts, zero-cost evaluation", spread(times["charts"]), "p50 <= 80")


def lab(browser: Any) -> None:
    """The real app on the embedded lab, started with an empty cache."""
    cache = tempfile.mkdtemp(prefix="lines-page-")
    try:
        port = free_port()
        begin = time.perf_counter()
        command = ["app.py", "--port", str(port), "--cache", cache]
        with driving.served(command, port) as (address, process):
            page = driving.open_page(browser, address)
            row("start of app.py to usable page", f"{time.perf_counter() - begin:.1f} s", "<= 8 s")
            row("first numbers, embedded lab", spread(moves(page)["charts"]), "p50 <= 250")
            row("last of 60 moves is shown", drag(page), "yes")
            far = driving.open_page(browser, address, "?task=faces")
            driving.emulate_round_trip(far, 60)
            row("first numbers, 60 ms round trip", spread(moves(far)["charts"]), "p50 <= 350")
            row("last of 60 moves is shown, 60 ms round trip", drag(far, "faces"), "yes")
            row("memory of the app at its peak", f"{resident(process):.2f} GB", "<= 1.5 GB")
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def drag(page: Any, checkpoint: str = "digits") -> str:
    """Whether the page shows the last of 60 moves, and how long after it."""
    last = driving.drag(page, "gamma", moves=60, seconds=1.5)
    begin = time.perf_counter()
    key = driving.key(last, checkpoint)
    page.wait_for_selector(f'{driving.LIVE}[data-key="{key}"][data-state="complete"]')
    took = time.perf_counter() - begin
    page.wait_for_timeout(500)
    return f"{'yes' if driving.shown_key(page) == key else 'NO'}, complete after {took:.1f} s"


def main() -> int:
    """Print the table; 0 if there was a browser to measure with."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        print("playwright is not installed: pip install -r requirements-dev.txt")
        return 1
    if driving.chromium() is None:
        print("there is no chromium on PATH")
        return 1
    row("", "measured", "target")
    with chromium() as browser:
        free(browser)
        lab(browser)
    return 0


if __name__ == "__main__":
    sys.exit(main())
