"""The story is told on the real controls: a student begins, guesses, answers, searches, and comes back."""

import re
from typing import Any, cast

import pytest

from evaluators.service.studio import Studio
from tests.browser import driving
from tests.browser.driving import key, move, wait_for
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.start.story_values import story_values

pytestmark = pytest.mark.browser


def test_the_story_from_the_first_step_to_the_exercise(browser: Any, free_address: str) -> None:
    page = driving.patient(
        browser.new_context(viewport={"width": 1440, "height": 900}, locale="de-DE").new_page()
    )
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.goto(free_address)
    start = page.locator("#lx-start")
    page.get_by_role("button", name="Zahl zeigen").wait_for()  # the answer of a later step is not told yet
    assert start.locator("[data-answer]:visible").count() == 0
    assert re.search(r"\d,\d\u202f%", start.inner_text()), "numbers as the story writes them"
    start.locator("select").select_option("en")
    start.get_by_text("Begin the story").wait_for()
    start.locator("select").select_option("de")
    page.get_by_role("button", name="Geschichte").first.click()  # in the visitor's language
    wait_for(page, key(0.0, "street_numbers", shape="flat"))
    page.locator(".lx-story select").select_option("en")
    title, says = page.locator("#lx-story-title"), page.locator(".lx-story-says")
    assert title.inner_text() == "A model that knows a little of everything"

    page.locator(".lx-story .lx-term").first.focus()  # the glossary, by keyboard
    assert "captions" in page.locator(".lx-term-tip").inner_text()
    page.keyboard.press("Escape")
    assert not page.locator(".lx-term-tip").is_visible()
    assert title.is_visible(), "Esc closed the story, not the explanation"

    for _ in range(4):
        page.get_by_role("button", name="Next").click()
    assert title.inner_text() == "Predict, then look"
    wait_for(page, key(1.0, "street_numbers"))
    curve = page.locator("#lx-head-live .lx-tradeoff .lx-chart")
    assert "blur" in curve.evaluate("node => getComputedStyle(node).filter"), "the curve holds the answer"
    check = page.locator(".lx-story").get_by_role("button", name="Check")
    check.click()
    assert "from 0 to 100" in says.inner_text()
    page.locator(".lx-story input").fill("50")
    check.click()
    assert "You said 50" in says.inner_text()
    assert curve.evaluate("node => getComputedStyle(node).filter") == "none"
    wait_for(page, key(0.4, "street_numbers"))

    for _ in range(2):
        page.get_by_role("button", name="Next").click()
    options = page.locator(".lx-story-option")
    options.nth(1).click()
    assert says.get_attribute("data-good") == "false"
    options.nth(0).click()
    assert says.get_attribute("data-good") == "true"

    for _ in range(2):
        page.get_by_role("button", name="Next").click()
    wait_for(page, key(1.0, "street_numbers"))
    check.click()
    assert "There is more to get" in says.inner_text()
    values = story_values(cast(Studio, ZeroCostStudio()))
    assert values is not None
    keeping = [point for point in values["grid"] if point[1] >= values["kept"] * values["ft_target"]]
    best = max(keeping, key=lambda point: point[2])[0]
    move(page, "gamma", best)
    wait_for(page, key(best, "street_numbers"))
    check.click()
    assert says.inner_text().startswith("Found")

    page.wait_for_url(f"**story=9**gamma={best:g}")
    page.reload()
    title.wait_for()
    assert title.inner_text().startswith("Your turn")
    for _ in range(3):
        page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Finish").click()
    assert title.inner_text() == "Well done"
    assert title.evaluate("node => node === document.activeElement")
    page.locator(".lx-story").get_by_role("button", name="Explore on your own").click()
    assert not title.is_visible()
    page.wait_for_url("**page=explore&task=street_numbers**")  # still, after Merge and Models
    assert "story=" not in page.url
    assert page.evaluate("document.activeElement.id") == "lx-page-explore-button"
    page.go_back()
    assert not problems
    page.context.close()


def test_a_step_alone_in_the_address_opens_its_page_and_hides_nothing_of_it(
    browser: Any, free_address: str
) -> None:
    """The card lay over Start; on a phone a slider lay over what it spoke of, its buttons out of sight."""
    screen = {"width": 390, "height": 844}
    page = driving.patient(
        browser.new_context(viewport=screen, locale="en-US", reduced_motion="reduce").new_page()
    )
    page.goto(f"{free_address}/?story=7")
    wait_for(page, key(0.4, "street_numbers"))
    page.wait_for_url("**story=7&page=explore**")
    page.locator("#lx-story-title", has_text="What do the layers hold?").wait_for()
    page.wait_for_function(
        """() => {
            const spot = document.querySelector("#lx-head-live .lx-schedule").getBoundingClientRect();
            const card = document.querySelector(".lx-story").getBoundingClientRect();
            const next = document.querySelector(".lx-story-next").getBoundingClientRect();
            const seen = document.elementFromPoint(spot.left + 40, spot.top + 12);
            return spot.bottom <= card.top && next.bottom <= innerHeight && seen.closest(".lx-schedule");
        }"""
    )
    page.context.close()
