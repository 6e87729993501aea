"""The page Rewarded soups over the shipped lab: a mix is moved, spoken, taken back, refused and explained."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import driving
from tests.browser.driving import move, open_tab

pytestmark = pytest.mark.browser
PANEL = "#lx-rewarded"
OWN = "Shy Anna sold blue hats near the mill. Later Ben lost keys."


@pytest.fixture(scope="module")
def visitor(window: Any, lab_address: str) -> Iterator[Any]:
    """A visitor of all tests."""
    with driving.visiting(window, lab_address) as page:
        yield page


@pytest.fixture
def rewarded(visitor: Any, lab_address: str) -> Any:
    """The page as it opens, with everything that ships."""
    driving.reopen(visitor, lab_address)
    open_tab(visitor, "Rewarded soups")
    visitor.wait_for_selector(f"{PANEL} .lx-live[data-state=complete]")
    return visitor


def said(page: Any, slot: str) -> str:
    return str(page.locator(f'{PANEL} [data-slot="{slot}"]').inner_text())


def until_said(page: Any, slot: str, words: str) -> None:
    page.wait_for_function(
        "([slot, words]) => document.querySelector(slot).innerText.includes(words)",
        arg=[f'{PANEL} [data-slot="{slot}"]', words],
    )


HEAR = """(slot) => {
    const status = document.querySelector(slot), heard = (window.heard = []);
    new MutationObserver(() => heard.push(status.innerText)).observe(status, { childList: true });
}"""
"""Keeps what a slot says, as partial numbers do not stay."""


def test_a_shipped_mix_follows_the_slider_and_another_is_spoken_here(rewarded: Any) -> None:
    page = rewarded
    before = said(page, "tiles")
    move(page, "rewarded-w", 0.2)
    until_said(page, "subject", "w = 0.2, α = 0.5, β = 1")
    page.wait_for_selector(f"{PANEL} .lx-live[data-state=complete]")
    assert said(page, "tiles") != before
    assert said(page, "status") == ""
    shipped = said(page, "said")
    page.evaluate(HEAR, f'{PANEL} [data-slot="status"]')
    move(page, "rewarded-beta", 0.4)
    page.wait_for_function("heard.some((said) => said.includes('on 25 of 200 test scenes'))")
    assert said(page, "said") != shipped
    for w in (0.9, 0.3, 0.6):  # the newest of these alone is measured to its end
        move(page, "rewarded-w", w)
    until_said(page, "subject", "w = 0.6, α = 0.5, β = 0.4")  # the status may be that of an older one's end
    until_said(page, "status", "on 200 of 200 test scenes")
    assert page.locator(f"{PANEL} .lx-claims li").count() > 0
    measured = said(page, "tiles")
    move(page, "rewarded-beta", 1)
    until_said(page, "subject", "β = 1")
    page.wait_for_function(
        "([slot, before]) => document.querySelector(slot).innerText !== before",
        arg=[f'{PANEL} [data-slot="tiles"]', measured],
    )
    assert said(page, "status") == ""


def test_a_scene_of_ones_own_is_refused_in_words_and_then_summed_up(rewarded: Any) -> None:
    page = rewarded
    page.get_by_role("button", name="A scene of your own").click()
    box = page.locator("#lx-rewarded-own textarea")
    box.fill("anna <img src=x onerror=alert(1)> juggled")
    until_said(page, "sentence", "The tiny model knows")
    assert "juggled" in said(page, "sentence")
    assert page.locator(f"{PANEL} img").count() == 0
    box.fill(OWN)
    until_said(page, "said", "shy anna sold blue hats near the mill .")
    page.wait_for_selector(f"{PANEL} .lx-claims li")
    box.fill("")
    until_said(page, "said", "The scene")
    page.wait_for_selector(f"{PANEL} .lx-live[data-state=complete]")


def test_both_rewards_are_explained_by_keyboard(rewarded: Any) -> None:
    page, tip = rewarded, rewarded.locator("#lx-term-tip")
    page.locator(f"{PANEL} .lx-tile .lx-term").first.focus()
    tip.wait_for()
    assert "Share of the summary's statements" in tip.inner_text()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Preferred"
    assert "Mean of length" in tip.inner_text()
    page.keyboard.press("Escape")
    tip.wait_for(state="hidden")
    page.locator(f'{PANEL} [data-slot="said"] .lx-term').first.focus()
    tip.wait_for()


def test_without_lines_alpha_and_beta_cannot_be_moved(rewarded: Any) -> None:
    """They were movable without an effect."""
    page, ranges = rewarded, "#lx-rewarded-{} input[type=range]"
    box = page.locator("#lx-rewarded-lines input")
    box.uncheck()
    until_said(page, "sentence", "LiNeS is off here")
    for name in ("alpha", "beta"):
        page.wait_for_selector(ranges.format(name) + ":disabled")
    box.check()
    for name in ("alpha", "beta"):
        page.wait_for_selector(ranges.format(name) + ":enabled")
    move(page, "rewarded-beta", 0.5)
    until_said(page, "sentence", "α = 0.5 and β = 0.5, as set here, are not part of this comparison")
    move(page, "rewarded-beta", 1)
    until_said(page, "subject", "β = 1")


def test_a_scene_number_is_whole_and_in_range(rewarded: Any) -> None:
    """1.5 was taken, and kept in the field beside the summary of scene 1."""
    page, field = rewarded, rewarded.locator("#lx-rewarded-scene input")
    for entry in ("1.5", "-3", "1e9", ""):
        field.fill(entry)
        page.locator(".lx-takes", has_text="Takes whole numbers from 0 to 99999.").wait_for()
        page.keyboard.press("Tab")
        page.locator(".lx-takes", has_text="Back at 0.").wait_for()
        assert field.input_value() == "0"
    scene = said(page, "said")
    field.fill("7")
    page.wait_for_function(
        "([slot, before]) => document.querySelector(slot).innerText !== before",
        arg=[f'{PANEL} [data-slot="said"]', scene],
    )
    field.fill("0")
    page.wait_for_function(
        "([slot, before]) => document.querySelector(slot).innerText === before",
        arg=[f'{PANEL} [data-slot="said"]', scene],
    )


@pytest.mark.parametrize("width", [390, 1440])
def test_it_is_accessible_in_both_themes_and_fits(browser: Any, lab_address: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    screen = {"width": width, "height": 844}
    page = driving.open_page(browser, lab_address, "?page=explore&__theme=light", viewport=screen)
    open_tab(page, "Rewarded soups")
    page.wait_for_selector(f"{PANEL} .lx-live[data-state=complete]")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for theme in ("light", "dark"):
        assert driving.serious_violations(page, axe, theme) == [], theme
    page.context.close()
