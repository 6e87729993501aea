"""The charts of the live panel without Gradio: the numbers drawn are those of the JSON, and can be read."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from evaluators.service.scheduler import Ticket
from evaluators.specs.edit_spec import EditSpec
from tests.browser.bare_charts import answer_to, bare_charts, read
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.explore.explore_json import live_answer
from ui.explore.pins import Pin
from ui.explore.pins_json import PinComparisons
from ui.explore.references import References, references_of
from ui.shell.theme import ROLES

pytestmark = pytest.mark.browser
SEEN = """() => {
    const all = (selector, read) => Array.from(document.querySelectorAll(selector), read);
    const part = (node) => parseFloat(node.style.width || node.style.left) / 100;
    return {
        tiles: all(".lx-tile-value", (node) => node.textContent),
        more: all(".lx-tile-more", (node) => node.textContent),
        titles: all(".lx-task-title", (node) => node.textContent),
        bars: all(".lx-task-bar", part),
        whiskers: all(".lx-task-whisker", (node) => [parseFloat(node.style.left) / 100, part(node)]),
        numbers: all(".lx-task-number", (node) => node.textContent),
        ghosts: all(".lx-task-ghost", part),
        factors: all(".lx-factor-value", (node) => Number(node.textContent)),
        cells: all("[data-slot=table] td", (node) => node.textContent),
        alt: all("[role=img]", (node) => node.getAttribute("aria-label")),
        now: document.querySelector(".lx-now-group").getAttribute("transform").match(/[\\d.]+/g).map(Number),
        ticks: all(".lx-tick", (one) => [one.textContent, ...["x", "y"].map((at) => +one.getAttribute(at))]),
        points: all(".lx-path-point", (node) => node.getAttribute("d")).length,
        lines: all(".lx-path", (node) => node.points.length),
        small: all(".lx-live *", (node) => node)
            .filter((node) => node.childElementCount === 0 && node.textContent)
            .filter((node) => parseFloat(getComputedStyle(node).fontSize) < 12)
            .map((node) => node.outerHTML),
    };
}"""
FIT = """() => {
    const top = document.querySelector('[data-chart="schedule"]').getBoundingClientRect().top;
    const numbers = Array.from(document.querySelectorAll(".lx-factor-value"));
    const boxes = numbers.map((node) => node.getBoundingClientRect());
    return boxes.every((box, i) => box.top >= top && (!i || boxes[i - 1].right <= box.left + 1));
}"""


PINS_SEEN = """() => {
    const all = (selector, read) => Array.from(document.querySelectorAll(selector), read);
    const outlines = (chart) => all(`[data-chart="${chart}"] .lx-pin-outline[data-letter="A"]`,
        (node) => Number(node.style.getPropertyValue("--p")));
    return {
        ghosts: all(".lx-pin-ghost", (node) => [node.textContent,
            ...node.getAttribute("transform").match(/[\\d.]+/g).map(Number)]),
        schedule: outlines("schedule"),
        tasks: outlines("tasks"),
        rows: all(".lx-pin-table tbody tr", (row) => Array.from(row.children, (cell) => cell.textContent)),
        letters: all(".lx-pin-letter", (node) => node.textContent),
        note: document.querySelector("[data-slot=pins] .lx-note")?.textContent,
        button: document.querySelector(".lx-pin-button").textContent,
    };
}"""


@pytest.fixture(scope="module")
def studio() -> ZeroCostStudio:
    return ZeroCostStudio(chunks=2)


@pytest.fixture(scope="module")
def opened(browser: Any) -> Iterator[Any]:
    with bare_charts(browser) as page:
        yield page


def draw(page: Any, answer: dict[str, Any]) -> dict[str, Any]:
    page.evaluate("(answer) => window.view.draw(window.reader.read(answer))", answer)
    page.wait_for_function("document.querySelector('.lx-tick')")
    seen: dict[str, Any] = page.evaluate(SEEN)
    return seen


def on_axis(ticks: list[tuple[str, float]], at: float) -> float:
    """The fraction at a place of an axis, from its ticks (text, place)."""
    (low, first), (high, last) = (
        (float(text.split()[0]) / 100, where) for text, where in (ticks[0], ticks[-1])
    )
    return low + (at - first) / (last - first) * (high - low)


def test_what_is_drawn_is_what_the_json_says(opened: Any, studio: ZeroCostStudio) -> None:
    evaluation = studio.evaluate(EditSpec.lines("faces", 0.43))
    references = references_of(studio, evaluation.spec)
    assert references.pretrained is not None
    assert references.finetuned is not None
    seen = draw(opened, answer_to(evaluation, references, 1))

    ordered = sorted(evaluation.tasks, key=lambda task: task.role != "target")
    assert seen["titles"] == [task.title for task in ordered]
    assert seen["titles"][0] == "Facial expressions"
    assert seen["bars"] == pytest.approx([task.accuracy for task in ordered], abs=1e-4)
    assert seen["numbers"] == [f"{100 * task.accuracy:.1f}" for task in ordered]
    for (low, width), task in zip(seen["whiskers"], ordered, strict=True):
        assert (low, low + width) == pytest.approx((task.low, task.high), abs=2e-4)
    ghosts = [
        {task.key: task.accuracy for task in reference.tasks}[one.key]
        for one in ordered
        for reference in (references.pretrained, references.finetuned)
    ]
    assert seen["ghosts"] == pytest.approx(ghosts, abs=1e-4)
    scales = evaluation.spec.scales(12)
    assert seen["factors"] == pytest.approx([scales.before, *scales.blocks, scales.after], abs=0.0051)
    assert seen["tiles"] == [f"{100 * value:.1f}\u202f%" for value in (evaluation.target, evaluation.control)]
    change = 100 * (evaluation.control - references.finetuned.control)
    low, high = (100 * end for end in evaluation.control_interval)
    assert seen["more"][1] == f"{low:.1f} to {high:.1f} · +{change:.1f} points against fine-tuned"

    across = [(text, x) for text, x, _ in seen["ticks"] if text.endswith("%")]
    below = max(y for text, _, y in seen["ticks"] if text.endswith("%"))
    x_ticks = [(text, x) for text, x, y in seen["ticks"] if text.endswith("%") and y == below]
    y_ticks = [(text, y - 4) for text, _, y in seen["ticks"] if text.endswith("%") and y != below]
    assert len(across) == len(x_ticks) + len(y_ticks)
    assert on_axis(x_ticks, seen["now"][0]) == pytest.approx(evaluation.control, abs=0.002)
    assert on_axis(y_ticks, seen["now"][1]) == pytest.approx(evaluation.target, abs=0.002)
    assert (seen["points"], seen["lines"]) == (22, [11, 11])
    legend = opened.locator(".lx-tradeoff-legend")
    assert legend.text_content().split() == ["▲", "WiSE-FT", "●", "LiNeS", "○", "visited"]

    task = evaluation.tasks[0]
    counted = f"{100 * task.accuracy:.1f}\u202f% ({task.correct} of {task.n}, "
    assert seen["cells"][0].startswith(counted)
    assert len(seen["cells"]) == 3 * 9 + 14
    assert all(len(alt) > 60 for alt in seen["alt"])
    assert any("Facial expressions (target)" in alt for alt in seen["alt"])
    assert "Tiny <i>CLIP</i>" in opened.locator(".lx-evidence").inner_text(), "words are text, not HTML"
    assert seen["small"] == []


def test_partial_numbers_of_another_task_have_their_own_landmarks(
    opened: Any, studio: ZeroCostStudio
) -> None:
    """No curve of one checkpoint stays under the point of another; a part of a curve is not joined."""
    digits = studio.evaluate(EditSpec.lines("digits", 0.31))
    references = references_of(studio, digits.spec)
    seen = draw(opened, answer_to(replace(digits, complete=False), References(), 10))
    assert (seen["points"], seen["lines"], seen["ghosts"]) == (0, [], [])
    assert seen["titles"][0] == "Handwritten digits"
    assert "against" not in seen["more"][0], "there is no fine-tuned model to compare with"
    some = replace(references, gamma_path=references.gamma_path[:3])
    seen = draw(opened, answer_to(digits, some, 11))
    assert (seen["points"], seen["lines"]) == (14, [11])
    light = answer_to(digits, references, 12)
    held = {**light, "landmarks": {"id": light["landmarks"]["id"]}}
    draw(opened, light)
    assert draw(opened, {**held, "version": 13})["points"] == 22
    assert light["landmarks"]["id"] in opened.evaluate("window.reader.held()").split()
    unknown = {**light, "landmarks": {"id": "another"}}
    assert opened.evaluate("(answer) => window.reader.read(answer)", unknown) is None
    late = answer_to(studio.evaluate(EditSpec.lines("digits", 0.9)), references, 5)
    assert draw(opened, late)["numbers"] == seen["numbers"], "an older answer is not drawn"


def test_details_choice_theme_and_a_phone(opened: Any, studio: ZeroCostStudio) -> None:
    evaluation = studio.evaluate(EditSpec.lines("digits", 0.5))
    references = references_of(studio, evaluation.spec)
    draw(opened, answer_to(evaluation, references, 20))
    opened.evaluate("window.view.bend(Array(14).fill(0.25))")
    assert set(draw(opened, answer_to(evaluation, references, 21))["factors"]) == {0.25}
    opened.evaluate("window.view.bend(null)")

    for width, colour in ((1200, "light"), (480, "light"), (390, "dark")):
        opened.set_viewport_size({"width": width, "height": 900})
        opened.evaluate("dark => document.body.classList.toggle('dark', dark)", colour == "dark")
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        tick = opened.locator(".lx-now").evaluate("node => getComputedStyle(node).fill")
        wanted = getattr(ROLES["lines"], colour)
        assert re.findall(r"\d+", tick) == [str(int(wanted[i : i + 2], 16)) for i in (1, 3, 5)]
        assert opened.evaluate(FIT), "the numbers on the schedule's bars overlap or are cut"
        full = "node => { node.textContent = '100.0'; return node.scrollWidth <= node.clientWidth; }"
        assert opened.locator(".lx-task-number").first.evaluate(full)
        for tile in opened.locator(".lx-tile").all():
            assert tile.evaluate("tile => tile.scrollWidth <= tile.clientWidth")
        finetuned = opened.get_by_role("button", name="Fine-tuned,")
        box = finetuned.bounding_box()
        opened.mouse.move(box["x"] + 12, box["y"] + 12)
        tip = opened.locator(".lx-tradeoff .lx-tip")
        assert "Fine-tuned" in tip.inner_text()
        assert references.finetuned is not None
        assert f"{100 * references.finetuned.control:.1f}" in tip.inner_text()
        inside = tip.bounding_box()
        assert inside["x"] >= 0
        assert inside["x"] + inside["width"] <= width
        opened.mouse.click(box["x"] + 12, box["y"] + 12)
        assert opened.evaluate("window.went.pop()") == {
            "shape": "flat",
            "alpha": 1.0,
            "beta": 0.0,
            "outside": "alpha",
            "mix": 1.0,
        }
    assert opened.get_by_role("toolbar").locator("button[tabindex='0']").count() == 1
    opened.locator('.lx-task[data-task="scenes"]').hover()
    tip = opened.locator(".lx-tasks .lx-tip")
    assert "Pre-trained: " in tip.inner_text()
    before = tip.inner_text()
    draw(opened, answer_to(studio.evaluate(EditSpec.lines("digits", 0.1)), references, 22))
    assert tip.inner_text() != before, "the pointer rests while the slider moves by keyboard"


def test_waiting_and_errors_bring_no_numbers(opened: Any, studio: ZeroCostStudio) -> None:
    evaluation = studio.evaluate(EditSpec.lines("digits", 0.5))
    draw(opened, answer_to(evaluation, References(), 30))
    waits = live_answer(
        version=31, state="waiting", key="next", words={"line": "3 requests come before yours."}
    )
    opened.evaluate("(answer) => window.view.draw(answer)", waits)
    assert "3 requests" in opened.locator("[data-slot=line]").inner_text()
    assert "Comparing" in opened.locator(".lx-sentence").inner_text()
    opened.evaluate(
        "(answer) => window.view.draw(answer)",
        live_answer(version=32, state="error", words={"sentence": "No checkpoint <i>."}),
    )
    assert opened.locator("[data-slot=line]").inner_text() == ""
    assert opened.locator(".lx-trouble").inner_text() == "No checkpoint <i>."
    assert opened.locator(".lx-evidence").inner_text() == ""
    grid = opened.locator(".lx-grid")
    assert float(grid.evaluate("node => getComputedStyle(node).opacity")) < 0.5, "older numbers are dimmed"
    draw(opened, answer_to(evaluation, References(), 33))
    assert opened.locator(".lx-trouble").count() == 0
    assert float(grid.evaluate("node => getComputedStyle(node).opacity")) == 1


def test_pins_are_ghosts_outlines_and_columns(opened: Any, studio: ZeroCostStudio) -> None:
    """Those of this checkpoint with their numbers; one of another checkpoint is listed, and drawn nowhere."""
    edit = studio.evaluate(EditSpec.lines("digits", 0.15))
    pins = [
        Pin("A", EditSpec.lines("digits", 0.9)),
        Pin("B", EditSpec.lines("faces", 0.2)),
        Pin("C", EditSpec.lines("digits", 0.2)),
    ]
    comparisons = PinComparisons()
    assert comparisons.count(studio, "lab", edit, pins[:2], Ticket()) is not None
    shown = comparisons.known(studio, "lab", edit, pins)
    references = references_of(studio, edit.spec)
    draw(opened, answer_to(edit, references, 40, pins=shown))
    seen = opened.evaluate(PINS_SEEN)
    assert "pinned" in opened.locator(".lx-tradeoff-legend").text_content()
    clear = "nodes => nodes.every(node => /^rgb\\(/.test(getComputedStyle(node).backgroundColor))"
    assert opened.locator(".lx-factor-value").evaluate_all(clear), "a pin's line crosses a number"
    kept = studio.evaluate(pins[0].spec)
    assert seen["letters"] == ["A", "B", "C"]
    assert [ghost[0] for ghost in seen["ghosts"]] == ["A", "C"]
    read_pins = read(opened, answer_to(edit, references, 40, pins=shown))["pins"]
    assert seen["schedule"] == pytest.approx(read_pins[0]["factors"])
    ordered = sorted(kept.tasks, key=lambda task: task.role != "target")
    assert seen["tasks"] == pytest.approx([task.accuracy for task in ordered], abs=1e-4)
    setting, target, control, *tasks = seen["rows"]
    assert setting[:3] == ["Setting", "linear, α = 0.15, β = 0.85", "linear, α = 0.9, β = 0.1"]
    assert setting[3].startswith("Tiny CLIP, fine-tuned on Facial expressions, ")
    assert target[0] == "TargetHandwritten digits"
    assert target[2].startswith(f"{100 * kept.target:.1f}\u202f%")
    assert target[3] == "Of another model or checkpoint: not compared."
    value, low, high = read_pins[0]["difference"]["control"]
    assert low > 0
    assert (
        f"this edit +{100 * value:.1f} points ({100 * low:.1f}\u00a0to\u00a0{100 * high:.1f})" in control[2]
    )
    assert control[-1].endswith("comparing image by image …"), "C is known from counts only"
    assert len(tasks) == 7
    assert seen["button"] == "No pin left"

    opened.get_by_role("button", name="Go to pin A").click()
    assert opened.evaluate("window.went.pop()")["alpha"] == 0.9
    opened.get_by_role("button", name="Go to pin B").click()
    assert "task=faces" in opened.evaluate("window.went.pop()")
    opened.get_by_role("toolbar").get_by_role("button", name="Pin A:").focus()
    opened.keyboard.press("Enter")
    assert opened.evaluate("window.went.pop()")["alpha"] == 0.9
    opened.get_by_role("button", name="Unpin B").click()
    assert opened.evaluate("window.went.pop()") == "B"
    opened.locator(".lx-pin-button").focus()
    opened.keyboard.press("Enter")
    assert opened.evaluate("window.went.length") == 0, "there is no fourth pin"

    opened.evaluate("window.view.bend(Array(14).fill(0.25))")
    assert len(opened.evaluate(PINS_SEEN)["schedule"]) == 14, "the outlines stay while the schedule bends"
    opened.evaluate("window.view.bend(null)")
    faces = studio.evaluate(EditSpec.lines("faces", 0.2))
    other = comparisons.known(studio, "faces", faces, pins)
    draw(opened, answer_to(faces, references_of(studio, faces.spec), 41, pins=other))
    seen = opened.evaluate(PINS_SEEN)
    assert [ghost[0] for ghost in seen["ghosts"]] == ["B"]
    assert seen["schedule"] == []
    assert seen["button"] == "Unpin B"
    opened.locator(".lx-pin-button").click()
    assert opened.evaluate("window.went.pop()") == "B"
    draw(opened, answer_to(edit, references, 42))
    seen = opened.evaluate(PINS_SEEN)
    assert (seen["rows"], seen["ghosts"], seen["schedule"], seen["button"]) == ([], [], [], "Pin A")
    opened.locator(".lx-pin-button").click()
    assert opened.evaluate("window.went.pop()") == ""
