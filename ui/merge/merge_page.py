"""Page "Merge" (section 5.2): several fine-tuned models merged into one, with LiNeS and without."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

import gradio as gr

from evaluators.errors import SpecError
from evaluators.experiments.grid import run_grid
from evaluators.experiments.level_control import FILE as LEVELS_FILE
from evaluators.experiments.level_control import read_levels
from evaluators.experiments.merge_search import OFFERED_SHAPES
from evaluators.experiments.merge_starts import MODEL_STARTS, PAPER_ALPHA, start_coefficients
from evaluators.experiments.outside_rules import FILE as OUTSIDE_FILE
from evaluators.experiments.outside_rules import read_outside_rules
from evaluators.experiments.reviewer_questions import read_questions
from evaluators.experiments.table2 import TABLE_FILES, read_table2
from evaluators.experiments.task_counts import FILE as COUNTS_FILE
from evaluators.experiments.task_counts import read_task_counts
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.merging import METHODS, Parameter
from lines_core.schedules import SHAPES
from ui.address.address_bar import AddressBar
from ui.explore.explore_page import Explore
from ui.export.take_home import made_of_spec, take_home
from ui.live.listeners import RAW, connect, rests
from ui.live.live_panel import Chart, panel
from ui.live.session_key import session_key
from ui.merge import merge_search_panel as search
from ui.merge import merge_text as words
from ui.merge.merge_answers import MergeAnswers, comparison_of
from ui.merge.merge_controls import (
    ALPHA_TOP,
    BETA_TOP,
    COEFFICIENTS,
    METHOD,
    SHAPE,
    MergeControls,
    caught_up,
    offered,
    parameter_rows,
)
from ui.merge.merge_link import merge_link
from ui.merge.merge_table import merge_table, paired_gain
from ui.merge.pretraining_warning import pretraining_warning
from ui.merge.reviewer_answers import reviewer_answers
from ui.merge.task_count_choice import task_count_choice
from ui.merge.task_count_table import task_count_table
from ui.sweep.sweep_panel import Sweep, sweep_buttons, wire_sweep

LINKED = """(model, ticked) => {
    const ofMerge = new URLSearchParams(window.location.search).get("page") === "merge";
    return [model, ofMerge && window.lxAddress.linked.has(%d) ? ticked : null];
}"""
"""The ticked tasks where a link of the page has set them and the model; %d is the model's place."""


def merge_page(studio: Studio, address: AddressBar, explore: Explore) -> None:
    """Lay the page out: every move is answered live, the search runs at a button."""
    tables = {model: read_table2(studio.lab.folder / "report" / file) for model, file in TABLE_FILES.items()}
    rows = tables[TINY_CLIP]
    counts = read_task_counts(studio.lab.folder / "report" / COUNTS_FILE)
    controls = read_levels(studio.lab.folder / "report" / LEVELS_FILE)
    rules = read_outside_rules(studio.lab.folder / "report" / OUTSIDE_FILE)
    tables_of = {count.model: count.rows for count in counts.sets} | tables
    answers = MergeAnswers(studio, tables_of, paired_gain(controls, rules))
    gr.Markdown(words.LEAD, elem_classes="lx-lead")
    with gr.Row(elem_classes="lx-head"):
        with gr.Column(scale=0, min_width=300, elem_classes="lx-controls"):
            choice = task_count_choice(studio, explore)
            settings, help_text, parameters = _controls(studio, explore)
            take_home(studio, address, "merge", settings, made_of_spec(_exported))
        with gr.Column(scale=1, min_width=320, elem_classes="lx-stage"):
            warning = gr.HTML("", elem_id="lx-merge-warning", apply_default_css=False)
            live = panel(
                [Chart(name, *words.CHARTS[name], f"lx-merge-{name}") for name in ("bars", "factors")],
                elem_id="lx-merge-live",
                slots=("sentence", "tiles", "alpha"),
                grid="lx-merge-grid",
                subject=address.places(settings[:-COEFFICIENTS]),
                moves=address.places(settings[1:]),
            )
    searched = settings[:-2]  # neither beta nor the plain factor: both are searched for
    sweep = Sweep("merge", search.specs, search.draw, search.test_specs, len(searched), run_grid)
    buttons = sweep_buttons(sweep)
    search_panel = panel(
        [Chart(name, *words.CHARTS[name], "lx-tall") for name in ("curve", "heat")],
        elem_id="lx-merge-search",
        slots=("finding", "status"),
        grid="lx-half",
        subject=address.places(searched),
    )
    table = merge_table(rows, controls)
    gr.HTML(table, visible=bool(table), elem_id="lx-merge-table", apply_default_css=False)
    counted = task_count_table(counts, rules)
    gr.HTML(counted, visible=bool(counted), elem_id="lx-merge-counts", apply_default_css=False)
    answered = reviewer_answers(read_questions(studio.lab.folder))
    gr.HTML(answered, visible=bool(answered), elem_id="lx-merge-reviewer", apply_default_css=False)
    _wire(studio, answers, explore, address, settings, help_text, parameters, live)
    _start_at_validation([explore.model, *([choice] if choice else [])], settings)
    _warn(studio, address, settings[:2], warning)
    shows_on = [address.opened("merge"), rests(live)]
    wire_sweep(sweep, studio, search_panel, buttons, searched, shows_on)


