"""The page as a whole: no external requests, no horizontal scroll, accessibility, and the public API."""

import importlib.util
import json
import urllib.request
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import urlparse

import pytest

from tests.browser import driving
from tests.browser.driving import LIVE, PATIENCE, serious_violations

pytestmark = pytest.mark.browser
TABS = ("Start", "Explore", "Robust fine-tuning", "Merge", "Models", "About")
"""Pages of the server with free evaluations; Soup and Fine-tuning compared are toured in test_merging.py."""
CHARTS = {"Explore": "score", "Robust fine-tuning": "mean", "Merge": "bars"}
WIDTHS = (1440, 780, 390)


def open_tab(page: Any, name: str) -> None:
    """Click a tab and wait for its first chart."""
    driving.open_tab(page, name)
    page.get_by_role("tab", name=name, exact=True, selected=True).wait_for()
    if name in CHARTS:
        page.locator(f'[data-chart="{CHARTS[name]}"]').scroll_into_view_if_needed()  # Plotly is fetched then
        page.wait_for_selector(f'[data-chart="{CHARTS[name]}"] .main-svg')


@dataclass
class Tour:
    """What happened while a visitor opened all tabs, at three widths and in both themes.

    Args:
        hosts: that requests went to.
        console: errors and warnings.
        too_wide: (width, tab) with a horizontal scroll bar.
        violations: (width, theme, tab, serious violations that axe finds); None without axe.
    """

    hosts: set[str] = field(default_factory=set)
    console: list[str] = field(default_factory=list)
    too_wide: list[tuple[int, str]] = field(default_factory=list)
    violations: list[tuple[int, str, str, Any]] | None = None


@pytest.fixture(scope="module")
def tour(browser: Any, free_address: str) -> Tour:
    """One page load for all tests of the page as a whole."""
    seen = Tour()
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.on("request", lambda request: seen.hosts.add(urlparse(request.url).hostname or ""))
    page = driving.patient(context.new_page())
    page.on(
        "console",
        lambda line: seen.console.append(line.text) if line.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda problem: seen.console.append(str(problem)))
    page.goto(free_address + driving.EXPLORE)
    page.wait_for_selector(f'{LIVE}[data-state="complete"]')
    axe = None
    if importlib.util.find_spec("axe_playwright_python"):
        axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
        seen.violations = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        for name in TABS:
            open_tab(page, name)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                seen.too_wide.append((width, name))
            if seen.violations is None or width == 780:
                continue
            for theme in ("light", "dark"):
                if found := serious_violations(page, axe, theme):
                    seen.violations.append((width, theme, name, found))
    context.close()
    return seen


def test_no_request_leaves_the_machine(tour: Tour) -> None:
    assert tour.hosts - {""} == {"127.0.0.1"}


def test_nothing_is_written_to_the_console(tour: Tour) -> None:
    assert tour.console == []


def test_no_horizontal_scroll(tour: Tour) -> None:
    assert tour.too_wide == []


def test_no_serious_accessibility_violation(tour: Tour) -> None:
    if tour.violations is None:
        pytest.skip("axe is not installed")
    assert tour.violations == []


def test_plotly_is_fetched_only_where_a_chart_of_it_is_near(window: Any, free_address: str) -> None:
    page = driving.patient(window.new_page())
    page.goto(free_address)
    page.wait_for_selector(".lx-start-begin")
    page.wait_for_selector("footer", state="attached")
    fetched = page.locator("script[data-plotly]")
    assert fetched.count() == 0
    driving.open_tab(page, "Explore")
    page.wait_for_selector(driving.READY)
    assert fetched.count() == 0
    page.mouse.move(700, 700)
    page.mouse.wheel(0, 100)
    page.wait_for_selector("#lx-forgetting .main-svg", state="attached")
    assert page.locator("#lx-forgetting").bounding_box()["y"] > 900, "not in sight, but near"
    page.close()


def test_ctrl_p_prints_once_the_charts_are_drawn_that_were_never_in_sight(
    window: Any, free_address: str
) -> None:
    page = driving.patient(window.new_page())
    page.goto(f"{free_address}?page=explore")
    page.wait_for_selector(driving.READY)
    page.wait_for_selector('#lx-forgetting .lx-live[data-state="complete"]', state="attached")
    drawn = "document.querySelectorAll('#lx-forgetting .main-svg').length"
    page.evaluate(f"window.print = () => {{ window.onPaper = {drawn}; }}")
    page.keyboard.press("Control+p")
    page.wait_for_function("window.onPaper > 0")
    page.close()


