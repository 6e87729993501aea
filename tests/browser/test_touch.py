"""What a visitor does with a hand in the charts of Explore."""

from dataclasses import replace
from typing import Any

import pytest

from evaluators.specs.edit_spec import EditSpec
from tests.browser import driving
from tests.browser.driving import bars, key, move, position, sentence, wait_for

pytestmark = pytest.mark.browser
LINE = [0.3 + 0.7 * block / 11 for block in range(12)]


def free(*blocks: float) -> EditSpec:
    return EditSpec(shape="free", alpha=blocks[0], free_form=tuple(round(block, 4) for block in blocks))


def laid_out(page: Any) -> None:
    """Wait for the strip of images, which moves the charts below it when it comes."""
    page.wait_for_selector("#lx-head-live .lx-pic")


HOLD = """() => {
    const frame = window.requestAnimationFrame.bind(window), held = [];
    window.requestAnimationFrame = (act) => (act.name === "step" ? held.push(act) : frame(act));
    let now = performance.now();
    window.playFrames = (frames) => {
        while (frames--) held.shift()((now = Math.max(now, performance.now()) + 100));
    };
}"""
"""Lets gamma play by the frame, each of 100 ms, in which it goes down by a sixtieth."""


def play(page: Any, frames: int) -> None:
    """Let gamma play for some frames; then it stands, however long its answers take."""
    page.evaluate("frames => playFrames(frames)", frames)


def drag_bar(page: Any, block: int, to: float) -> None:
    """Take the bar of a block (from 0) at its end and pull it to a factor."""
    laid_out(page)
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
    page.wait_for_url("**free=0.3,*")  # at rest: a bar follows the pointer with the next frame
    blocks = [*LINE[:4], bars(page)[5], *LINE[5:]]
    assert blocks[4] == pytest.approx(1.2, abs=0.015)  # a pixel is 0.01
    wait_for(page, free(*blocks).key())
    assert "free-form schedule" in sentence(page)
    assert page.locator("#lx-shape input").input_value().startswith("Free-form")
    assert bars(page) == pytest.approx([0.3, *blocks, 0.3], abs=1e-4)

    assert page.evaluate("document.activeElement.ariaLabel") == "Block 5"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.ariaLabel") == "Block 4"
    page.keyboard.press("End")
    blocks[3] = 1.5
    wait_for(page, free(*blocks).key())
    page.wait_for_url("**free=*,1.5,*")  # settled: back comes here
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


def test_the_dot_is_dragged_along_the_curve_and_undo_brings_it_back(page: Any) -> None:
    """Also between two measured points; letting go over another point does not go there."""
    move(page, "gamma", 0.3)
    wait_for(page, key(0.3))
    page.wait_for_url("**gamma=0.3")
    laid_out(page)
    page.locator(".lx-now").scroll_into_view_if_needed()
    chart = page.locator('[data-chart="tradeoff"]').bounding_box()
    curve = page.locator('.lx-path[data-role="lines"]').evaluate(
        "node => Array.from(node.points, (point) => [point.x, point.y])"
    )
    places = [(chart["x"] + x, chart["y"] + y) for x, y in curve]  # gamma = 1 first
    page.mouse.move(*places[7])
    page.mouse.down()
    page.mouse.move(*places[5])
    wait_for(page, key(0.5))
    page.wait_for_selector('.lx-ring[visibility="visible"]')
    between = [(a + b) / 2 for a, b in zip(places[4], places[5], strict=True)]
    page.mouse.move(*between)
    wait_for(page, key(0.55))
    assert driving.bars(page)[1] == pytest.approx(0.55)
    page.mouse.up()
    page.wait_for_selector('.lx-ring[visibility="hidden"]', state="attached")
    page.wait_for_url("**gamma=0.55")
    assert driving.shown_key(page) == key(0.55)
    page.locator("#lx-copy-link").focus()
    page.keyboard.press("Control+z")  # a drag that paused at 0.5 may have left a state there
    page.wait_for_function("!location.search.includes('gamma=0.55')")
    while "gamma=0.3" not in page.evaluate("location.search"):
        page.click("#lx-undo")
        page.wait_for_url("**gamma=0.3")
    wait_for(page, key(0.3))


