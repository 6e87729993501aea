"""Every panel says what its numbers are about, and nothing is drawn under another model, task or setting."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch

from evaluators.experiments.grid import run_grid
from evaluators.experiments.sweeps import Found, gamma_sweep
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.service.studio import Studio
from tests.browser.zero_cost_studio import ZeroCostStudio
from tests.conftest import CHUNK
from tests.ui.test_merge_page import START, searched, values
from ui.compared import compared_page
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls
from ui.forgetting import forgetting_page
from ui.learned.learned_answers import LearnedAnswers
from ui.live.live_panel import Value, answer
from ui.merge import merge_search_panel
from ui.merge.merge_answers import MergeAnswers
from ui.merge.merge_controls import MergeControls
from ui.robust import robust_page
from ui.soup import soup_page
from ui.sweep.sweep_panel import Sweep
from ui.tune import tune_page

OTHER = "ViT-B-32"


@pytest.fixture
def two_models(lab: Path) -> Studio:
    """Two models: the small lab, and the same under another name."""
    studio = Studio(lab, None, chunk=CHUNK)
    other = EmbeddedLab(lab, None, torch.device("cpu"), torch.float32, CHUNK)
    other.info = replace(other.info, key=OTHER, title="CLIP ViT-B/32")
    studio.add(other)
    return studio


def explore(studio: Studio, model: str) -> Value:
    return [*ExploreAnswers(studio).settle("visitor", Controls(model=model))][-1]


def merge(studio: Studio, model: str) -> Value:
    controls = MergeControls.from_values([model, *values(START)[1:]])
    return [*MergeAnswers(studio).settle("visitor", controls)][-1]


def swept(sweep: Sweep, *settings: Any) -> Callable[[Studio, str], Value]:
    return lambda studio, model: sweep.shown(studio, "visitor", model, *settings)[0]


SEARCH = Sweep(
    "merge",
    merge_search_panel.specs,
    merge_search_panel.draw,
    merge_search_panel.test_specs,
    len(searched(START)),
    run_grid,
)
FORGETTING = Sweep(
    "forgetting", lambda studio, *settings: forgetting_page.specs(*settings), forgetting_page.draw
)
TUNE = Sweep("tune", lambda studio, *settings: tune_page.specs(*settings), tune_page.draw)
ROBUST = Sweep("robust", robust_page.specs, robust_page.draw)
SOUP = Sweep("soup", soup_page.specs, soup_page.draw, soup_page.next_specs, settings=1)
COMPARED = Sweep("compared", compared_page.specs, compared_page.draw, settings=1)
PANELS = {
    "explore": (explore, ", fine-tuned on Digits"),
    "forgetting": (swept(FORGETTING, "digits"), ", fine-tuned on Digits"),
    "tune": (swept(TUNE, "digits", 2.0), ", fine-tuned on Digits"),
    "robust": (swept(ROBUST, "objects"), ", fine-tuned on Objects"),
    "merge": (merge, ", 2 tasks merged by Task arithmetic, LiNeS with α = "),
    "search": (swept(SEARCH, *searched(START)[1:]), ", 2 tasks merged by Task arithmetic"),
    "learned": (lambda studio, model: LearnedAnswers(studio).shown("visitor", model)[0], ", 2 tasks merged"),
    "soup": (swept(SOUP, "greedy", 0.0), ", fine-tuned on Objects several times"),
    "compared": (swept(COMPARED), ", fine-tuned on each of its eight tasks"),
}
ONLY_EMBEDDED = ("soup", "compared")


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_says_what_it_is_about(two_models: Studio, name: str) -> None:
    """Soup and Compared showed Tiny CLIP's numbers without a word while another model was chosen."""
    ask, about = PANELS[name]
    titles = {info.key: info.title for info in two_models.models()}
    for model, title in titles.items():
        value = ask(two_models, model)
        said = value["slots"]["subject"] if "slots" in value else f"<span>{value['landmarks']['about']}"
        if model == OTHER and name in ONLY_EMBEDDED:
            assert f"Not available for {title}: shown for Tiny CLIP{about}" in said
        else:
            assert f"<span>{title}{about}" in said


def test_robust_names_what_it_stands_in_for(two_models: Studio) -> None:
    value = swept(ROBUST, "digits")(two_models, "tiny-clip")
    shown = "Not available for Tiny CLIP, fine-tuned on Digits: shown for Tiny CLIP, fine-tuned on Objects"
    assert shown in value["slots"]["subject"]


