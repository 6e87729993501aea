"""Charts as files: the numbers of the answer or of the traces, captions that name the setting, no secret."""

import csv
import io
import re
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.browser import driving
from ui.chart_files.chart_files import SCRIPTS, WORDS

pytestmark = pytest.mark.browser
SVG = "{http://www.w3.org/2000/svg}"


def save(page: Any, figure: Any, kind: str) -> tuple[str, bytes]:
    """Choose a kind in a card's menu; returns the name and the contents of the file."""
    figure.locator(".lx-save-button").click()
    with page.expect_download() as started:
        figure.get_by_role("button", name=WORDS[kind]).click()
    download = started.value
    return download.suggested_filename, Path(download.path()).read_bytes()


def table(contents: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(contents.decode("utf-8"), newline="")))


def words_of(contents: bytes) -> tuple[ElementTree.Element, str]:
    root = ElementTree.fromstring(contents)
    return root, " ".join("".join(node.itertext()) for node in root.iter(f"{SVG}text"))


def card(page: Any, chart: str) -> Any:
    return page.locator(f'figure.lx-card:has([data-chart="{chart}"])').first


@pytest.fixture
def moved(page: Any) -> Any:
    """The page with a setting of its own, of which no further answer comes, in the dark theme."""
    driving.move(page, "gamma", 0.4)
    driving.wait_until_settled(page, driving.key(0.4))
    page.evaluate("document.body.classList.add('dark')")
    return page


def test_charts_of_explore_hold_the_numbers_of_the_answer(moved: Any) -> None:
    answer = moved.evaluate("document.querySelector('#lx-head-live .lx-live').view.shown()")
    evaluation, landmarks = answer["evaluation"], answer["landmarks"]
    edit = {
        name: str(evaluation["spec"][name])
        for name in ("checkpoint", "shape", "alpha", "beta", "mix", "split")
    }
    assert edit["alpha"] == "0.4"

    name, contents = save(moved, card(moved, "tasks"), "csv")
    assert name == "tasks-digits-gamma0.4.csv"
    rows = table(contents)
    for of, results in (("This edit", evaluation), *((one["name"], one) for one in landmarks["anchors"])):
        found = [row for row in rows if row["series"] == of]
        assert [(row["key"], row["role"]) for row in found] == [
            (task["key"], task["role"]) for task in results["tasks"]
        ]
        for row, task in zip(found, results["tasks"], strict=True):
            assert [float(row[key]) for key in ("low", "high", "correct", "n")] == [
                task[key] for key in ("low", "high", "correct", "n")
            ]
            assert float(row["accuracy"]) == task["correct"] / task["n"]
    assert {
        key: float(rows[0][key]) if key in ("alpha", "beta", "mix") else rows[0][key] for key in edit
    } == {key: evaluation["spec"][key] for key in edit}

    rows = table(save(moved, card(moved, "schedule"), "csv")[1])
    assert [float(row["factor"]) for row in rows] == evaluation["factors"]
    assert [row["block"] for row in rows] == ["in", *(str(block) for block in range(1, 13)), "out"]

    rows = table(save(moved, card(moved, "tradeoff"), "csv")[1])
    points = [
        evaluation,
        *landmarks["anchors"],
        *(point for path in landmarks["paths"] for point in path["points"]),
    ]
    assert len(points) > 10
    ends = [("", "value"), ("_low", "low"), ("_high", "high")]
    for row, point in zip(rows, points, strict=True):
        for of in ("target", "control"):
            assert [float(row[of + end]) for end, _ in ends] == [point[of][key] for _, key in ends]
    assert all((row["beta"] == "") == (row["shape"] == "flat") for row in rows), "a flat edit has no beta"
    assert {row["shape"] for row in rows} > {"flat"}
    assert [row["alpha"] for row in rows[3:]] == [f"{point['edit']['alpha']:g}" for point in points[3:]]


def test_a_drawing_stands_alone_with_its_caption_in_light_colours(moved: Any) -> None:
    link = moved.evaluate("window.lxAddress.link()")
    assert "gamma=0.4" in link
    seen = {
        "tradeoff": ["pre-trained", "WiSE-FT", "control: mean accuracy", "95 % intervals: Wilson"],
        "schedule": ["0.40", "12", "shallow to deep", "no interval"],
        "tasks": ["House numbers", "100 %", "95 % intervals: Wilson"],
    }
    for chart, texts in seen.items():
        name, contents = save(moved, card(moved, chart), "svg")
        assert name == f"{chart}-digits-gamma0.4.svg"
        root, said = words_of(contents)
        for text in (
            *texts,
            "fine-tuned on Handwritten digits, linear, α = 0.4, β = 0.6",
            "parts outside the blocks scaled like the first block.",
            "test split, 1600 images",
            "(target)",
        ):
            assert text in said
        assert link in said.replace(" ", "")
        source = contents.decode("utf-8")
        assert "var(" not in source
        assert "<style" not in source
        assert "class=" not in source
        assert re.search(r"#0b62b8|rgb\(11, 98, 184\)", source), "LiNeS has the light theme's colour"
        assert root.find(f"{SVG}rect").get("fill") == "#ffffff"  # type: ignore[union-attr]
        name, contents = save(moved, card(moved, chart), "png")
        assert contents[:8] == b"\x89PNG\r\n\x1a\n"
        size = struct.unpack(">II", contents[16:24])
        assert size == tuple(2 * int(float(root.get(side, "0"))) for side in ("width", "height"))