def test_play_sweeps_gamma_down_and_ends_with_any_other_move(page: Any) -> None:
    """It is one state of the history, and the numbers shown are those of the position it pauses at."""
    page.wait_for_url("**gamma=*")
    length = page.evaluate("history.length")
    page.evaluate(HOLD)
    page.click("#lx-play")
    play(page, 6)
    wait_for(page, key(0.9))
    play(page, 6)
    wait_for(page, key(0.8))
    play(page, 3)
    page.click("#lx-play")
    paused = position(page, "gamma")
    assert paused == 0.75
    page.wait_for_url(f"**gamma={paused:g}")
    wait_for(page, key(paused))
    assert driving.bars(page)[1] == pytest.approx(paused)
    assert page.evaluate("history.length") <= length + 1

    page.click("#lx-play")  # goes on from here
    play(page, 1 + 9)  # the first is left of the pause
    wait_for(page, key(0.6))
    playing = "preset => { preset.click(); return document.getElementById('lx-play').ariaPressed; }"
    assert page.locator("#lx-preset-finetuned").evaluate(playing) == "false"  # before its answer comes
    wait_for(page, key(1.0))
    assert position(page, "gamma") == 1.0
    assert set(driving.bars(page)) == {1.0}


def test_less_motion_is_played_in_steps(browser: Any, free_address: str) -> None:
    page = driving.open_page(browser, free_address, reduced_motion="reduce")
    page.evaluate(HOLD)
    page.click("#lx-play")
    wait_for(page, key(1.0))
    page.evaluate(
        """() => {
        window.seen = new Set();
        const first = document.querySelectorAll('[data-chart="schedule"] .lx-factor')[1];
        new MutationObserver(() => window.seen.add(first.style.getPropertyValue("--v")))
            .observe(first, { attributes: true });
    }"""
    )
    for gamma in (0.9, 0.8, 0.7):
        play(page, 6)
        wait_for(page, key(gamma))
    seen = {float(value) for value in page.evaluate("Array.from(window.seen)")}
    assert seen <= {1.0, 0.9, 0.8, 0.7}
    page.context.close()


def test_reset_all_starts_the_page_anew_and_can_be_undone(page: Any) -> None:
    """A number field keeps its own Ctrl+Z."""
    start = driving.shown_key(page)
    page.click("#lx-preset-reverse")
    page.wait_for_url("**shape=reverse*")
    drag_bar(page, 2, 0.4)
    page.wait_for_url("**free=*")
    shown = replace(free(*bars(page)[1:-1]), outside="depth").key()
    wait_for(page, shown)
    page.click("#lx-reset")
    wait_for(page, start)
    page.wait_for_function("!location.search.includes('free')")
    page.locator("#lx-gamma input[type=number]").focus()
    page.keyboard.press("Control+z")
    assert driving.shown_key(page) == start
    page.click("#lx-undo")
    page.wait_for_url("**free=*")
    wait_for(page, shown)


def test_a_point_of_a_sweep_goes_there_and_nothing_zooms_by_accident(page: Any) -> None:
    """A drag over a Plotly chart changes nothing until *Zoom* is pressed; letting it go shows all again."""
    chart = page.locator('#lx-forgetting [data-chart="target"], #lx-forgetting [data-chart]').first
    laid_out(page)
    chart.scroll_into_view_if_needed()
    page.wait_for_function(
        "node => node._fullLayout && node.querySelectorAll('.point').length > 20", arg=chart.element_handle()
    )
    ranges = "node => [...node._fullLayout.xaxis.range, ...node._fullLayout.yaxis.range]"
    whole = chart.evaluate(ranges)
    box = chart.bounding_box()

    def across() -> None:
        page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.3 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
        page.mouse.up()

    across()
    assert chart.evaluate(ranges) == whole
    zoom = chart.locator("xpath=ancestor::figure").get_by_role("button", name="Zoom")
    zoom.click()
    across()
    page.wait_for_function(
        f"node => String(({ranges})(node)) !== '{','.join(map(str, whole))}'", arg=chart.element_handle()
    )
    zoom.click()
    page.wait_for_function(
        f"node => String(({ranges})(node)) === '{','.join(map(str, whole))}'", arg=chart.element_handle()
    )

    place = chart.evaluate(
        """node => {
        const trace = node._fullData.find((one) => one.customdata && one.customdata[3].shape === "reverse");
        const { xaxis, yaxis } = node._fullLayout, { left, top } = node.getBoundingClientRect();
        const [x, y] = [xaxis._offset + xaxis.d2p(trace.x[3]), yaxis._offset + yaxis.d2p(trace.y[3])];
        return [left + x, top + y, trace.x[3]];
    }"""
    )
    page.mouse.move(place[0], place[1], steps=2)
    chart.locator(".hoverlayer .hovertext").first.wait_for()  # Plotly clicks what it hovers
    page.mouse.click(place[0], place[1])
    wait_for(page, key(place[2], shape="reverse", outside="depth"))
    assert page.locator(".lx-sentence").evaluate("node => node.getBoundingClientRect().top") >= 0
