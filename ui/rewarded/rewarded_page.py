"""Page "Rewarded soups" (section 5.4, Fig. 4): two policies in any mix, with LiNeS and without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from evaluators.policies.live_llama import FOLDER, MOST_SCENE_WORDS
from evaluators.policies.shared_llama import SharedLlama
from evaluators.policies.shipped_fronts import read_rewarded
from evaluators.policies.soup_setting import LINES, SoupSetting
from evaluators.service.studio import Studio
from ui.address.address_bar import AddressBar
from ui.address.page_link import LinkReader, LinkRow, PageLink
from ui.explore.explore_page import Explore
from ui.live.listeners import connect
from ui.live.live_panel import Chart, panel
from ui.rewarded import rewarded_text as words
from ui.rewarded.policy_runs_table import policy_runs_html
from ui.rewarded.rewarded_answers import MOST_SCENES, RewardedAnswers
from ui.rewarded.rewarded_figure import SLIDER

START = SoupSetting(0.5, *LINES)
TOP = 2.0
"""Largest alpha and beta of the sliders."""
ANOTHER = f"() => Math.floor(Math.random() * {MOST_SCENES})"


def rewarded_page(studio: Studio, address: AddressBar, explore: Explore) -> None:
    """Lay the page out: moves that ship are answered at once, others by the live model."""
    assets = studio.lab.folder
    answers = RewardedAnswers(studio, read_rewarded(assets), SharedLlama(assets / FOLDER))
    gr.Markdown(words.LEAD, elem_classes="lx-lead")
    with gr.Row(elem_classes="lx-head"):
        with gr.Column(scale=0, min_width=300, elem_classes="lx-controls"):
            settings = _controls()
        address.says(_link(settings))
        _, lines, *scales = settings[:4]
        lines.change(  # type: ignore[attr-defined]
            scales_count, lines, scales, queue=False, show_progress="hidden", api_visibility="private"
        )
        with gr.Column(scale=1, min_width=320, elem_classes="lx-stage"):
            live = panel(
                [Chart(name, *said, "lx-tall") for name, said in words.CHARTS.items()],
                elem_id="lx-rewarded",
                slots=("sentence", "tiles", "status"),
                after=("said",),
                grid="lx-half",
                moves=address.places(settings),
            )
    gr.HTML(policy_runs_html(answers.shipped), apply_default_css=False)
    moves = [control.change for control in settings]  # type: ignore[attr-defined]
    connect(answers, tuple, moves, settings, live, subject=0)(address.opened("rewarded"))


def _controls() -> list[Component]:
    """(w, LiNeS, alpha, beta, scene number, own scene)."""
    w = _slider("w", 1.0, START.w)
    lines = gr.Checkbox(
        True, label=words.CONTROLS["lines"][0], info=words.CONTROLS["lines"][1], elem_id="lx-rewarded-lines"
    )
    alpha, beta = _slider("alpha", TOP, START.alpha), _slider("beta", TOP, START.beta)
    number = gr.Number(
        0,
        label=words.CONTROLS["scene"][0],
        info=words.CONTROLS["scene"][1],
        precision=0,
        minimum=0,
        maximum=MOST_SCENES - 1,
        elem_id="lx-rewarded-scene",
        interactive=True,
    )
    another = gr.Button(words.ANOTHER, size="sm", elem_id="lx-rewarded-another")
    another.click(None, None, number, js=ANOTHER, queue=False, api_visibility="private")
    with gr.Accordion(words.OWN_TITLE, open=False, elem_classes="lx-served"):
        own = gr.Textbox(
            "",
            label=words.CONTROLS["own"][0],
            info=words.CONTROLS["own"][1].format(most=MOST_SCENE_WORDS),
            lines=3,
            elem_id="lx-rewarded-own",
            interactive=True,
        )
        gr.Markdown(words.own_help(), elem_classes="lx-small")
    with gr.Accordion(words.EQUATION_TITLE, open=False):
        gr.Markdown(words.EQUATION, latex_delimiters=[{"left": "$", "right": "$", "display": False}])
    return [w, lines, alpha, beta, number, own]


def scales_count(lines: bool) -> tuple[Any, Any]:
    """Updates of alpha and beta, which do nothing without LiNeS."""
    return gr.update(interactive=lines), gr.update(interactive=lines)


def _slider(name: str, top: float, value: float) -> gr.Slider:
    label, info = words.CONTROLS[name]
    return gr.Slider(
        0.0,
        top,
        value=value,
        step=0.1,
        label=label,
        info=info,
        elem_id=SLIDER if name == "w" else f"lx-rewarded-{name}",
        buttons=[],
        interactive=True,
    )


def _link(settings: list[Component]) -> PageLink:
    w, lines, alpha, beta, number, _ = settings
    rows = [
        LinkRow("w", w, START.w),
        LinkRow("lines", lines, True),
        LinkRow("alpha", alpha, START.alpha, (lines, True)),
        LinkRow("beta", beta, START.beta, (lines, True)),
        LinkRow("scene", number, 0),
    ]
    return PageLink("rewarded", rows, settings[:-1], read_rewarded_link)


def read_rewarded_link(
    studio: Studio, query: Mapping[str, str], model: str, checkpoint: str
) -> tuple[list[Any], list[str]]:
    """The settings of a link except a visitor's own scene, which no link holds, and complaints."""
    reader = LinkReader(query)
    values: list[Any] = [
        reader.number("w", 0.0, 1.0, START.w),
        reader.one_of("lines", ["true", "false"], "true") == "true",
        reader.number("alpha", 0.0, TOP, START.alpha),
        reader.number("beta", 0.0, TOP, START.beta),
        reader.whole("scene", 0, MOST_SCENES - 1, 0),
    ]
    return values, reader.complaints
