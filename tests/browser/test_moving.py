"""What happens when a visitor moves something: the last position wins, and the charts stay where they are."""

from typing import Any

import pytest

from evaluators.specs.edit_spec import EditSpec
from tests.browser import driving
from tests.browser.driving import key, move, open_page, position, sentence, shown_key, wait_for
from tests.waiting import soon

pytestmark = pytest.mark.browser
BEND = "(values) => document.querySelector('#lx-head-live .lx-live').bend(...values)"
RECORD_ANSWERS = """(reader) => {
    const { read } = reader;
    window.answers = [];
    reader.read = (answer) => read(answer, window.answers.push(answer));
}"""
"""Records the answers that reach the head from now on."""
FROM_CHART = """(node) => {
    const { x, y } = node.closest(".lx-plot").querySelector("[data-chart]").getBoundingClientRect();
    const box = node.getBoundingClientRect();
    return { x: box.x + box.width / 2 - x, y: box.y + box.height / 2 - y };
}"""
"""Where the middle of a node is in its chart."""
QUEUED = "**/gradio_api/queue/join*"
"""Requests of tier 2."""


@pytest.mark.parametrize("cost", ["free", "slow"])
def test_after_a_drag_of_60_moves_the_last_position_is_shown(
    window: Any, free_address: str, slow_address: str, cost: str
) -> None:
    page = driving.open_tab_of(window, free_address if cost == "free" else slow_address)
    under_way = driving.requests_of(page)
    for round_trip in (0, 60):
        if round_trip:
            driving.emulate_round_trip(page, round_trip)
        last = driving.drag(page, "gamma", moves=60, seconds=1.5)
        wait_for(page, key(last))
        page.wait_for_url(f"**gamma={last:g}*")  # the controls rest, and nothing more is asked
        soon(lambda: page.evaluate("true") and not under_way)
        assert shown_key(page) == key(last), "something has replaced it"
        assert driving.bars(page)[1] == pytest.approx(last, abs=1e-4)
        driving.move(page, "gamma", 0.05)
        wait_for(page, key(0.05))
        page.wait_for_url("**gamma=0.05*")
    page.close()


def test_scroll_position_and_chart_nodes_survive_20_updates(page: Any) -> None:
    driving.wait_until_settled(page, shown_key(page))
    page.locator(".lx-pics section").first.wait_for()  # they move the chart by 4 pixels
    chart = page.locator('[data-chart="tradeoff"]')
    chart.evaluate("node => { node.marked = true; node.querySelector('.lx-now').marked = true; }")
    page.evaluate("window.scrollTo(0, 350)")
    place = "node => node.getBoundingClientRect().top"  # in sight: a sentence above may take a line more
    before = chart.evaluate(place)
    for step in range(20):
        gamma = round(0.02 + 0.045 * step, 2)
        move(page, "gamma", gamma)
        wait_for(page, key(gamma))
    assert chart.evaluate(place) == pytest.approx(before, abs=1)
    assert chart.evaluate("node => node.marked && node.querySelector('.lx-now').marked") is True


def test_landmarks_are_sent_once_and_a_chosen_point_sets_every_control(page: Any) -> None:
    """Clicking a point of a curve goes there, whatever the controls were; its keyboard twin does so too."""
    page.evaluate(f"({RECORD_ANSWERS})(document.querySelector('{driving.LIVE}').reader)")
    page.click("#lx-preset-reverse")
    wait_for(page, key(position(page, "gamma"), shape="reverse", outside="depth"))
    move(page, "gamma", 0.22)
    wait_for(page, key(0.22, shape="reverse", outside="depth"))
    landmarks = page.evaluate("window.answers.filter(one => one.evaluation).map(one => one.landmarks)")
    assert len(landmarks) >= 2
    assert all(list(one) == ["id"] for one in landmarks)

    buttons = page.get_by_role("toolbar").get_by_role("button")
    label = page.get_by_role("button", name="LiNeS, γ = 0.3,")
    label.scroll_into_view_if_needed()
    page.locator('[data-chart="tradeoff"]').click(position=label.evaluate(FROM_CHART))
    wait_for(page, key(0.3))
    assert position(page, "gamma") == 0.3

    buttons.first.focus()
    page.keyboard.press("ArrowRight")
    assert "WiSE-FT, mix 0.1" in page.evaluate("document.activeElement.ariaLabel")
    assert "WiSE-FT, mix 0.1" in page.locator(".lx-tip:not([hidden])").inner_text()
    page.keyboard.press("Enter")
    wait_for(page, EditSpec.wise_ft("digits", 0.1).key())
    assert set(driving.bars(page)) == {0.1}