def _warn(
    studio: Studio, address: AddressBar, chosen: list[gr.components.Component], warning: gr.HTML
) -> None:
    """Warn as soon as a doubtful checkpoint is ticked, which takes no weights: the merge may take a while."""

    def warn(request: gr.Request, model: str, ticked: list[str]) -> str:
        return pretraining_warning(studio.seen_by(session_key(request)), model, ticked)

    at_once: dict[str, Any] = {"queue": False, "show_progress": "hidden", **RAW}
    for event in (address.opened("merge"), chosen[1].change):  # type: ignore[attr-defined]
        event(warn, chosen, warning, trigger_mode="multiple", **at_once)


def _exported(studio: Studio, values: Sequence[Any]) -> tuple[EditSpec, Sequence[EditSpec]]:
    """The merged model with LiNeS, and what its card compares it with. Raises: SpecError."""
    comparison = comparison_of(studio, MergeControls.from_values(values))
    if len(comparison.lines) > 1:
        raise SpecError(words.ONE_MODEL)
    return comparison.lines[0], (*comparison.zero_shot, *comparison.finetuned)


def _controls(
    studio: Studio, explore: Explore
) -> tuple[list[gr.components.Component], gr.Markdown, list[tuple[str, gr.components.Component]]]:
    """The settings in the order of ``MergeControls``, what the method does, and its parameters by method."""
    choices = offered(studio, studio.models()[0].key)
    tasks = gr.CheckboxGroup(
        choices,
        value=[key for _, key in choices],
        label=words.TASKS[0],
        info=words.TASKS[1],
        elem_id="lx-merge-tasks",
        interactive=True,
    )
    method = gr.Dropdown(
        [(row.title, key) for key, row in METHODS.items()],
        value=METHOD,
        label=words.METHOD[0],
        info=words.METHOD[1],
        filterable=False,
        interactive=True,
        elem_id="lx-merge-method",
    )
    beta_start, plain_start = start_coefficients(METHOD)
    beta = _slider("beta", words.BETA, BETA_TOP, beta_start)
    plain = _slider("plain", words.PLAIN, BETA_TOP, plain_start)
    auto = gr.Checkbox(
        True, label=words.AUTO[0], info=words.AUTO[1], elem_id="lx-merge-auto", interactive=True
    )
    alpha = _slider("alpha", words.ALPHA, ALPHA_TOP, PAPER_ALPHA, visible="hidden")
    shape = gr.Dropdown(
        [(SHAPES[key].title, key) for key in OFFERED_SHAPES],
        value=SHAPE,
        label=words.SHAPE[0],
        info=words.SHAPE[1],
        filterable=False,
        interactive=True,
        elem_id="lx-merge-shape",
    )
    parameters = [(row.key, _parameter(row.key, parameter)) for row, parameter in parameter_rows()]
    weights = gr.Textbox(
        "",
        label=words.WEIGHTS[0],
        info=words.WEIGHTS[1],
        elem_id="lx-merge-weights",
        elem_classes="lx-finished",
        interactive=True,
    )
    with gr.Accordion(words.METHOD_HELP, open=False, elem_id="lx-merge-method-help"):
        help_text = gr.Markdown(words.method_help(METHOD), elem_classes="lx-small")
    sliders = [slider for _, slider in parameters]
    rest = [weights, auto, shape, alpha, beta, plain]
    return [explore.model, tasks, method, *sliders, *rest], help_text, parameters


