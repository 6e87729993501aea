"""Many simultaneous visitors of the app, one of them a Chromium; and what stops when one of them leaves."""

import json
import urllib.request
from typing import Any

import pytest

from benchmarks.load_test.run import served, simulate
from benchmarks.load_test.student import OFF_GRID, Habits
from evaluators.labs.embedded_lab import TINY_CLIP
from tests.browser import driving
from tests.waiting import soon
from ui.tune.tune_page import specs

pytestmark = pytest.mark.browser


def queue(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}/health", timeout=60) as reply:
        state: dict[str, Any] = json.loads(reply.read())["queue"]
    return state


def test_twelve_visitors_get_correct_answers(browser: Any) -> None:
    """A short load test, of positions that ship and of others that are counted.

    Times, fairness and memory are measured by `benchmarks load_test` and `soak`.
    """
    habits = Habits(tasks=("digits", "faces"), shapes=("linear",), step=0.02, mixes=(OFF_GRID, 1.0))
    result = simulate(12, 5.0, habits, browser=True, arrive=1.0)
    assert result.wrong == ()
    assert result.errors == []
    assert result.timeouts == 0
    assert all(seen.returned for seen in result.seen)
    assert result.compared >= 12


def test_closing_the_tab_stops_its_work(browser: Any) -> None:
    """Of the sweep's evaluations some are never completed; the server is idle soon after."""
    with served() as (address, _, _):
        page = driving.open_page(browser, address)
        page.locator("#lx-tune-run").click()
        page.wait_for_selector("#lx-tune-stop:enabled")  # what runs may still be of the opening page
        soon(lambda: queue(address)["running"])
        page.context.close()
        soon(lambda: not queue(address)["running"] and not queue(address)["waiting"])
        with urllib.request.urlopen(f"{address}/metrics", timeout=60) as reply:
            lines = reply.read().decode().splitlines()
    (complete,) = [line for line in lines if line.startswith('lines_requests_total{outcome="complete"}')]
    assert float(complete.split()[-1]) < len(specs(TINY_CLIP, "digits"))
