"""The story is told on the real controls: a student begins, guesses, answers, searches, and comes back."""

from typing import Any, cast

import pytest

from evaluators.service.studio import Studio
from tests.browser import driving
from tests.browser.driving import key, move, wait_for
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.start.story_values import story_values

pytestmark = pytest.mark.browser


def test_the_story_from_the_first_step_to_the_exercise(browser: Any, free_address: str) -> None:
    page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="de-DE").new_page()
    page.set_default_timeout(driving.PATIENCE)
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.goto(free_address)
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

    for _ in range(3):
        page.get_by_role("button", name="Next").click()
    assert title.inner_text() == "Predict, then look"
    wait_for(page, key(1.0, "street_numbers"))
    check = page.locator(".lx-story").get_by_role("button", name="Check")
    check.click()
    assert "from 0 to 100" in says.inner_text()
    page.locator(".lx-story input").fill("50")
    check.click()
    assert "You said 50" in says.inner_text()
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

    page.wait_for_url(f"**story=8**gamma={best:g}")
    page.reload()
    title.wait_for()
    assert title.inner_text().startswith("Your turn")
    page.get_by_role("button", name="Close the story").click()
    assert not title.is_visible()
    assert "story=" not in page.url
    page.go_back()
    assert not problems
    page.context.close()
