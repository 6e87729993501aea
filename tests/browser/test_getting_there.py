"""Every way to a position updates the charts: preset, link, reset, keyboard, untied sliders, other
checkpoint."""

from functools import partial
from typing import Any

import pytest

from evaluators.specs.edit_spec import EditSpec
from tests.browser import driving
from tests.browser.driving import key, move, open_tab, open_tab_of, position, wait_at, wait_for
from tests.waiting import soon

pytestmark = pytest.mark.browser
TAB_STOPS = 80
"""More than the page has."""


def test_presets(page: Any) -> None:
    """They set everything, and what is active is visible: button, label, the mix in its closed box."""
    tuned = position(page, "gamma")

    def active() -> list[str]:
        pressed = page.locator('[id^="lx-preset-"][aria-pressed="true"]')
        return [button.get_attribute("id") for button in pressed.all()]

    page.wait_for_selector('#lx-preset-lines[aria-pressed="true"]')
    assert page.locator(".lx-presets button").first.get_attribute("id") == "lx-preset-lines", (
        "to Tab as to the eye"
    )
    assert active() == ["lx-preset-lines"]
    page.click("#lx-preset-pretrained")
    wait_for(page, EditSpec(shape="flat", alpha=0.0, beta=1.0).key())
    assert set(driving.bars(page)) == {0.0}
    assert active() == ["lx-preset-pretrained"]
    page.locator("#lx-gamma", has_text="All layers keep").wait_for()
    assert not page.locator("#lx-mix").is_visible()
    page.click("#lx-preset-finetuned")
    wait_for(page, key(1.0))
    assert set(driving.bars(page)) == {1.0}
    page.click("#lx-preset-wise_ft")
    wait_for(page, EditSpec.wise_ft("digits", 0.5).key())
    assert set(driving.bars(page)) == {0.5}
    page.locator("#lx-mix").wait_for(state="visible")
    page.click("#lx-preset-reverse")
    wait_for(page, key(tuned, shape="reverse", outside="depth"))
    page.locator("#lx-gamma", has_text="Late layers keep").wait_for()
    page.locator("#lx-tie", has_text="first block keeps its full change").wait_for()
    page.click("#lx-preset-lines")
    wait_for(page, key(tuned))
    move(page, "gamma", 0.77)
    wait_for(page, key(0.77))
    assert active() == []


def test_a_field_keeps_its_last_good_value(page: Any) -> None:
    """Nothing out of range is measured: the listeners never see what the field does not take."""
    move(page, "gamma", 0.6)
    wait_for(page, key(0.6))
    field = page.locator('#lx-gamma input[type="number"]')
    for entry in ("", "5", "-3", "abc"):
        field.focus()
        page.keyboard.press("Control+A")
        page.keyboard.press("Delete")
        page.keyboard.type(entry)
        page.locator(".lx-takes", has_text="Takes 0 to 1.").wait_for()
        assert field.get_attribute("aria-invalid") is not None
        assert driving.bars(page)[1] == 0.6
        page.keyboard.press("Tab")
        assert (field.input_value(), field.get_attribute("aria-invalid")) == ("0.6", None)
        assert page.locator(".lx-takes").inner_text() == "Takes 0 to 1. Back at 0.6."
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("0,35")  # a decimal comma
    wait_for(page, key(0.35))
    assert not page.locator(".lx-takes").inner_text()


def test_a_link_opens_where_it_says_and_is_written_back(window: Any, free_address: str) -> None:
    page = open_tab_of(
        window, free_address, "?task=faces&shape=sqrt&alpha=0.2&beta=0.7&mix=0.8&outside=depth"
    )
    spec = EditSpec(checkpoint="faces", shape="sqrt", alpha=0.2, beta=0.7, mix=0.8, outside="depth")
    wait_for(page, spec.key())
    wait_at(page, alpha=0.2, beta=0.7)
    page.locator("#lx-gamma").wait_for(state="hidden")
    move(page, "beta", 0.5)
    page.wait_for_function("location.search.includes('beta=0.5')")
    for name in ("present", "embed"):
        assert page.locator(f"#lx-{name}").is_visible()
        alone = page.evaluate("name => window.lxAddress.alone(name)", name)
        assert alone == page.evaluate("window.lxAddress.link()") + f"&{name}=1"
    assert "task=faces" in page.url
    page.close()


def test_a_wrong_link_opens_the_page_and_says_what_was_wrong(window: Any, free_address: str) -> None:
    page = open_tab_of(window, free_address, "?task=banana&gamma=7&other=1")
    page.locator("#lx-notice", has_text="banana").filter(has_text="from 0 to 1").wait_for()
    assert "other=1" in page.url
    page.close()


def test_back_and_forward_step_through_settled_states_and_pages(page: Any) -> None:
    """One entry for each rest of the controls, and one for each page; a reload stays."""
    for gamma in (0.2, 0.5, 0.6):
        move(page, "gamma", gamma)
    page.wait_for_url("**?page=explore&task=digits&gamma=0.6")
    open_tab(page, "Merge")
    page.wait_for_url("**?page=merge&task=digits&tasks=*")
    page.locator("#lx-merge-method input").click()
    page.get_by_role("option", name="TIES", exact=True).click()
    page.wait_for_url("**&method=ties")
    move(page, "merge-ties-density", 0.3)
    page.wait_for_url("**&method=ties&density=0.3")
    page.reload()
    page.wait_for_selector('#lx-merge-live .lx-live[data-state="complete"]')
    assert page.title().startswith("Merge")
    wait_at(page, **{"merge-ties-density": 0.3})
    assert page.locator("#lx-gamma").count() == 0, "Explore is built without being open"
    page.go_back()
    wait_at(page, **{"merge-ties-density": 0.2})
    page.go_back()
    page.wait_for_selector("#lx-merge-ties-density", state="detached")
    page.go_back()
    wait_for(page, key(0.6))
    assert page.locator("#lx-page-explore").is_visible()
    page.go_forward()
    page.wait_for_selector("#lx-page-merge >> visible=true")
    page.wait_for_selector("#lx-page-explore", state="hidden")


