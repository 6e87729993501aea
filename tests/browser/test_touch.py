"""What a visitor does with a hand in the charts of Explore."""

from typing import Any

import pytest

from evaluators.specs.edit_spec import EditSpec
from tests.browser import driving
from tests.browser.driving import bars, key, move, position, sentence, wait_for

pytestmark = pytest.mark.browser
LINE = [0.3 + 0.7 * block / 11 for block in range(12)]


def free(*blocks: float) -> EditSpec:
    return EditSpec(shape="free", alpha=blocks[0], free_form=tuple(round(block, 4) for block in blocks))


def drag_bar(page: Any, block: int, to: float) -> None:
    """Take the bar of a block (from 0) at its end and pull it to a factor."""
    bar = page.locator('[data-chart="schedule"] [role="slider"]').nth(block)
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    low, high = page.locator('[data-chart="schedule"]').evaluate(
        "node => ['--low', '--high'].map(name => Number(node.style.getPropertyValue(name)))"
    )

    def y(factor: float) -> float:
        return float(box["y"] + box["height"] * (1 - (factor - low) / (high - low)))

    x = box["x"] + box["width"] / 2
    page.mouse.move(x, y(float(bar.get_attribute("aria-valuenow"))))
    page.mouse.down()
    page.mouse.move(x, y(to), steps=4)
    page.mouse.up()


def test_a_dragged_bar_is_a_free_form_schedule_until_the_slider_moves(page: Any) -> None:
    """By pointer and keyboard; other bars stay, and reload, back and forward keep it."""
    move(page, "gamma", 0.3)
    wait_for(page, key(0.3))
    drag_bar(page, 4, 1.2)
    blocks = [*LINE[:4], bars(page)[5], *LINE[5:]]
    assert blocks[4] == pytest.approx(1.2, abs=0.015)  # a pixel is 0.01
    wait_for(page, free(*blocks).key())
    assert "free-form schedule" in sentence(page)
    assert page.locator("#lx-shape input").input_value().startswith("Free-form")
    assert bars(page) == pytest.approx([0.3, *blocks, 0.3], abs=1e-4)

    page.wait_for_url("**free=0.3,*")
    assert page.evaluate("document.activeElement.ariaLabel") == "Block 5"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.ariaLabel") == "Block 4"
    page.keyboard.press("End")
    blocks[3] = 1.5
    wait_for(page, free(*blocks).key())
    page.keyboard.press("ArrowDown")
    page.wait_for_function("document.activeElement.ariaValueText === '1.49'")
    page.keyboard.press("PageDown")
    blocks[3] = 1.39
    wait_for(page, free(*blocks).key())
    tab_stops = page.locator('[data-chart="schedule"] [role="slider"][tabindex="0"]').all()
    assert [stop.get_attribute("aria-valuetext") for stop in tab_stops] == ["1.39"]

    page.wait_for_url("**,1.39,*")
    page.reload()
    wait_for(page, free(*blocks).key())
    page.go_back()
    page.wait_for_url("**free=*,1.5,*")
    wait_for(page, free(*blocks[:3], 1.5, *blocks[4:]).key())
    page.go_forward()
    wait_for(page, free(*blocks).key())

    move(page, "gamma", 0.31)
    wait_for(page, key(0.31))
    assert position(page, "gamma") == 0.31
    assert bars(page)[4] == pytest.approx(0.31 + 0.69 * 3 / 11, abs=1e-4)


def test_free_form_from_the_list_starts_with_the_bars_shown(page: Any) -> None:
    """Also with a mix, which the bars have in them."""
    page.click("#lx-preset-wise_ft")
    wait_for(page, EditSpec.wise_ft("digits", 0.5).key())
    page.click("#lx-shape input")
    page.get_by_role("option", name="Free-form").click()
    wait_for(page, free(*[0.5] * 12).key())
    assert position(page, "mix") == 1.0
    drag_bar(page, 0, 0.0)
    wait_for(page, free(0.0, *[0.5] * 11).key())
    assert bars(page)[0] == bars(page)[-1] == 0.0  # outside like the first block
    assert driving.shown_key(page) == free(0.0, *[0.5] * 11).key()
