"""The strip of images and its dialog without Gradio: states, filter, keyboard, and what they ask for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ui
from evaluators.specs.picture_states import STATES
from tests.browser import driving
from ui.layout import STYLE_SHEETS
from ui.pictures.picture_words import strip_settings
from ui.shell.theme import style_variables

pytestmark = pytest.mark.browser
FOLDER = Path(ui.__path__[0]) / "pictures"
PAGE = """<!doctype html><meta charset="utf-8"><style>{styles}</style><div id="root"></div>
<script>{scripts}
window.looked = []; window.confused = [];
window.fetch = async () => ({ url: "http://localhost/one", json: async () => ({images}) });
const look = (task, image) => { looked.push([task, image]); dialog.open(task, image); };
window.strip = pictureStrip(document.querySelector("#root"), {settings}, look, (task) => confused.push(task));
window.dialog = pictureDialog(strip, look);
</script>"""
IMAGES = {
    "sprite": "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
    "side": 48,
    "tasks": [
        {"key": "digits", "title": "Digits", "classes": ["zero", "one"], "truth": [0, 1, 0]},
        {"key": "faces", "title": "Faces <b>", "classes": ["glad", "sad"], "truth": [1, 1, 0]},
    ],
}
BEFORE = {
    "images": "/one",
    "target": "digits",
    "predicted": [[[0, 0, 0], [1, 0, 1], [0, 1, 1]], [[0, 1, 1], [0, 1, 0], [1, 1, 1]]],
    "states": ["012", "345"],
}
AFTER = BEFORE | {"predicted": [[[0, 0, 0]] * 3, [[0, 0, 0]] * 3], "states": ["000", "555"]}
SEEN = """() => Array.from(document.querySelectorAll(".lx-pic"),
    (node) => [node.checkVisibility(), node.dataset.state, node.children[1].textContent, node.ariaLabel])"""


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = driving.patient(browser.new_context(viewport={"width": 1000, "height": 800}).new_page())
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    names = ("../live/charts/elements.js", "picture_strip.js", "picture_dialog.js")
    page.set_content(
        PAGE.replace(
            "{styles}", style_variables() + "".join(sheet.read_text("utf-8") for sheet in STYLE_SHEETS)
        )
        .replace("{scripts}", "".join((FOLDER / name).read_text("utf-8") for name in names))
        .replace("{images}", json.dumps(IMAGES))
        .replace("{settings}", json.dumps(strip_settings()))
    )
    page.evaluate("strip.draw", BEFORE)
    page.wait_for_selector(".lx-pic")
    yield page
    assert problems == []
    page.context.close()


def test_each_image_says_what_became_of_it(page: Any) -> None:
    seen = page.evaluate(SEEN)
    assert [state for _, state, _, _ in seen] == list(STATES)
    assert len({sign for _, _, sign, _ in seen}) == len(STATES)
    assert seen[2][3].startswith("Digits, image 3: it is zero, this edit says one. Forgotten")
    assert seen[3][3].startswith("Faces <b>, image 1: it is sad, this edit says sad")
    assert page.locator("#root b", has_text="Faces").count() == 0
    page.evaluate("strip.draw", None)
    assert page.locator("#root").get_attribute("data-stale") == "true"
    assert page.locator(".lx-pic").first.is_visible()
    page.evaluate("strip.draw(null, 'another model')")
    assert not page.locator(".lx-pic").first.is_visible()
    page.evaluate("strip.draw", AFTER)
    assert page.locator(".lx-pic").first.is_visible()
    assert [state for _, state, _, _ in page.evaluate(SEEN)] == ["right"] * 3 + ["never"] * 3
    assert page.locator("#root").get_attribute("data-stale") == "false"


def test_filter_by_state_and_task(page: Any) -> None:
    size = "nodes => Math.min(...nodes.map(node => parseFloat(getComputedStyle(node).fontSize)))"
    assert page.locator(".lx-pic :is(small, i)").evaluate_all(size) >= 12
    counts = page.locator(".lx-chip b").all_inner_texts()
    assert counts == ["6", "1", "1", "1", "1", "1", "1"]
    page.locator(".lx-chip[data-state=forgotten]").click()
    assert [shown for shown, *_ in page.evaluate(SEEN)] == [False, False, True, False, False, False]
    every, more = page.locator(".lx-chips .lx-chip", has_text="All"), page.locator(".lx-strip-more")
    every.click()
    assert (every.get_attribute("aria-pressed"), more.inner_text()) == ("true", "Show fewer")
    more.click()  # a few of each task are not all
    assert (every.get_attribute("aria-pressed"), more.inner_text()) == ("false", "Show all images")
    page.locator("h4 button", has_text="Faces").click()
    assert [shown for shown, *_ in page.evaluate(SEEN)] == [False] * 3 + [True] * 3
    page.locator(".lx-chip", has_text="taken for").click()
    assert page.evaluate("confused") == ["faces"]
    page.locator(".lx-chip[data-state=forgotten]").click()
    assert not any(shown for shown, *_ in page.evaluate(SEEN))
    page.locator("h4 button", has_text="Faces").click()  # its heading stays, so that there is a way back
    assert [shown for shown, *_ in page.evaluate(SEEN)] == [False, False, True, False, False, False]


def test_the_images_are_one_tab_stop(page: Any) -> None:
    """Sixty-four of them lay between the presets and everything below."""
    stops = "[...document.querySelectorAll('.lx-pic')].map((pic) => pic.tabIndex).join()"
    assert page.evaluate(stops) == "0,-1,-1,-1,-1,-1"
    page.locator(".lx-pic").first.focus()
    for key, stop in (("ArrowRight", 1), ("ArrowDown", 3), ("End", 5), ("ArrowRight", 5), ("ArrowUp", 2)):
        page.keyboard.press(key)
        assert (
            page.evaluate("[...document.querySelectorAll('.lx-pic')].indexOf(document.activeElement)") == stop
        )
    assert page.evaluate(stops) == "-1,-1,0,-1,-1,-1"
    page.locator(".lx-chip[data-state=right]").click()  # the image that held the stop is filtered out
    assert page.evaluate(
        "[...document.querySelectorAll('.lx-pic:not([hidden])')].some((pic) => pic.tabIndex === 0)"
    )


def test_dialog_by_keyboard(page: Any) -> None:
    dialog = page.locator("dialog")
    page.locator(".lx-pic").nth(1).focus()
    page.keyboard.press("Enter")
    assert dialog.is_visible()
    assert "It is: one" in dialog.inner_text()
    assert "Fine-tuned: zero ✗" in dialog.inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")  # there is no fourth image
    assert page.evaluate("looked") == [[0, 1], [0, 2]]
    late = {"at": [0, 1], "models": [], "curve": []}
    page.evaluate("dialog.tell", late)  # of the image before: not shown
    assert "Asking" in dialog.inner_text()
    models = [
        {"name": name, "top": [["zero", 0.75], ["one", 0.25]]} for name in ("pretrained", "finetuned", "edit")
    ]
    page.evaluate("dialog.tell", {"at": [0, 2], "models": models, "curve": [[0, 0.1], [1, 0.9]]})
    assert dialog.inner_text().count("75.0 %") == 3
    assert page.locator("dialog svg").get_attribute("aria-label") == "γ 0: 10 %, γ 1: 90 %"
    page.evaluate("dialog.open(0, 2)")
    page.evaluate("dialog.tell", {"at": [0, 2], "models": [], "curve": [[0, 0.012], [1, 0.001]]})
    assert page.locator("dialog svg text").all_text_contents()[-1] == "2 %", "small ones are not flat"
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.evaluate("dialog.tell", {"title": "Faces", "confusion": [["sad", "glad", 3]]})
    assert page.locator("dialog td").all_inner_texts() == ["glad", "3"]


def test_the_strip_is_on_the_page_and_follows_the_slider(tab: Any, free_address: str) -> None:
    driving.reopen(tab, free_address)
    driving.move(tab, "gamma", 0.47)
    driving.wait_for(tab, driving.key(0.47))
    tab.wait_for_function("document.querySelectorAll('.lx-pic').length === 64")
    tab.wait_for_function("document.querySelector('[data-slot=pictures]').dataset.stale === 'false'")
    driving.rest(tab)