def test_what_a_screen_reader_hears_and_what_stays_in_sight(page: Any) -> None:
    """The settled sentence only, openers that say if they are open; the first screen holds the chart."""
    spoken, sentence = (
        f"document.querySelector('.lx-{name}').textContent" for name in ("spoken", "sentence")
    )
    page.wait_for_function(f"{spoken} === {sentence}")  # that of the start
    page.evaluate("""() => {
        const spoken = document.querySelector(".lx-spoken"), heard = window.heard = [];
        new MutationObserver(() => heard.push(spoken.textContent)).observe(spoken, { childList: true });
    }""")
    page.locator("#lx-gamma input[type=range]").evaluate("""(node) => {
        for (const gamma of [0.9, 0.7, 0.5, 0.0, 0.99, 1.0]) {
            node.value = gamma;
            node.dispatchEvent(new Event("input", { bubbles: true }));
        }
    }""")  # without a rest, however slow the machine is
    driving.wait_for(page, driving.key(1.0))
    page.wait_for_function(f"{spoken} === {sentence}")
    assert page.evaluate("new Set(window.heard).size") <= 1
    shown = "[...document.querySelectorAll('h1, h2, h3, h4')].filter(node => node.checkVisibility())"
    levels = page.evaluate(f"{shown}.map(node => Number(node.tagName[1]))")
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    opener = page.locator("#lx-advanced button.label-wrap")
    for state in ("false", "true"):
        assert opener.get_attribute("aria-expanded") == state
        opener.click()
        page.wait_for_selector(
            f"#lx-advanced button[aria-expanded={'true' if state == 'false' else 'false'}]"
        )
        panel = page.locator(".lx-controls:visible")
        assert panel.evaluate("node => node.scrollWidth <= node.clientWidth"), "a second column"
    for part in ("#lx-gamma input[type=range]", ".lx-tiles", ".lx-strip", ".lx-tradeoff .lx-now"):
        box = page.locator(f"{part}").first.bounding_box()
        assert box["y"] + box["height"] < 900, part
    page.evaluate("document.querySelector('#lx-head-live .lx-tasks').scrollIntoView({ block: 'end' })")
    assert page.locator("#lx-gamma input[type=range]").bounding_box()["y"] > 0, "the controls scrolled away"


def test_every_chart_says_in_words_what_it_shows(page: Any) -> None:
    assert page.locator("h1").count() == 1
    for name in TABS:
        open_tab(page, name)
    charts = 'figure:not([hidden]) [data-chart]:is([role="img"], [role="group"])'
    labels = f"[...document.querySelectorAll('{charts}')].map(node => node.getAttribute('aria-label') || '')"
    # open_tab waits for the first chart of a tab only
    page.wait_for_function(f"{labels}.every(label => label.length > 60)")
    assert len(page.evaluate(labels)) == 3 + 2 + 6 + 2 + 4  # the head, and the tabs in turn
    assert page.locator('#lx-head-live [data-slot="table"] td').count() > 20


def test_dark_mode_recolours_the_charts(page: Any) -> None:
    """Plotly's are drawn anew; those of the head take their colours from the style sheet."""
    open_tab(page, "Explore")
    page.wait_for_selector('[data-chart="target"] .main-svg')
    colour = "document.querySelector('[data-chart=\"target\"]').layout.font.color"
    light = page.evaluate(colour)
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function(f"{colour} !== '{light}'")


def test_only_the_public_endpoints_exist(free_address: str) -> None:
    with urllib.request.urlopen(f"{free_address}/gradio_api/info", timeout=PATIENCE / 1000) as reply:
        info = json.load(reply)
    assert sorted(info["named_endpoints"]) == ["/classify", "/evaluate", "/images", "/models"]
    assert info["unnamed_endpoints"] == {}


def test_a_sweep_streams_its_points_and_can_be_stopped(slow_page: Any) -> None:
    page = slow_page
    page.click("#lx-forgetting-run")
    points = "document.querySelector('[data-chart=\"target\"]').data?.reduce((n, t) => n + t.x.length, 0)"
    page.wait_for_function(f"document.querySelector('#lx-forgetting progress') && {points} >= 7")
    page.click("#lx-forgetting-stop")
    page.wait_for_selector("#lx-forgetting-run:not([disabled])")
    assert "stopped" in page.locator('#lx-forgetting [data-slot="status"]').inner_text()


