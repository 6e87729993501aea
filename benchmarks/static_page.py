"""The static edition in Chromium: its moves, bytes and memory, and the Gradio page that uses its engine.

Timings of the browser's engine stand beside those of Python's on the same machine, each on one thread.
"""

from __future__ import annotations

import gzip
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.hosted_folder import Wire, hosted
from benchmarks.page_latency import DRAW, Costs, chromium, row, spread
from benchmarks.static_engine import renderer_memory
from evaluators.engine.counting import count_chunk
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.specs.edit_spec import EditSpec
from lines_cli import default_cache
from static.page.site import write_site
from static.runtime import fetch_runtime
from tests.browser import driving
from tests.browser.engine_site import open_lab
from tests.deploy.starting import free_port
from tests.paths import ASSETS

MOVES = 60
FAR = 12
"""Moves off the grid that are timed; each counts 1,600 images, in Python once more."""
LONG = 500
"""Moves after which the memory of the tab is looked at."""
EACH = 5
"""Moves of each of several visitors."""
MACHINES = max(1, (os.cpu_count() or 1) - 1)
"""Visitors whose browsers count at the same time, as if each had a machine: a core each, one for the rest."""
CROWD = 4
"""Visitors at once who share the machine, whatever it is."""
TOUR = """async (places) => {
    const live = document.querySelector("#lx-head-live .lx-live"), found = [];
    const slider = document.querySelector("#lx-gamma input[type=range]");
    const move = (place) => new Promise((resolve, reject) => {
        const before = live.dataset.version, times = {};
        const observer = new MutationObserver(() => {
            const now = performance.now() - begin;
            if (live.dataset.version === before || live.dataset.state === "waiting") return;
            times.first ??= now;
            if (live.dataset.state !== "complete") return;
            observer.disconnect();
            clearTimeout(late);
            setTimeout(() => resolve({ ...times, all: now }), 20);
        });
        const late = setTimeout(() => reject(new Error("no answer within 120 s")), 120000);
        observer.observe(live, { attributes: true });
        const begin = performance.now();
        slider.value = place;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
    });
    for (const place of places) if (Number(slider.value) !== place) found.push(await move(place));
    return found;
}"""
"""Moves gamma to each place, once all is known about the last: milliseconds to first and all numbers."""
WATCH = """() => {
    const live = document.querySelector("#lx-head-live .lx-live"), seen = (window.seen = { shown: {} });
    const slider = document.querySelector("#lx-gamma input[type=range]");
    slider.addEventListener("input", () => Object.assign(seen, { moved: performance.now(), shown: {} }));
    new MutationObserver(() => {
        const { evaluation } = live.view.answer;
        if (evaluation) seen.shown[evaluation.spec.alpha] ??= performance.now() - seen.moved;
    }).observe(live, { attributes: true });
}"""
"""Notes how long after the last input each position is shown first."""
SHOWN = """(alpha) => {
    const live = document.querySelector("#lx-head-live .lx-live"), { evaluation } = live.view.answer;
    return live.dataset.state === "complete" && evaluation && Math.abs(evaluation.spec.alpha - alpha) < 1e-9;
}"""


def places(count: int, seed: int) -> list[float]:
    """Different steps of the gamma slider, in random order."""
    return random.Random(seed).sample([step / 100 for step in range(1, 100)], count)


def python_times(lab: EmbeddedLab, spec: EditSpec) -> tuple[float, float]:
    """Milliseconds in which Python's engine counts the first chunk and all images of an edit."""
    begin = time.perf_counter()
    resolved = lab.resolve(spec)
    heads, images = lab.heads_with_images(resolved), lab.images(resolved.suite, resolved.split)
    times = []
    for chunk in images.chunks(resolved.images):
        count_chunk(lab, resolved, images, chunk, heads)
        times.append(1000 * (time.perf_counter() - begin))
    return times[0], times[-1]


def sizes(folder: Path) -> None:
    """The whole site, and its document as it is and compressed."""
    document = (folder / "index.html").read_bytes()
    row("document as it is", f"{len(document) / 1e6:.2f} MB", "")
    row("document with gzip", f"{len(gzip.compress(document, 6)) / 1e6:.2f} MB", "")
    whole = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
    row("whole site", f"{whole / 1e6:.1f} MB", "<= 60 MB")


