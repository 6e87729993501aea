"""The tabs on merging, soups and fine-tuning variants over the shipped lab, and the export of an edit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lines_core import line_scaling
from tests.browser import driving
from tests.browser.driving import move, open_page, position
from tests.paths import ASSETS

pytestmark = pytest.mark.browser
TABS = {
    "Merge": "#lx-merge-live",
    "Learned coefficients": "#lx-learned",
    "Soup": "#lx-soup",
    "Fine-tuning compared": "#lx-compared",
}


@pytest.fixture(scope="module")
def visitor(window: Any, lab_address: str) -> Iterator[Any]:
    """A visitor for tests that each use another tab, or leave the tab Merge as it was."""
    with driving.visiting(window, lab_address) as page:
        yield page


@pytest.fixture(scope="module")
def merging_visitor(window: Any, lab_address: str) -> Iterator[Any]:
    """A visitor who merges, for tests that build upon each other's controls."""
    with driving.visiting(window, lab_address) as page:
        yield page


def open_tab(page: Any, name: str) -> None:
    """Click a tab and wait for its numbers."""
    page.get_by_role("tab", name=name, exact=True).click()
    page.wait_for_selector(f"{TABS[name]} .lx-live:not([data-state=empty])")


def said(page: Any, panel: str, slot: str) -> str:
    return str(page.locator(f'{panel} [data-slot="{slot}"]').inner_text())


def wait_until_said(page: Any, panel: str, slot: str, words: str) -> None:
    page.wait_for_function(
        "([slot, words]) => document.querySelector(slot).innerText.includes(words)",
        arg=[f'{panel} [data-slot="{slot}"]', words],
    )


def test_a_merge_is_measured_moved_and_taken_apart(merging_visitor: Any) -> None:
    page, live = merging_visitor, TABS["Merge"]
    open_tab(page, "Merge")
    wait_until_said(page, live, "sentence", "of 8 tasks")
    assert "= 0.167" in said(page, live, "alpha")
    key = page.locator(f"{live} .lx-live").get_attribute("data-key")
    move(page, "merge-beta", 0.7)
    page.wait_for_function(
        "([live, key]) => document.querySelector(`${live} .lx-live`).dataset.key !== key",
        arg=[live, key],
    )
    page.locator("#lx-merge-tasks label", has_text="Textures").click()
    wait_until_said(page, live, "sentence", "of 7 tasks")
    page.locator("#lx-merge-method input").click()
    page.get_by_role("option", name="TIES", exact=True).click()
    page.wait_for_selector("#lx-merge-ties-density")
    wait_until_said(page, live, "alpha", "(1 / 7)")
    page.locator("#lx-merge-method-help button").first.click()
    assert "Yadav" in page.locator(".lx-small", has_text="arXiv:2306.01708").first.inner_text()


UNFADED = """(selector) => {
    const live = document.querySelector(`${selector} .lx-live`), subject = live.querySelector(".lx-subject");
    window.unfaded = [];
    new MutationObserver(() => {
        const asked = window.lxAddress.values().includes("digits 0.5");
        if (asked && !live.matches(".lx-stale") && !subject.innerText.includes("× 0.5"))
            window.unfaded.push(subject.innerText);
    }).observe(live, { attributes: true, childList: true, subtree: true });
}"""
"""Collects the subjects of numbers that did not fade though other weights were asked for."""


def test_numbers_of_other_weights_fade_until_the_answer(window: Any, lab_address: str) -> None:
    """Weights, settings and shape had no say: the numbers before looked like those asked for."""
    with driving.visiting(window, lab_address) as page:
        open_tab(page, "Merge")
        page.wait_for_selector("#lx-merge-live .lx-live[data-state=complete]:not(.lx-stale)")
        driving.emulate_round_trip(page, 1500)
        page.evaluate(UNFADED, TABS["Merge"])
        weights = page.locator("#lx-merge-weights").locator("input, textarea")
        weights.fill("digits 0.5")
        weights.press("Enter")
        wait_until_said(page, TABS["Merge"], "subject", "Handwritten digits × 0.5")
        assert page.evaluate("window.unfaded") == []