def test_a_running_sweep_is_never_shown_under_another_task(slow_page: Any) -> None:
    """It went on drawing digits under the name of vehicles; now it stops, and what it measured is kept."""
    page = slow_page
    page.click("#lx-forgetting-run")
    page.wait_for_selector("#lx-forgetting progress")
    page.evaluate("""() => {
        const panel = document.querySelector("#lx-forgetting");
        const chosen = document.querySelector("#lx-checkpoint input");
        const live = panel.querySelector(".lx-live"), subject = panel.querySelector('[data-slot="subject"]');
        window.wrong = [];
        new MutationObserver(() => {
            if (!live.classList.contains("lx-stale") && !subject.innerText.endsWith(chosen.value))
                window.wrong.push([subject.innerText, chosen.value]);
        }).observe(panel, { attributes: true, childList: true, subtree: true });
    }""")
    page.click("#lx-checkpoint input")
    page.get_by_role("option", name="Vehicles").click()
    page.wait_for_selector('#lx-forgetting [data-slot="subject"] >> text=Vehicles')
    page.wait_for_selector("#lx-forgetting-run:not([disabled])")
    page.click("#lx-checkpoint input")
    page.get_by_role("option", name="Handwritten digits").click()
    page.wait_for_selector('#lx-forgetting [data-slot="subject"] >> text=Handwritten digits')
    page.wait_for_selector("#lx-forgetting-run >> text=Measure the rest")
    assert page.evaluate("window.wrong") == []


def test_a_precomputed_sweep_is_marked_and_can_be_reproduced(page: Any) -> None:
    status = page.locator('#lx-forgetting [data-slot="status"]')
    page.wait_for_selector('#lx-forgetting [data-slot="status"] >> text=precomputed')
    page.click("#lx-forgetting-run")
    page.wait_for_function(
        "document.querySelector('#lx-forgetting [data-slot=\"status\"]').innerText.includes('Reproduced')"
    )
    assert "agree to the last image" in status.inner_text()


SMALLEST = """() => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), sizes = [];
    while (texts.nextNode()) {
        const node = texts.currentNode.parentElement;
        const said = texts.currentNode.data.trim();
        const aside = node.closest("script, style, .lx-hidden, [data-testid=status-tracker]");
        if (!said || aside || !node.checkVisibility()) continue;
        sizes.push([parseFloat(getComputedStyle(node).fontSize) * node.currentCSSZoom, said]);
    }
    return sizes.sort((a, b) => a[0] - b[0])[0];
}"""
"""Size in pixels of the smallest text in sight, and that text."""
REFUSED = """for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, name, { get() { throw new DOMException("refused", "SecurityError"); } });"""
"""What a frame of another site meets in a browser that blocks its storage."""


def test_one_chart_alone_for_a_frame_or_a_lecture_hall(browser: Any, free_address: str) -> None:
    """Nothing but the chart that the address names, and it fills the window."""
    context = browser.new_context(viewport={"width": 900, "height": 600})
    context.add_init_script(REFUSED)
    frame = driving.patient(context.new_page())
    charts = {
        "tradeoff": ".lx-tradeoff",
        "schedule": ".lx-schedule",
        "tasks": ".lx-tasks",
        "pictures": ".lx-strip",
    }

    def alone(link: str, width: int, height: int) -> None:
        frame.set_viewport_size({"width": width, "height": height})
        for name, card in charts.items():
            frame.goto(f"{free_address}/?{link}={name}&page=merge")
            frame.wait_for_selector(driving.READY)
            frame.wait_for_selector(f"{card} >> visible=true")
            assert [other for other in charts if frame.locator(charts[other]).is_visible()] == [name]
            box = frame.locator(card).bounding_box()
            assert box["height"] > height / 2.4
            assert box["y"] + box["height"] < height
            assert frame.evaluate("document.documentElement.scrollHeight") == height
            assert frame.locator(".lx-top").is_hidden()
            assert frame.locator("#lx-own-box").is_hidden()
            slider = frame.locator("#lx-gamma input[type=range]").bounding_box()
            assert box["y"] + box["height"] < slider["y"] < height - 20, "the slider lies below the chart"

    alone("embed", 900, 600)
    whole = frame.locator("a.lx-alone")
    whole.hover()
    assert whole.get_attribute("target") == "_blank"
    assert "embed" not in whole.get_attribute("href")
    alone("present", 1440, 900)
    frame.wait_for_selector(".lx-pic")
    size, words = frame.evaluate(SMALLEST)
    assert size >= 18, words
    frame.goto(f"{free_address}/?present=1")
    frame.wait_for_selector(driving.READY)
    size, words = frame.evaluate(SMALLEST)
    assert size >= 18, words
    frame.goto(f"{free_address}/?page=explore&embed=banana")
    frame.wait_for_selector("#lx-notice >> text=embed “banana” is not one of tradeoff")
    context.close()


def test_the_bar_of_a_task_shows_its_images(page: Any) -> None:
    page.locator("#lx-head-live .lx-pic").first.wait_for()
    page.locator('#lx-head-live .lx-task[data-task="faces"]').click()
    shown = page.locator("#lx-head-live [data-slot=pictures] section:visible")
    assert [section.get_attribute("data-task") for section in shown.all()] == ["faces"]
