"""Many visitors of the real app at once, one of them a Chromium; and what stops when one of them leaves."""

import json
import time
import urllib.request
from typing import Any

import pytest

from benchmarks.load_test.load_report import fairness
from benchmarks.load_test.run import crowd, served
from benchmarks.load_test.student import Habits
from tests.browser import driving

pytestmark = pytest.mark.browser


def queue(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}/health", timeout=10) as reply:
        told: dict[str, Any] = json.loads(reply.read())["queue"]
    return told


def test_a_crowd_gets_right_answers_for_half_a_minute(browser: Any) -> None:
    """A short stay of `python -m benchmarks soak`: every answer is compared with a single visitor's."""
    found = crowd(12, 30.0, Habits(tasks=("digits", "faces"), shapes=("linear",), step=0.02), browser=True)
    assert found.wrong == ()
    assert found.errors == []
    assert found.timeouts == 0
    assert found.compared > 100
    assert all(one.returned for one in found.seen)
    assert fairness(found) <= 3
    sizes = [size for _, size in found.memory]
    assert max(sizes[len(sizes) // 2 :]) < 1.05 * max(sizes[: len(sizes) // 2])


def test_closing_the_tab_stops_its_work_within_two_seconds(browser: Any) -> None:
    with served() as (address, _, _):
        page = driving.open_page(browser, address)
        page.get_by_role("tab", name="Tune").click()
        page.locator("#lx-tune-run").click()
        until = time.monotonic() + 30
        while not queue(address)["running"]:
            assert time.monotonic() < until, "the sweep did not begin"
            time.sleep(0.05)
        page.context.close()
        closed = time.monotonic()
        time.sleep(2)
        assert queue(address) | {"expected_wait_seconds": 0} == {
            "running": 0,
            "waiting": 0,
            "expected_wait_seconds": 0,
        }
        while time.monotonic() < closed + 4:
            assert queue(address)["running"] == 0
            time.sleep(0.02)
