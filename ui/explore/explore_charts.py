"""The live panel of the page "Explore": one `gr.HTML` whose charts the scripts of `ui/live/charts` draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import gradio as gr

from ui.explore.answer_words import answer_words
from ui.explore.chart_words import CHART_WORDS, CHARTS
from ui.explore.presets import PAPER_GAMMA, preset_places
from ui.live.live_panel import Value, component
from ui.shell.theme import ROLES

CHART_SCRIPTS = (
    "bars.js",
    "charts/elements.js",
    "charts/dotted_words.js",
    "charts/number_text.js",
    "charts/role_marks.js",
    "charts/percent_axis.js",
    "charts/detail_tip.js",
    "charts/bar_handles.js",
    "charts/task_bars.js",
    "charts/tradeoff_still.js",
    "charts/tradeoff_legend.js",
    "charts/tradeoff_point.js",
    "charts/pin_ghosts.js",
    "charts/curve_drag.js",
    "charts/tradeoff_chart.js",
    "charts/accuracy_tiles.js",
    "charts/number_tables.js",
    "charts/verdict_lines.js",
    "charts/pin_outlines.js",
    "charts/pin_table.js",
    "charts/explore_view.js",
)
"""They draw without Gradio too: a page calls only `exploreView(root, settings, actions)` in the last one."""
ANSWER_SCRIPTS = (
    "bent_schedule.js",
    "answers/intervals.js",
    "answers/setting_words.js",
    "answers/verdict.js",
    "answers/answer_reader.js",
)
"""They make of an answer what is drawn."""
GRADIO_SCRIPTS = (
    "following.js",
    "subject.js",
    "server_source.js",
    "gamma_play.js",
    "explore_panel.js",
)
"""Tie them to the server and to the page's controls; both run as one script in this order."""

GO = """(...here) => {
    const { free_form, ...to } = window.lxDestination, near = (value) => Math.round(1e6 * value) / 1e6;
    const set = { ...to };
    if (free_form) set.free_form = free_form.join();
    else if ("alpha" in to) {
        const tied = to.shape === "flat" || Math.abs(to.alpha + to.beta - 1) < 1e-6;
        set.tie = tied && to.alpha >= 0 && to.alpha <= 1;
        set.gamma = set.alpha = near(to.alpha);
        set.beta = near(set.tie ? 1 - to.alpha : to.beta);
    }
    return %s.map((name, i) => (name in set ? set[name] : here[i]));
}"""
"""Sets the controls to a place that was chosen in a chart; %s is the names of the controls."""
PIN = "(letter, ...values) => [window.lxUnpinned || '', ...values]"
"""Names the pin that is to be removed; without one the present position is pinned."""


def view_settings() -> dict[str, Any]:
    """What `exploreView` and `answerReader` need besides answers: headings, words, presets, roles."""
    return {
        "charts": [{"name": name, "title": title, "note": note} for name, (title, note) in CHARTS.items()],
        "words": {**CHART_WORDS, **answer_words()},
        "presets": preset_places(),
        "paper_gamma": PAPER_GAMMA,
        "roles": {name: asdict(role) for name, role in ROLES.items()},
    }


def explore_charts(
    elem_id: str,
    value: Value,
    affine: Mapping[str, Any],
    link_names: Iterable[str],
    moves: Sequence[int],
) -> gr.HTML:
    """The component.

    Args:
        elem_id: id in the page.
        value: shown when the page opens.
        affine: tables of `ui/live/schedule_tables.py`, from which the schedule follows the sliders.
        link_names: parameters of the share link.
        moves: places in the address of the controls, those of model and checkpoint first.
    """
    fixed = {
        **view_settings(),
        "affine": affine,
        "link_names": list(link_names),
        "moves": list(moves),
        "subject": list(moves[:2]),
    }
    return component((*CHART_SCRIPTS, *ANSWER_SCRIPTS, *GRADIO_SCRIPTS), fixed, value, elem_id=elem_id)