def test_a_plotly_panel_holds_its_traces(moved: Any) -> None:
    figure = card(moved, "target")
    figure.scroll_into_view_if_needed()
    figure.locator(".main-svg").first.wait_for()
    traces = figure.locator("[data-chart]").evaluate(
        "node => node.data.map(({x, y, error_y, hoverinfo}) => ({x, y, error_y, hoverinfo}))"
    )
    points = [
        (x, y, up, down)
        for trace in traces
        if trace["hoverinfo"] != "skip"
        for x, y, up, down in zip(
            trace["x"], trace["y"], trace["error_y"]["array"], trace["error_y"]["arrayminus"], strict=True
        )
    ]
    assert len(points) == 22
    name, contents = save(moved, figure, "csv")
    assert name == "target-tiny-clip-fine-tuned-on-handwritten-digits.csv"
    for row, (x, y, up, down) in zip(table(contents), points, strict=True):
        assert (float(row["x"]), float(row["y"])) == (x, y)
        assert float(row["y_high"]) == pytest.approx(y + up)
        assert float(row["y_low"]) == pytest.approx(y - down)
        assert row["setting"].startswith("Tiny CLIP, fine-tuned on Handwritten digits; test split, images: ")
    _, said = words_of(save(moved, figure, "svg")[1])
    for text in ("target accuracy", "fine-tuned on Handwritten digits", "Handwritten digits 200", "Wilson"):
        assert text in said
    assert save(moved, figure, "png")[1][:4] == b"\x89PNG"


def test_the_menu_by_keyboard_and_what_it_says_without_numbers(moved: Any) -> None:
    figure = card(moved, "schedule")
    button = figure.get_by_role("button", name="Save chart: Layer schedule")
    assert button.get_attribute("aria-expanded") == "false"
    button.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    button.press("ArrowDown")
    assert moved.evaluate("document.activeElement.textContent") == WORDS["png"]
    moved.keyboard.press("ArrowUp")
    assert moved.evaluate("document.activeElement.textContent") == WORDS["csv"]
    moved.keyboard.press("Escape")
    assert button.get_attribute("aria-expanded") == "false"
    assert button.evaluate("node => node === document.activeElement")
    moved.locator(driving.LIVE).evaluate("root => root.dataset.state = 'waiting'")
    button.click()
    figure.get_by_role("button", name=WORDS["csv"]).click()
    assert figure.get_by_role("status").inner_text() == WORDS["nothing"]


def test_the_secret_of_an_own_checkpoint_stays_out_of_files(moved: Any) -> None:
    secret, of_task = "0123456789abcdef" * 2, "89abcdef0123456789ab"
    moved.evaluate(
        """(key) => {
            const figure = document.querySelector("figure.lx-tasks").cloneNode(true);
            figure.querySelector(".lx-save").remove();
            document.querySelector("figure.lx-tasks").after(figure);
            figure.id = "own";
            window.lxAddress.link = () => `http://here/?task=${key}`;
            const shown = document.querySelector("#lx-head-live .lx-live").view.shown();
            shown.evaluation.spec.checkpoint = key;
            window.lxChartFiles.add(figure, () => shown);
        }""",
        f"own-{secret}.task-{of_task}",
    )
    figure = moved.locator("figure#own")
    for kind in ("csv", "svg"):
        contents = save(moved, figure, kind)[1].decode("utf-8")
        assert "own-task" in contents
        assert secret not in contents
        assert of_task not in contents


def test_every_card_has_one_button(page: Any) -> None:
    page.wait_for_selector("figure.lx-card:has([data-chart]):not(:has(.lx-save-button))", state="detached")
    cards = page.evaluate(
        """() => Array.from(document.querySelectorAll("figure.lx-card:has([data-chart])"), (figure) =>
            figure.querySelectorAll(".lx-save-button").length)"""
    )
    assert len(cards) >= 6
    assert set(cards) == {1}
    assert len(SCRIPTS) == len(set(SCRIPTS))


def test_a_printed_page_is_light_and_names_its_setting(moved: Any) -> None:
    """On A4 charts were cut, and dark ones printed white on white; controls and navigation were printed."""
    moved.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    moved.emulate_media(media="print")
    moved.set_viewport_size({"width": 703, "height": 1000})
    try:
        printed = moved.locator("#lx-printed").inner_text()
        for text in (
            "Explore",
            "Model: Tiny CLIP",
            "Early layers keep: 0.4",
            moved.evaluate("window.lxAddress.link()"),
        ):
            assert text in printed
        assert not moved.locator("#lx-gamma").is_visible()
        assert not moved.get_by_role("tab").first.is_visible()
        assert not moved.locator(".lx-save").first.is_visible()
        colours = "node => ['color', 'backgroundColor'].map((name) => getComputedStyle(node)[name])"
        moved.wait_for_function(driving.FADED)
        assert moved.locator(".gradio-container").evaluate(colours)[1] == "rgb(255, 255, 255)"
        assert moved.locator(".lx-sentence").evaluate(colours)[0] == "rgb(27, 36, 48)"
        tick = moved.locator('[data-chart="target"] .xtick text').first
        assert "rgb(86, 98, 115)" in tick.get_attribute("style")
        cut = moved.evaluate(
            """() => Array.from(document.querySelectorAll("#lx-page-explore figure.lx-card"), (card) => {
                const chart = card.querySelector("[data-chart]");
                return chart && chart.getBoundingClientRect().right > card.getBoundingClientRect().right;
            })"""
        )
        assert len(cut) > 4
        assert not any(cut)
        moved.locator(".lx-pics section").first.wait_for()
        lefts = moved.locator(".lx-pics section").evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect().left)"
        )
        assert len(lefts) == 8
        assert len(set(lefts)) == 2, "the images of the tasks stand in two columns, none beyond the paper"
    finally:
        moved.emulate_media(media="screen")
        moved.set_viewport_size({"width": 1440, "height": 900})
        moved.evaluate("window.dispatchEvent(new Event('afterprint'))")