def near(browser: Any, address: str, wire: Wire) -> None:
    """On the grid: what is sent for the first page, moves, memory after many."""
    page = driving.open_page(browser, address)
    page.wait_for_load_state("networkidle")
    row("first page over the wire, with gzip", f"{wire.megabytes():.2f} MB", "<= 0.8 MB")
    row("of it Plotly", f"{wire.sent['/plotly.min.js'] / 1e6:.2f} MB", "")
    page.evaluate(TOUR, places(4, seed=0))
    times = page.evaluate(TOUR, places(MOVES, seed=1))
    row("known position to changed page", spread([one["first"] for one in times]), "p50 <= 16")
    row("of it drawing, with its layout", spread(page.evaluate(DRAW)), "")
    row("over the wire after these moves", f"{wire.megabytes():.2f} MB", "")
    costs = Costs(page, os.getpid())
    begin, before = costs.heap(), renderer_memory()
    page.evaluate(TOUR, [37 * number % 101 / 100 for number in range(LONG)])
    row(f"memory of the scripts, after {LONG} moves", f"{begin:.1f} -> {costs.heap():.1f} MB", "flat")
    row("memory of the tab, the same", f"{before:.0f} -> {renderer_memory():.0f} MB", "<= 300 MB")
    page.context.close()


def far(browser: Any, address: str, wire: Wire) -> None:
    """Off the grid: bytes of the engine, moves beside Python's."""
    torch.set_num_threads(1)
    lab = open_lab(ASSETS, default_cache())
    begin = time.perf_counter()
    page = driving.open_page(browser, address, "?page=explore&mix=0.9")
    row("opened off the grid, cold, to complete numbers", f"{time.perf_counter() - begin:.1f} s", "")
    engine = sum(size for path, size in wire.sent.items() if path.startswith("/engine/"))
    row("engine and first checkpoint over the wire", f"{engine / 1e6:.2f} MB", "<= 16 MB")
    python_times(lab, EditSpec.lines("digits", 0.5, mix=0.9))  # warm too
    here, there = [], []
    for gamma in places(FAR, seed=2):  # in turn, so that both have the same share of the machine
        here += page.evaluate(TOUR, [gamma])
        there.append(python_times(lab, EditSpec.lines("digits", gamma, mix=0.9)))
    for name, what, part, goal in (
        ("first", "first numbers and images", 0, "p50 <= 250"),
        ("all", "all 1,600 images", 1, "p50 <= 4500"),
    ):
        browsers, pythons = [one[name] for one in here], [one[part] for one in there]
        row(f"{what}, browser", spread(browsers), goal)
        row(f"{what}, Python", spread(pythons), "")
        ratio = statistics.median(browsers) / statistics.median(pythons)
        row(f"{what}, browser / Python", f"{ratio:.2f}", "")
    page.context.close()


def drag(browser: Any, address: str) -> None:
    """Sixty moves off the grid in 1.5 s: when the last one's numbers are there, and that they stay."""
    page = driving.open_page(browser, address, "?page=explore&mix=0.9")
    page.evaluate(WATCH)
    last = driving.drag(page, "gamma", moves=MOVES, seconds=1.5)
    page.wait_for_function(SHOWN, arg=last)
    waited = page.evaluate("alpha => window.seen.shown[alpha]", last)
    row("first numbers of the last move of a drag", f"{waited:.0f} ms", "first + chunk")
    page.wait_for_timeout(500)
    row(f"last of {MOVES} moves is shown", "yes" if page.evaluate(SHOWN, last) else "NO", "yes")
    page.context.close()