def test_weights_are_read_once_they_are_finished(window: Any, lab_address: str) -> None:
    """Every letter of a name was answered by "A weight is a name and a number, … got 'f'."."""
    with driving.visiting(window, lab_address) as page:
        open_tab(page, "Merge")
        wait_until_said(page, TABS["Merge"], "sentence", "of 8 tasks")
        field = page.locator("#lx-merge-weights").locator("input, textarea")
        field.press_sequentially("digits 0.5, fac")
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert "digits 0.5, fac" not in page.evaluate("window.lxAddress.values()")
        field.press_sequentially("es 2")
        field.press("Enter")
        wait_until_said(page, TABS["Merge"], "subject", "Handwritten digits × 0.5; Facial expressions × 2")
        page.wait_for_url("**weights=*")
        field.press_sequentially("x")
        field.press("Tab")
        wait_until_said(page, TABS["Merge"], "sentence", "got 'faces 2x'")
        field.fill("")
        field.press("Enter")
        page.wait_for_url(lambda address: "weights=" not in address)
        field.press_sequentially("digits 99")
        field.press("Enter")
        wait_until_said(page, TABS["Merge"], "sentence", "from -10 to 10, got 99.0")
        field.fill("")  # as it was when the field was entered
        field.press("Tab")
        wait_until_said(page, TABS["Merge"], "sentence", "of 8 tasks")
        page.wait_for_url(lambda address: "weights=" not in address)


def test_the_column_of_controls_shows_that_it_scrolls(visitor: Any) -> None:
    """Where the system hides bars that nobody drags, nothing said that there was more below."""
    open_tab(visitor, "Merge")
    column = visitor.locator("#lx-page-merge .lx-controls")
    longer = "node => node.scrollHeight > node.clientHeight"
    visitor.wait_for_function(f"({longer})(document.querySelector('#lx-page-merge .lx-controls'))")
    assert column.evaluate("node => getComputedStyle(node, '::-webkit-scrollbar').width") == "8px"


def test_back_undoes_a_number_of_tasks_in_one_step(window: Any, lab_address: str) -> None:
    """Far from the server, the new tasks made an entry of their own: 8 tasks of the model with 14."""
    with driving.visiting(window, lab_address) as page:
        open_tab(page, "Merge")
        wait_until_said(page, TABS["Merge"], "subject", "Tiny CLIP, 8 tasks")
        driving.emulate_round_trip(page, 1000)
        page.locator("#lx-merge-count label", has_text="14").click()
        page.wait_for_function("new URLSearchParams(location.search).get('tasks')?.split(',').length === 14")
        boxes = page.locator("#lx-merge-tasks input")
        boxes.nth(13).wait_for()
        page.go_back()
        page.wait_for_function("!new URLSearchParams(location.search).has('model')")
        boxes.nth(8).wait_for(state="detached")
        assert boxes.and_(page.locator(":checked")).count() == boxes.count() == 8
        wait_until_said(page, TABS["Merge"], "subject", "Tiny CLIP, 8 tasks")


def test_one_task_alone_is_refused(merging_visitor: Any) -> None:
    page = merging_visitor
    open_tab(page, "Merge")
    for box in page.locator("#lx-merge-tasks input[type=checkbox]").all()[1:]:
        box.uncheck()
    wait_until_said(page, TABS["Merge"], "sentence", "Tick at least two tasks")
    message = page.locator('#lx-merge-live [data-slot="sentence"]')
    assert message.evaluate("node => getComputedStyle(node).opacity") == "1"
    for part in (
        ".lx-tiles",
        '[data-chart="bars"]',
        '[data-slot="alpha"]',
    ):  # they are of the last good merge
        assert not page.locator(f"#lx-merge-live {part}").is_visible(), part


def test_a_click_on_the_map_moves_the_sliders(visitor: Any) -> None:
    page = visitor
    open_tab(page, "Merge")
    wait_until_said(page, "#lx-merge-search", "finding", "Validation chooses")
    assert "precomputed" in said(page, "#lx-merge-search", "status").lower()
    page.wait_for_selector('#lx-merge-search [data-chart="heat"] .main-svg')
    # in its middle: the sixth of eleven columns and of eleven rows
    page.locator('#lx-merge-search [data-chart="heat"] .nsewdrag').first.click()
    page.wait_for_function("() => !document.querySelector('#lx-merge-auto input').checked")
    page.wait_for_function("() => document.querySelector('#lx-merge-beta input[type=range]').value == 1.5")
    assert position(page, "merge-alpha") == pytest.approx(0.25)
    wait_until_said(page, TABS["Merge"], "alpha", "α = 0.25, set by hand")


