"""Pins on the page: set by keyboard, compared, and part of the link, so that they survive what it does."""

from typing import Any

import pytest

from tests.browser import driving

pytestmark = pytest.mark.browser
ASKED = "document.querySelector('#lx-head-live .lx-live').view.answer"


def pins(page: Any) -> list[str]:
    """Letters in the table."""
    return list(page.locator(".lx-pin-letter").all_inner_texts())


def wait_for_pins(page: Any, *letters: str) -> None:
    page.wait_for_function(
        "said => [...document.querySelectorAll('.lx-pin-letter')].map(n => n.textContent).join() === said",
        arg=",".join(letters),
    )


def test_pins_stay_with_the_visitor_and_in_the_link(page: Any) -> None:
    driving.move(page, "gamma", 0.4)
    driving.wait_for(page, driving.key(0.4))
    button = page.locator(".lx-pin-button")
    assert button.inner_text() == "Pin A"
    button.focus()
    page.keyboard.press("Enter")
    wait_for_pins(page, "A")
    page.wait_for_url("**pins=A:tiny-clip:digits:linear:0.4:0.6")
    assert button.inner_text() == "Unpin A"
    assert button.evaluate("node => node === document.activeElement"), "the keyboard stays where it was"

    driving.move(page, "gamma", 0.9)
    driving.wait_for(page, driving.key(0.9))
    page.wait_for_function(f"{ASKED}.pins[0].difference")
    assert page.locator(".lx-pin-table tbody tr").nth(2).inner_text().count("points (") == 1
    page.keyboard.press("Enter")
    wait_for_pins(page, "A", "B")
    page.wait_for_url("**B:tiny-clip:digits:linear:0.9:0.1")
    page.get_by_role("button", name="Go to pin A").click()
    driving.wait_for(page, driving.key(0.4))
    assert driving.position(page, "gamma") == 0.4

    page.get_by_label("Fine-tuned on").click()
    page.get_by_role("option", name="Facial expressions").click()
    driving.wait_for(page, driving.key(0.4, "faces"))
    page.wait_for_function(f"{ASKED}.pins.every(pin => !pin.target)")
    assert page.locator(".lx-pin-ghost, .lx-pin-outline").count() == 0
    assert "not compared" in page.locator(".lx-pin-table").inner_text()
    page.wait_for_url("**task=faces**")

    driving.open_tab(page, "Merge")
    page.wait_for_url("**page=merge**")
    driving.open_tab(page, "Explore")
    page.wait_for_url("**page=explore**pins=A**")
    assert pins(page) == ["A", "B"]
    page.reload()
    page.wait_for_selector(driving.READY)
    wait_for_pins(page, "A", "B")
    driving.wait_for(page, driving.key(0.4, "faces"))

    page.get_by_role("button", name="Go to pin B").click()  # of another checkpoint
    driving.wait_for(page, driving.key(0.9))
    wait_for_pins(page, "A", "B")
    assert page.locator(".lx-pin-ghost").count() == 2
    page.go_back()
    driving.wait_for(page, driving.key(0.4, "faces"))
    page.go_forward()
    driving.wait_for(page, driving.key(0.9))
    wait_for_pins(page, "A", "B")
    page.get_by_role("button", name="Unpin B").nth(1).click()
    wait_for_pins(page, "A")
    page.wait_for_function("!location.search.includes(',B:')")  # a state of its own
    page.get_by_role("button", name="Unpin A").click()
    wait_for_pins(page)
    page.wait_for_function("!location.search.includes('pins')")
    page.go_back()
    wait_for_pins(page, "A")


def test_a_wrong_pin_in_a_link_is_named(page: Any) -> None:
    page.goto(page.url.partition("?")[0] + "?page=explore&pins=A:tiny-clip:digits:linear:0.4:0.6,B:banana")
    wait_for_pins(page, "A")
    assert "“B:banana” has 2 parts" in page.locator("#lx-notice").inner_text()