def test_a_failing_evaluation_shows_its_error_and_the_next_move_works(page: Any) -> None:
    """Raising in a live listener would make Gradio drop the last position; the answer carries the error."""
    move(page, "gamma", 0.33)
    page.wait_for_selector(f'{driving.LIVE}[data-state="error"]')
    assert "refuses alpha 0.33" in sentence(page)
    move(page, "gamma", 0.52)
    wait_for(page, key(0.52))
    assert sentence(page).startswith("Keeps")


def test_a_lost_answer_is_requested_again(slow_page: Any) -> None:
    """If the stream of answers closes just as the browser sends a request, no error reaches it."""
    page = slow_page
    asked: list[str] = []

    def lose_the_first(route: Any) -> None:
        if "0.41" in route.request.post_data:  # not what the page still asks for from before
            asked.append(route.request.post_data)
        if asked == [route.request.post_data]:
            route.fulfill(json={"event_id": "0" * 32})
        else:
            route.continue_()

    page.route(QUEUED, lose_the_first)
    move(page, "gamma", 0.41)
    wait_for(page, key(0.41))
    assert len(asked) >= 2
    page.unroute(QUEUED)


def test_the_schedule_bends_before_the_server_answers(window: Any, slow_address: str) -> None:
    page = driving.open_tab_of(window, slow_address)
    page.route("**/gradio_api/**", lambda route: None)  # the server never answers from here on
    move(page, "gamma", 0.87)
    page.wait_for_selector('[data-chart="schedule"][data-bent^="0.87,"]')
    assert driving.bars(page)[1] == pytest.approx(0.87)
    page.close()


def test_the_browser_bends_every_shape_as_python_does(page: Any) -> None:
    """The browser knows no formula, only vectors that were measured from `EditSpec.scales`."""
    from lines_core.editing import OUTSIDE_RULES
    from lines_core.schedules import SHAPES
    from ui.live.schedule_figure import factors

    free = (0.0, 0.25, *[0.5] * 9, 1.5)
    for rule in OUTSIDE_RULES:
        text = ",".join(map(str, free))
        page.evaluate(BEND, ["tiny-clip", "digits", "free", False, 0.0, 0.3, 0.7, 0.5, rule, text])
        spec = EditSpec(shape="free", outside=rule, alpha=free[0], free_form=free, mix=0.5)
        assert driving.bars(page) == pytest.approx(factors(spec.scales(12)), abs=6e-5), rule
    for shape in SHAPES:
        for rule in OUTSIDE_RULES:
            page.evaluate(BEND, ["tiny-clip", "digits", shape, False, 0.0, 0.3, 1.25, 0.5, rule, ""])
            spec = EditSpec(shape=shape, outside=rule, alpha=0.3, beta=1.25, mix=0.5)
            assert driving.bars(page) == pytest.approx(factors(spec.scales(12)), abs=6e-5), (shape, rule)


def test_partial_numbers_say_so_and_become_complete(slow_page: Any) -> None:
    """Tier 2 is held back meanwhile: on a busy machine the page may draw its last answer only."""
    page = slow_page
    held: list[Any] = []
    page.route(QUEUED, lambda route: held.append(route))
    move(page, "gamma", 0.61)
    wait_for(page, key(0.61), "partial")
    assert "of 1,600 images" in sentence(page)
    for route in held:
        route.continue_()
    page.unroute(QUEUED)
    wait_for(page, key(0.61))
    assert "200 test images of each data set, 1,600 in all" in sentence(page)


def test_two_visitors_never_see_each_others_numbers(browser: Any, slow_address: str, slow_page: Any) -> None:
    first, second = slow_page, open_page(browser, slow_address)
    under_way = [driving.requests_of(page) for page in (first, second)]
    for step in range(6):
        move(first, "gamma", 0.1 + 0.05 * step)
        move(second, "gamma", 0.9 - 0.05 * step)
    wait_for(first, key(0.35))
    wait_for(second, key(0.65))
    first.wait_for_url("**gamma=0.35*")  # they rest: nothing more is asked
    second.wait_for_url("**gamma=0.65*")
    soon(lambda: first.evaluate("true") and not any(under_way))
    assert (shown_key(first), shown_key(second)) == (key(0.35), key(0.65))
    assert sentence(first) != sentence(second)
    second.context.close()
