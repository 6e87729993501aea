"""Whose answers dialog and own picture show, without Gradio: only those of what is chosen now."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import ui
from tests.browser import driving
from ui.pictures import own_picture, strip_panel
from ui.pictures.picture_words import OWN_WORDS, strip_settings

pytestmark = pytest.mark.browser
FOLDER = Path(ui.__path__[0]) / "pictures"
CONVNEXT, CLIP = ["tiny-convnext", "digits"], ["tiny-clip", "digits"]
PAGE = """<!doctype html><meta charset="utf-8"><style>.lx-own > div { min-height: 40px; }</style>
<div class="lx-live" id="lx-head-live"><div data-slot="pictures"></div></div>
<div id="part"><div class="lx-own"></div></div>"""
BEGIN = """([code, fixed, chosen]) => {
  window.choose = (named) => {
    window.lxAddress = { values: () => named };
    for (const name of ["lx-named", "lx-moved"]) window.dispatchEvent(new Event(name));
  };
  choose(chosen);
  window.asked = [];
  window.fetch = async () => ({ url: "http://localhost/one", json: async () => window.images });
  const props = { fixed: JSON.stringify(fixed) }, trigger = () => window.asked.push(JSON.parse(props.value));
  new Function("element", "props", "trigger", code)(document.querySelector("#part"), props, trigger);
}"""


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = driving.patient(browser.new_context(viewport={"width": 1000, "height": 800}).new_page())
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.set_content(PAGE)
    yield page
    assert problems == []
    page.context.close()


def begin(page: Any, scripts: Sequence[str], fixed: dict[str, Any]) -> None:
    """Run a component's scripts, with Tiny ConvNeXt chosen."""
    code = "".join((FOLDER / name).read_text("utf-8") for name in scripts)
    page.evaluate(BEGIN, [code, {**fixed, "subject": [0, 1]}, CONVNEXT])


def own_answer(asked: list[str], share: float) -> dict[str, Any]:
    return {"rows": [["one", 0.1, 0.2, share]], "tasks": [], "title": "Digits", "asked": asked, "number": 1}


def test_an_own_picture_keeps_no_number_of_another_model(page: Any) -> None:
    """For more than a second the bars of Tiny ConvNeXt stood beside the name of Tiny CLIP."""
    begin(page, own_picture.SCRIPTS, {"words": {**OWN_WORDS, "template": "{}"}, "side": 256})
    page.locator(".lx-canvas").first.click()
    page.wait_for_function("window.asked.length === 1")
    result = page.locator(".lx-result")
    page.evaluate("linesOwnPicture", own_answer(CONVNEXT, 0.31))
    assert "31 %" in result.inner_text()
    page.evaluate("choose", CLIP)
    assert result.evaluate("node => node.classList.contains('lx-stale')")
    page.evaluate("linesOwnPicture", own_answer(CONVNEXT, 0.32))
    assert "32 %" not in result.inner_text()
    page.evaluate("linesOwnPicture", own_answer(CLIP, 0.33))
    assert "33 %" in result.inner_text()
    assert not result.evaluate("node => node.classList.contains('lx-stale')")


def test_a_stroke_is_asked_for_once_it_has_ended_and_no_second_time(page: Any) -> None:
    """What was due while it was drawn was asked for all the same, a quarter of a second later."""
    page.clock.install()
    begin(page, own_picture.SCRIPTS, {"words": {**OWN_WORDS, "template": "{}"}, "side": 256})
    box = page.locator(".lx-canvas").first.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.clock.run_for(300)
    assert page.evaluate("window.asked.length") == 1, "while it is drawn"
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.up()
    page.clock.run_for(300)
    assert page.evaluate("window.asked.length") == 2


def test_an_own_picture_is_asked_for_again_once_it_is_in_sight(page: Any) -> None:
    """Below a closed heading it was of the edit and the model before, for as long as nothing moved again."""
    begin(page, own_picture.SCRIPTS, {"words": {**OWN_WORDS, "template": "{}"}, "side": 256})
    page.locator(".lx-canvas").first.click()
    page.wait_for_function("window.asked.length === 1")
    page.evaluate("document.querySelector('#part').style.display = 'none'")
    page.evaluate("choose", CLIP)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("window.asked.length") == 1
    page.evaluate("document.querySelector('#part').style.display = ''")
    page.wait_for_function("window.asked.length === 2")


IMAGES = {
    "sprite": "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
    "side": 48,
    "tasks": [{"key": "digits", "title": "Digits", "classes": ["zero", "one"], "truth": [0]}],
}
DRAWN = {"images": "/one", "target": "digits", "predicted": [[[0]], [[1]], [[1]]], "states": ["1"]}


def of_dialog(number: int, asked: list[str], share: float) -> dict[str, Any]:
    models = [{"name": name, "top": [["zero", share]]} for name in ("pretrained", "finetuned", "edit")]
    return {"at": [0, 0], "models": models, "curve": [], "number": number, "asked": asked}


def show_strip(page: Any) -> None:
    """One image, of Tiny ConvNeXt."""
    page.evaluate("images => { window.images = images; }", IMAGES)
    begin(page, strip_panel.SCRIPTS, strip_settings())
    spec = {"model": CONVNEXT[0], "checkpoint": CONVNEXT[1]}
    page.evaluate(
        "(detail) => document.querySelector('[data-slot]')"
        ".dispatchEvent(new CustomEvent('answered', { detail, bubbles: true }))",
        {"pictures": DRAWN, "evaluation": {"spec": spec}},
    )
    page.wait_for_selector(".lx-pic")


def test_the_dialog_shows_no_answer_to_an_earlier_question(page: Any) -> None:
    """The same image of another model, or of another setting, was answered by what had been asked before."""
    show_strip(page)
    dialog = page.locator("dialog")
    page.locator(".lx-pic").click()
    page.keyboard.press("Escape")
    page.locator(".lx-pic").click()
    assert [question["number"] for question in page.evaluate("window.asked")] == [1, 2]
    page.evaluate("answer => linesPictures.tell(answer)", of_dialog(1, CONVNEXT, 0.31))
    assert "31.0 %" not in dialog.inner_text()
    page.evaluate("answer => linesPictures.tell(answer)", of_dialog(2, CONVNEXT, 0.32))
    assert "32.0 %" in dialog.inner_text()
    page.evaluate("choose", CLIP)
    assert not dialog.is_visible(), "back and forward change the model below it"


def test_the_dialog_says_what_went_wrong(page: Any) -> None:
    """The server's errors name no image: the dialog went on asking."""
    show_strip(page)
    page.locator(".lx-pic").click()
    error = {"error": "Too many ask.", "number": 1, "asked": CONVNEXT}
    page.evaluate("answer => linesPictures.tell(answer)", error)
    assert "Too many ask." in page.locator("dialog").inner_text()