def _begin() -> str:
    """JavaScript: where the chosen method starts on the model, unless a visitor has moved the coefficients.

    In the browser, so that the address gets one entry for both changes.
    """
    starts = json.dumps(
        {model: {key: start_coefficients(key, model) for key in METHODS} for model in ("", *MODEL_STARTS)}
    )
    return f"""(model, method, ...now) => {{
      const starts = {starts};
      const all = Object.values(starts).flatMap(Object.values);
      return all.some((start) => "" + start === "" + now) ? (starts[model] ?? starts[""])[method] : now;
    }}"""


def _start_at_validation(
    models: list[gr.components.Component], settings: list[gr.components.Component]
) -> None:
    """Begin anew when a visitor chooses the method, or the model by one of its menus."""
    method, coefficients = settings[2], settings[-2:]
    for model, chosen in ((models[0], method), *((menu, menu) for menu in models)):
        begins = [model, method, *coefficients]
        by_hand = chosen.input  # type: ignore[attr-defined]
        by_hand(None, begins, coefficients, js=_begin(), api_visibility="private")


def _parameter(method: str, parameter: Parameter) -> gr.components.Component:
    common: dict[str, Any] = {
        "label": parameter.title,
        "info": parameter.help,
        "value": parameter.default,
        "visible": method == METHOD,
        "interactive": True,
        "elem_id": f"lx-merge-{method}-{parameter.key}",
    }
    if parameter.choices:
        return gr.Radio([(meaning, value) for value, meaning in parameter.choices.items()], **common)
    if parameter.high > 1e6:
        return gr.Number(minimum=parameter.low, maximum=parameter.high, precision=0, **common)
    return gr.Slider(parameter.low, parameter.high, step=parameter.step, buttons=[], **common)


def _slider(
    name: str, label: tuple[str, str], top: float, value: float, visible: bool | Literal["hidden"] = True
) -> gr.Slider:
    return gr.Slider(
        0.0,
        top,
        value=value,
        step=0.005 if name == "alpha" else 0.01,
        label=label[0],
        info=label[1],
        visible=visible,
        interactive=True,
        elem_id=f"lx-merge-{name}",
        buttons=[],
    )


def _wire(
    studio: Studio,
    answers: MergeAnswers,
    explore: Explore,
    address: AddressBar,
    settings: list[gr.components.Component],
    help_text: gr.Markdown,
    parameters: list[tuple[str, gr.components.Component]],
    live: gr.HTML,
) -> None:
    private: dict[str, Any] = {"show_progress": "hidden", **RAW}
    _, tasks, method, *_ = settings
    auto, _, alpha, *_ = settings[-COEFFICIENTS - 2 :]

    def offer(request: gr.Request, model: str, linked: list[str] | None) -> Any:
        choices = offered(studio.seen_by(session_key(request)), model)
        keys = [key for _, key in choices]
        if linked is not None and set(linked) <= set(keys):
            return gr.update(choices=choices)
        return gr.update(choices=choices, value=keys)

    def catch_up(request: gr.Request, *values: Any) -> Any:
        """What there is once the page is opened: checkpoints are added and removed on another page."""
        seen = studio.seen_by(session_key(request))
        controls = MergeControls.from_values(values)
        if controls.model not in {model.key for model in seen.models()}:
            return gr.skip()
        current = caught_up(seen, controls)
        return gr.update(choices=offered(seen, controls.model), value=list(current.checkpoints))

    def show_method(chosen: str) -> list[Any]:
        if chosen not in METHODS:
            return [gr.skip()] * (1 + len(parameters))
        return [words.method_help(chosen), *(gr.update(visible=of == chosen) for of, _ in parameters)]

    def show_alpha(by_equation: bool) -> Any:
        return gr.update(visible="hidden" if by_equation else True)  # in the page either way: clicks set it

    moves = [control.change for control in settings[1:]]  # type: ignore[attr-defined]
    at_once: dict[str, Any] = {"queue": False, **private}
    address.says(merge_link(settings, help_text))
    subject = len(settings) - COEFFICIENTS
    answered = connect(answers, MergeControls.from_values, moves, settings, live, subject)
    answered(address.opened("merge"))
    linked = LINKED % address.places([explore.model])[0]
    given = [explore.model, tasks]
    explore.model.change(offer, given, tasks, js=linked, trigger_mode="multiple", **at_once)
    address.opened("merge")(catch_up, settings, tasks, trigger_mode="multiple", **at_once)
    shown = [help_text, *(slider for _, slider in parameters)]
    method.change(show_method, method, shown, trigger_mode="multiple", **at_once)  # type: ignore[attr-defined]
    auto.change(show_alpha, auto, alpha, trigger_mode="multiple", **at_once)  # type: ignore[attr-defined]