def memory(browser: Any, address: str) -> None:
    """Memory of one tab that counts off the grid, checkpoint after checkpoint, over two rounds."""
    page = driving.open_page(browser, address, "?page=explore&mix=0.9")
    found: list[float] = []
    chosen = page.locator("#lx-checkpoint select")
    checkpoints = [str(one.get_attribute("value")) for one in chosen.locator("option").all()]
    most = 0.0
    for tour in range(2):
        for checkpoint, gamma in zip(checkpoints, places(len(checkpoints), seed=20 + tour), strict=True):
            chosen.select_option(checkpoint)
            page.evaluate(TOUR, [gamma])
            most = max(most, renderer_memory())
        for scope in (page, *page.workers):
            scope.evaluate("gc()")
        found.append(renderer_memory())
    said = " -> ".join(f"{one:.0f}" for one in found)
    row(f"memory of the tab, {len(checkpoints)} checkpoints, twice", f"{said} MB", "<= 300 MB")
    row("most of it, before the browser collects", f"{most:.0f} MB", "")
    page.context.close()


def beside(browser: Any, name: str, options: Sequence[str]) -> None:
    """The Gradio page off the grid, where its server or browsers count: one visitor, then several."""
    port = free_port()
    with tempfile.TemporaryDirectory() as cache:
        command = ["app.py", "--port", str(port), "--cache", cache, *options]
        with driving.served(command, port) as (address, process):
            page = driving.open_page(browser, address, "?mix=0.9")
            costs = Costs(page, process)
            times = page.evaluate(TOUR, places(FAR, seed=3))
            row(f"first numbers, {name}", spread([one["first"] for one in times]), "")
            row(f"all numbers, {name}", spread([one["all"] for one in times]), "")
            row(f"CPU time of the server for a move, {name}", f"{costs.per_move(FAR)['server']:.1f} ms", "")
            page.context.close()
            crowd(browser, address, process, name, MACHINES, "p95 <= 6000")
            if MACHINES < CROWD:
                crowd(browser, address, process, name, CROWD, "")


def crowd(browser: Any, address: str, process: int, name: str, visitors: int, goal: str) -> None:
    """Several visitors who move at once, each when the answer to the last move is complete."""
    pages = [driving.open_page(browser, address, "?mix=0.9") for _ in range(visitors)]
    costs = Costs(pages[0], process)
    for number, page in enumerate(pages):
        page.evaluate(f"(places) => {{ window.tour = ({TOUR})(places); }}", places(EACH, seed=10 + number))
    times = [one["all"] for page in pages for one in page.evaluate("() => window.tour")]
    row(f"all numbers, {visitors} visitors on {os.cpu_count()} cores, {name}", spread(times), goal)
    spent = costs.per_move(visitors)["server"]
    row(f"CPU time of the server for each of {visitors}, {EACH} moves, {name}", f"{spent:.0f} ms", "")
    for page in pages:
        page.context.close()


def measured(what: str, measure: Callable[[], None]) -> bool:
    """Run one part and return whether it succeeded; the others are measured also when it did not."""
    print(f"... {what}", file=sys.stderr, flush=True)
    try:
        measure()
    except Exception as error:  # noqa: BLE001 -- the other parts are measured all the same
        row(f"{what} FAILED: {str(error).splitlines()[0]}", "", "")
        return False
    return True


def main() -> int:
    """Print the table; 1 if there is no Chromium or a part failed.

    Raises: RuntimeFilesError without onnxruntime-web.
    """
    if driving.chromium() is None:
        print("There is no Chromium on PATH.")
        return 1
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "site"
        begin = time.perf_counter()
        write_site(ASSETS, folder, fetch_runtime(default_cache()), default_cache())
        row("", "measured", "target")
        row("site written", f"{time.perf_counter() - begin:.0f} s", "")
        row("busy processes a core, others' too", f"{os.getloadavg()[0] / (os.cpu_count() or 1):.1f}", "")
        sizes(folder)
        with chromium("--js-flags=--expose-gc") as browser, hosted(folder) as (address, wire):
            engine = ["--static-edition", str(folder), "--browser-engine"]
            done = [
                measured("on the grid", lambda: near(browser, address, wire)),
                measured("off the grid", lambda: far(browser, address, wire)),
                measured("a drag", lambda: drag(browser, address)),
                measured("memory of all checkpoints", lambda: memory(browser, address)),
                measured("a server that counts", lambda: beside(browser, "server counts", [])),
                measured("browsers that count", lambda: beside(browser, "browsers count", engine)),
            ]
    return 0 if all(done) else 1