def test_the_soup_shows_its_selection_and_moves_with_beta(visitor: Any) -> None:
    page, panel = visitor, TABS["Soup"]
    open_tab(page, "Soup")
    wait_until_said(page, panel, "finding", "The greedy soup keeps")
    page.wait_for_selector(f'{panel} [data-chart="greedy"] .main-svg')
    assert "β = 0" in said(page, panel, "tiles")
    move(page, "soup-beta", 0.4)
    wait_until_said(page, panel, "tiles", "β = 0.4")
    page.locator("#lx-soup-which").get_by_text("Uniform soup").click()
    wait_until_said(page, panel, "tiles", "Uniform soup, β = 0.4")


def test_the_rows_of_ways_of_fine_tuning_are_low_on_a_phone(browser: Any, lab_address: str) -> None:
    """The last column gave each word a line: rows of 190 pixels."""
    page = open_page(browser, lab_address, "?page=explore", viewport={"width": 390, "height": 844})
    open_tab(page, "Fine-tuning compared")
    rows = page.locator("#lx-compared tbody tr")
    rows.first.wait_for()
    assert rows.count() == 10
    assert max(row.bounding_box()["height"] for row in rows.all()) < 90
    page.locator("#lx-compared .lx-scroll").evaluate("node => node.scrollTo(9999, 0)")
    assert page.get_by_role("rowheader", name="LinLR").bounding_box()["x"] >= 0, "the names stay in sight"
    page.context.close()


def test_wide_tables_show_on_a_phone_that_they_scroll(browser: Any, lab_address: str) -> None:
    """They were cut without a hint, and the lines of rows ended at the column that stays in sight."""
    page = driving.patient(browser.new_page(viewport={"width": 390, "height": 844}))
    page.goto(f"{lab_address}/?page=merge")
    scroll = page.locator("#lx-merge-table .lx-scroll")
    scroll.wait_for()
    assert scroll.evaluate("node => node.scrollWidth > node.clientWidth")
    style = "(node, name) => getComputedStyle(node)[name]"
    assert scroll.evaluate(style, "backgroundAttachment") == "local, scroll"
    table = page.locator("#lx-merge-table table")
    assert table.evaluate(style, "borderCollapse") == "separate", (
        "collapsed lines do not stay with their cell"
    )
    names = page.locator("#lx-merge-table tbody th")
    assert "-1px" in names.first.evaluate(style, "boxShadow"), "the line above is drawn over what covers it"
    page.context.close()


def test_ways_of_fine_tuning_are_compared(visitor: Any) -> None:
    page, panel = visitor, TABS["Fine-tuning compared"]
    open_tab(page, "Fine-tuning compared")
    wait_until_said(page, panel, "finding", "has the highest control accuracy")
    rows = page.locator(f"{panel} table.lx-table tbody tr")
    assert rows.count() == 1 + 1 + 4 + 4


def test_what_is_taken_home_is_what_was_set(visitor: Any, tmp_path: Path) -> None:
    page = visitor
    driving.open_tab(page, "Explore")
    move(page, "gamma", 0.4)
    driving.wait_for(page, driving.key(0.4))
    page.locator("#lx-edit-home button").first.click()
    page.click("#lx-edit-export")
    page.wait_for_selector("#lx-edit-files a")
    links = page.locator("#lx-edit-files a").all()
    names = {str(link.get_attribute("download")): link for link in links}
    assert sorted(name.rpartition(".")[2] for name in names) == ["safetensors", "zip"]
    cut = "node => node.scrollWidth > node.clientWidth && getComputedStyle(node).overflowX !== 'visible'"
    assert not any(stem.evaluate(cut) for stem in page.locator("#lx-edit-files .stem").all())
    with page.expect_download() as arriving:
        names["digits-gamma0.4.safetensors"].click()
    path = tmp_path / "digits-gamma0.4.safetensors"
    arriving.value.save_as(path)
    stale = page.locator("#lx-edit-stale [data-made]")
    assert not stale.is_visible()
    move(page, "gamma", 0.6)
    page.wait_for_selector("#lx-edit-stale >> text=these files are digits-gamma0.4")
    assert links[0].is_visible(), "they can still be downloaded"
    move(page, "gamma", 0.4)
    stale.wait_for(state="hidden")
    before = load_file(ASSETS / "tiny_clip" / "open_clip_model.safetensors")
    after = load_file(ASSETS / "tiny_clip" / "finetuned" / "digits.safetensors")
    tau = {name: value.float() - before[name].float() for name, value in after.items()}
    scaled = line_scaling(tau, alpha=0.4, beta=0.6)
    for name, value in load_file(path).items():
        assert torch.allclose(value, before[name].float() + scaled[name], atol=1e-6), name