def test_every_panel_of_the_page_knows_its_controls(page: gr.Blocks) -> None:
    """The browser compares the values that an answer was asked with, and those that the controls have now."""
    panels = {
        block.elem_id: json.loads(block.props["fixed"])["subject"]
        for block in page.blocks.values()
        if isinstance(block, gr.HTML) and "lx-live" in str(block.html_template)
    }
    assert len(panels) == len(PANELS) - len(ONLY_EMBEDDED)  # this studio has nothing for them
    assert all(panels.values()), panels


def draw(studio: Studio, model: str, checkpoint: str, found: Found, view: str = "") -> Value:
    slots = {"checkpoint": checkpoint, "view": view, "points": str(len(found))}
    return answer(version=0, state="complete", slots=slots)


def specs(studio: Studio, model: str, checkpoint: str) -> Sequence[Any]:
    return gamma_sweep(checkpoint)


def slots(shown: tuple[Value, Any, Any]) -> tuple[str, ...]:
    """Checkpoint, view and status of an answer."""
    return tuple(shown[0]["slots"][name] for name in ("checkpoint", "view", "status"))


def test_a_running_sweep_of_another_task_stops_and_draws_nothing(cold: ZeroCostStudio) -> None:
    """It went on drawing digits' curve under the name of faces, which had been chosen meanwhile."""
    sweep = Sweep("gammas", specs, draw)
    running = sweep.run(cold, "anna", "tiny-clip", "digits", "w")
    next(running)
    next(running)
    shown = sweep.shown(cold, "anna", "tiny-clip", "faces", "w")
    assert slots(shown)[:2] == ("faces", "w")
    assert "measuring" not in slots(shown)[2]
    after = list(running)
    assert [slots(one)[0] for one in after] == ["faces"]
    assert all(one[0]["asked"] == ["tiny-clip", "faces"] for one in after)
    assert [one["interactive"] for one in after[-1][1:]] == [True, False]
    back = sweep.shown(cold, "anna", "tiny-clip", "digits", "w")
    assert "of 11 positions" in slots(back)[2], "what was measured is kept"


def test_a_running_sweep_follows_the_view_and_survives_another_name_of_its_points(
    cold: ZeroCostStudio,
) -> None:
    sweep = Sweep("gammas", lambda studio, *settings: gamma_sweep("digits"), draw)
    running = sweep.run(cold, "anna", "tiny-clip", "digits", "before")
    next(running)
    shown = sweep.shown(cold, "anna", "tiny-clip", "faces", "after")
    assert slots(shown)[:2] == ("faces", "after")
    assert "measuring: 0 of 11" in slots(shown)[2]
    following = [slots(one)[:2] for one in running]
    assert following == [("faces", "after")] * 12


def test_points_that_another_task_shares_are_counted_apart() -> None:
    """The pre-trained model is every task's: measured for one, all eight tasks were said to be measured."""
    known, sweep = ZeroCostStudio(chunks=2), Sweep("gammas", specs, draw)
    known.evaluate(gamma_sweep("digits")[0], fresh=True)
    status = slots(sweep.shown(known, "anna", "tiny-clip", "digits"))[2]
    assert "11 of 11 positions" in status
    assert "1 measured here, 10 precomputed" in status


def test_a_finding_waits_for_all_its_points(cold: ZeroCostStudio) -> None:
    """Findings were stated from 4 of 24 points."""
    pages: list[tuple[Callable[..., Value], Sequence[Any], list[Any]]] = [
        (forgetting_page.draw, forgetting_page.specs("tiny-clip", "digits"), ["tiny-clip", "digits"]),
        (robust_page.draw, robust_page.specs(cold, "tiny-clip", "objects"), ["tiny-clip", "objects"]),
    ]
    for drawn, points, settings in pages:
        found = {spec: cold.evaluate(spec) for spec in points}
        part = dict(list(found.items())[:4])
        total = len(set(points))
        finding = drawn(cold, *settings, part)["slots"]["finding"]
        assert f"4 of {total} points are measured: this sentence needs the other {total - 4}" in finding
        assert "points are measured" not in drawn(cold, *settings, found)["slots"]["finding"]
