"""Visitor in a real browser: drags the slider of the page and reads its table."""

from __future__ import annotations

import json
import random
import time
from typing import Any

from benchmarks.load_test.http_visitor import TIMEOUT, Move, Observations, counts_of
from evaluators.specs.edit_spec import EditSpec
from tests.browser import driving

LOOK = (1.0, 5.0)
SHOWN = """() => {
    const live = document.querySelector("#lx-head-live .lx-live");
    const rows = live.querySelectorAll('[data-slot="table"] table:first-child tbody tr');
    const found = Array.from(rows, (row) => /\\((\\d+) of (\\d+),/.exec(row.cells[1].textContent));
    const counts = found.filter(Boolean).map(([, correct, n]) => [+correct, +n]);
    return JSON.stringify({ key: live.dataset.key, state: live.dataset.state, evaluation: { counts } });
}"""


def browse(address: str, checkpoint: str, mix: float, seed: int, until: float) -> Observations:
    """Drag and wait in Chromium until a time of ``time.monotonic``, at least once.

    The time to open the page does not count.
    """
    from playwright.sync_api import sync_playwright

    seen, chance = Observations(), random.Random(seed)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=driving.chromium(), args=driving.ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(1000 * TIMEOUT)
        page.goto(f"{address}/?page=explore&task={checkpoint}&mix={mix:g}")
        page.wait_for_selector(f'{driving.LIVE}:not([data-key=""])')
        while not seen.moves or time.monotonic() < until:
            gamma = driving.drag(page, "gamma", moves=chance.randint(8, 30), seconds=1.0)
            if chance.random() < 0.7:  # the drag of `driving` always ends in one place
                gamma = round(chance.randrange(101) / 100, 2)
                driving.move(page, "gamma", gamma)
            _look(page, EditSpec.lines(checkpoint, gamma, mix=mix), seen, chance.uniform(*LOOK))
        browser.close()
    return seen


def _look(page: Any, spec: EditSpec, seen: Observations, seconds: float) -> None:
    """Observe one position until its numbers are complete, or for some seconds after the first."""
    move = Move(spec, time.monotonic())
    seen.moves.append(move)
    seen.awaited.append(move)
    while time.monotonic() < (move.first or move.made + TIMEOUT - seconds) + seconds and move.final is None:
        value = json.loads(page.evaluate(SHOWN))
        now = time.monotonic()
        if value["key"] == spec.key() and value["state"] in ("partial", "complete"):
            move.first = move.first or now
            seen.returned.append((spec, counts_of(value)))
            if value["state"] == "complete":
                move.final = now
        elif value["state"] == "waiting":
            seen.queue_notices += 1
        time.sleep(0.02)