def test_files_are_marked_however_the_settings_moved(window: Any, lab_address: str) -> None:
    """By a preset, the back button, what else is to be in the files, and on *Merge* by a task and a weight.

    A task ticked again comes last in what the browser sends: the files stayed marked.
    """
    with driving.visiting(window, lab_address) as page:
        driving.open_tab(page, "Explore")
        move(page, "gamma", 0.4)
        driving.wait_for(page, driving.key(0.4))
        page.wait_for_url("**gamma=0.4*")  # a state of its own, before the next move
        page.locator("#lx-edit-home button").first.click()
        page.click("#lx-edit-export")
        page.wait_for_selector("#lx-edit-files a")
        stale = page.locator("#lx-edit-stale [data-made]")
        stale.wait_for(state="hidden")
        page.click("#lx-preset-finetuned")
        stale.wait_for(state="visible")
        driving.wait_for(page, driving.key(1.0))
        page.wait_for_function("new URLSearchParams(location.search).get('gamma') !== '0.4'")
        page.go_back()
        driving.wait_for(page, driving.key(0.4))
        stale.wait_for(state="hidden")
        page.locator("#lx-edit-extras input").first.check()
        stale.wait_for(state="visible")
        page.locator("#lx-edit-extras input").first.uncheck()
        stale.wait_for(state="hidden")

        open_tab(page, "Merge")
        page.locator("#lx-merge-home button").first.click()
        page.click("#lx-merge-export")
        page.wait_for_selector("#lx-merge-files a")
        stale = page.locator("#lx-merge-stale [data-made]")
        stale.wait_for(state="hidden")
        page.locator("#lx-merge-tasks input").first.uncheck()
        stale.wait_for(state="visible")
        page.locator("#lx-merge-tasks input").first.check()
        stale.wait_for(state="hidden")
        weights = page.locator("#lx-merge-weights").locator("input, textarea")
        weights.fill("digits 0.5")
        weights.press("Enter")
        stale.wait_for(state="visible")
        weights.fill("")
        weights.press("Enter")
        stale.wait_for(state="hidden")


def test_the_tabs_are_accessible_and_fit_a_phone(browser: Any, lab_address: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    page = open_page(
        browser, lab_address, "?page=explore&__theme=light", viewport={"width": 390, "height": 844}
    )
    for name in TABS:
        open_tab(page, name)
        page.wait_for_selector(f"{TABS[name]} .lx-live[data-state=complete]")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        for theme in ("light", "dark"):
            assert driving.serious_violations(page, axe, theme) == [], (name, theme)
    page.context.close()


STEP_BEYOND = """([slot, beyond]) =>
    Number(/step (\\d+) of 100/.exec(document.querySelector(slot).innerText)?.[1]) > beyond"""


def test_coefficients_are_learned_here_and_stopped(visitor: Any) -> None:
    page, panel = visitor, TABS["Learned coefficients"]
    open_tab(page, "Learned coefficients")
    page.locator("#lx-learned-run").click()
    for beyond in (0, 2):  # a step may be over before it is drawn
        page.wait_for_function(STEP_BEYOND, arg=[f'{panel} [data-slot="status"]', beyond])
    page.locator("#lx-learned-stop").click()
    wait_until_said(page, panel, "status", "Stopped")
    page.locator("#lx-learned-run:not([disabled])").wait_for()


def test_a_link_keeps_the_tasks_of_another_model(window: Any, lab_address: str) -> None:
    """The model's change ticked all eight again: reload, Back and shared links lost the choice."""
    page = driving.patient(window.new_page())
    query = "page=merge&model=tiny-convnext&task=digits&tasks=digits,faces&method=sum"
    page.goto(f"{lab_address}/?{query}")
    page.wait_for_selector("#lx-merge-search .lx-live")
    wait_until_said(page, "#lx-merge-search", "subject", "Tiny ConvNeXt, 2 tasks merged by Task arithmetic")
    assert page.locator("#lx-merge-tasks input:checked").count() == 2
    assert page.url.endswith(query)
    page.close()
