"""The page as a whole: nothing leaves the machine, it fits a phone, everyone can use it, the API is what it
says."""

import json
import urllib.request
from typing import Any
from urllib.parse import urlparse

import pytest

from tests.browser.driving import open_page

pytestmark = pytest.mark.browser
TABS = ("Forgetting", "Robust fine-tuning", "Tune", "Merge", "About the method")
CHARTS = {"Forgetting": "target", "Robust fine-tuning": "mean", "Tune": "score", "Merge": "bars"}


def open_tab(page: Any, name: str) -> None:
    """Click a tab and wait for its first chart."""
    page.get_by_role("tab", name=name).click()
    if name in CHARTS:
        page.wait_for_selector(f'[data-chart="{CHARTS[name]}"] .main-svg')


def test_no_request_leaves_the_machine(browser: Any, free_address: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    hosts = set()
    context.on("request", lambda request: hosts.add(urlparse(request.url).hostname))
    page = context.new_page()
    page.goto(free_address)
    page.wait_for_selector("#lx-head-live .main-svg")
    for name in TABS:
        open_tab(page, name)
    page.wait_for_timeout(500)
    assert {host for host in hosts if host} == {"127.0.0.1"}
    context.close()


def test_nothing_is_said_on_the_console(browser: Any, free_address: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda problem: said.append(str(problem)))
    page.goto(free_address)
    page.wait_for_selector("#lx-head-live .main-svg")
    for name in TABS:
        open_tab(page, name)
    assert said == []
    context.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_no_horizontal_scroll(browser: Any, free_address: str, width: int) -> None:
    page = open_page(browser, free_address, viewport={"width": width, "height": 844})
    for name in TABS:
        open_tab(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_accessibility_violation(browser: Any, free_address: str, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    page = open_page(browser, free_address, f"?__theme={theme}")
    for name in TABS:
        open_tab(page, name)
        found = axe.run(page).response["violations"]
        serious = [
            (one["id"], node["target"], node.get("failureSummary", "")[:160])
            for one in found
            for node in one["nodes"]
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == [], name
    page.context.close()


def test_every_chart_says_in_words_what_it_shows(page: Any) -> None:
    assert page.locator("h1").count() == 1
    for name in TABS:
        open_tab(page, name)
    charts = 'figure:not([hidden]) > [role="img"][data-chart]'
    labels = f"[...document.querySelectorAll('{charts}')].map(node => node.getAttribute('aria-label') || '')"
    # open_tab waits for the first chart of a tab only
    page.wait_for_function(f"{labels}.every(label => label.length > 60)")
    assert len(page.evaluate(labels)) == 3 + 2 + 6 + 2 + 4  # the head, and the tabs in turn
    assert page.locator('#lx-head-live [data-slot="table"] td').count() > 20


def test_dark_mode_recolours_the_charts(page: Any) -> None:
    colour = "document.querySelector('[data-chart=\"tasks\"]').layout.font.color"
    light = page.evaluate(colour)
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function(f"{colour} !== '{light}'")


def test_only_the_two_public_endpoints_exist(free_address: str) -> None:
    with urllib.request.urlopen(f"{free_address}/gradio_api/info", timeout=30) as reply:
        info = json.load(reply)
    assert sorted(info["named_endpoints"]) == ["/evaluate", "/models"]
    assert info["unnamed_endpoints"] == {}


def test_a_sweep_streams_its_points_and_can_be_stopped(browser: Any, slow_address: str) -> None:
    page = open_page(browser, slow_address)
    open_tab(page, "Forgetting")
    page.click("#lx-forgetting-run")
    points = "document.querySelector('[data-chart=\"target\"]').data.reduce((n, t) => n + t.x.length, 0)"
    page.wait_for_function(f"{points} >= 7")
    assert page.locator("#lx-forgetting progress").count() == 1
    page.click("#lx-forgetting-stop")
    page.wait_for_selector("#lx-forgetting-run:not([disabled])")
    assert "stopped" in page.locator('#lx-forgetting [data-slot="status"]').inner_text()
    page.context.close()


def test_a_precomputed_sweep_is_marked_and_can_be_reproduced(page: Any) -> None:
    open_tab(page, "Forgetting")
    status = page.locator('#lx-forgetting [data-slot="status"]')
    assert "precomputed" in status.inner_text()
    page.click("#lx-forgetting-run")
    page.wait_for_function(
        "document.querySelector('#lx-forgetting [data-slot=\"status\"]').innerText.includes('Reproduced')"
    )
    assert "agree to the last image" in status.inner_text()