@pytest.mark.parametrize("first", [0, 1], ids=["in order", "overtaking"])
def test_back_pressed_twice_leaves_every_link_as_it_was(window: Any, free_address: str, first: int) -> None:
    """The answer about the place in between was written into the link of the place that was gone to."""
    page = open_tab_of(window, free_address)
    for gamma in (0.2, 0.5, 0.9):
        move(page, "gamma", gamma)
        page.wait_for_url(f"**&gamma={gamma}")
        driving.wait_until_settled(page, key(gamma))
    held: list[Any] = []
    visits = "**/gradio_api/run/predict*"
    page.route(visits, lambda route: held.append(route) if is_visit(route.request) else route.continue_())
    for _ in range(2):
        page.go_back()
    soon(lambda: page.evaluate("true") and len(held) == 2)
    for route in (held[first], held[1 - first]):
        assert "gamma=0.2" in page.evaluate("location.search")
        with page.expect_event("requestfinished", partial(same, route.request)):
            route.continue_()
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.unroute(visits)
    wait_for(page, key(0.2))
    assert position(page, "gamma") == 0.2
    for step, gamma in ((page.go_forward, 0.5), (page.go_back, 0.2)):
        step()
        wait_for(page, key(gamma))
        assert f"gamma={gamma}" in page.evaluate("location.search")
    page.close()


def is_visit(request: Any) -> bool:
    """Whether the server is asked to read a link."""
    return any(str(value).startswith("?page=") for value in request.post_data_json["data"])


def same(request: Any, other: Any) -> bool:
    return bool(request == other)


def test_a_link_opens_the_page_that_it_names_with_its_controls(window: Any, free_address: str) -> None:
    page = driving.patient(window.new_page())
    page.goto(f"{free_address}/?page=merge&task=faces&tasks=digits,faces&method=banana&alpha=0.25&beta=7")
    page.wait_for_selector('#lx-merge-live .lx-live[data-state="complete"]')
    notice = page.locator("#lx-notice", has_text="method “banana” is not one of")
    notice.filter(has_text="beta should be a number from 0 to 3").wait_for()
    wait_at(page, **{"merge-alpha": 0.25})
    assert page.locator("#lx-merge-tasks input:checked").count() == 2
    open_tab(page, "Explore")
    wait_for(page, key(position(page, "gamma"), "faces"))
    page.goto(f"{free_address}/?page=banana")
    page.wait_for_selector("#lx-notice >> text=page “banana” is not one of start, explore, robust")
    page.close()


def test_a_click_while_the_link_is_still_opened_is_followed(window: Any, free_address: str) -> None:
    """The page showed Merge without numbers, and the address said Explore."""
    page = driving.patient(window.new_page())
    page.goto(f"{free_address}/?page=explore&task=faces")
    page.wait_for_selector(driving.LIVE)
    open_tab(page, "Merge")
    page.wait_for_selector('#lx-merge-live .lx-live[data-state="complete"]')
    page.wait_for_url("**page=merge**")
    page.close()


def test_reset_and_typed_numbers(page: Any) -> None:
    start = position(page, "gamma")
    box = page.locator("#lx-gamma input[type=number]")
    box.fill("0.77")
    box.press("Enter")
    wait_for(page, key(0.77))
    page.locator("#lx-gamma button").click()
    wait_for(page, key(start))


def test_keyboard_only(page: Any) -> None:
    """Tab to the slider, arrow keys, then a preset by Enter and a tab of the page by Enter."""
    start = position(page, "gamma")
    for _ in range(TAB_STOPS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#lx-gamma input[type=range]')"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait_for(page, key(round(start + 0.02, 2)))
    for _ in range(TAB_STOPS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "lx-preset-finetuned":
            break
    page.keyboard.press("Enter")
    wait_for(page, key(1.0))
    for _ in range(TAB_STOPS):
        page.keyboard.press("Tab")
        if (
            page.evaluate("document.activeElement.matches('[role=tab]') && document.activeElement.innerText")
            == "Merge"
        ):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector('#lx-merge-live [data-chart="bars"] .main-svg')


def test_untying_carries_the_position_over(page: Any) -> None:
    move(page, "gamma", 0.3)
    wait_for(page, key(0.3))
    page.locator("#lx-tie input").uncheck()
    wait_at(page, alpha=0.3, beta=0.7)
    move(page, "beta", 0.2)
    wait_for(page, EditSpec(alpha=0.3, beta=0.2).key())
    page.locator("#lx-tie input").check()
    wait_for(page, key(0.3))


def test_another_checkpoint(page: Any) -> None:
    page.locator("#lx-checkpoint input").click()
    page.get_by_role("option", name="Vehicles").click()
    wait_for(page, key(position(page, "gamma"), "vehicles"))
    assert "vehicles" in driving.sentence(page)
    with page.expect_response(is_choice):  # Gradio reports one
        page.locator("#lx-model input").focus()
        page.keyboard.press("Tab")
    move(page, "gamma", 0.2)
    wait_for(page, key(0.2, "vehicles"))


def is_choice(answer: Any) -> bool:
    """Whether the server says which checkpoints the model has that was chosen."""
    return "/run/" in answer.url and answer.request.post_data_json["data"] == ["tiny-clip", "vehicles"]
