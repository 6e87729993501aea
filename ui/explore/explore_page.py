"""The head of the page: the controls on the left, the sentence and the three live charts beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, cast

import gradio as gr

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import FREE, EditSpec
from evaluators.zoo import ENCODERS
from lines_core.editing import OUTSIDE_RULES
from lines_core.schedules import SHAPES
from ui.address.address_bar import AddressBar
from ui.address.page_link import LinkRow, PageLink
from ui.explore import explore_text
from ui.explore.controls_script import (
    FITS_FREE,
    LEAVES_FREE,
    OPENS_ADVANCED,
    STARTS_FREE,
    TIE_CARRIES,
    TIE_SHOWS,
    labels_script,
)
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_charts import GO, PIN, explore_charts
from ui.explore.explore_controls import (
    ALPHA_RANGE,
    BETA_RANGE,
    CONTROLS,
    GAMMA_RANGE,
    MIX_RANGE,
    STEP,
    Controls,
)
from ui.explore.pins import pinned, unpinned
from ui.explore.presets import preset, start_controls
from ui.explore.references import anchors
from ui.explore.share_link import NAMES, PINS, read_controls
from ui.export.take_home import made_of_spec, take_home
from ui.live.listeners import RAW, connect
from ui.live.schedule_tables import affine_tables
from ui.live.session_key import session_key
from ui.pictures.own_picture import own_picture
from ui.pictures.strip_panel import strip_panel
from ui.shell import markup
from ui.shell.error_messages import as_toast


@dataclass(frozen=True)
class Explore:
    """What the rest of the page may use: every control in the order of `Controls`, pins, the live panel."""

    settings: list[gr.components.Component]
    pins: gr.Textbox
    live: gr.HTML

    @property
    def model(self) -> gr.Dropdown:
        """The model's drop-down."""
        return cast(gr.Dropdown, self.settings[0])

    @property
    def checkpoint(self) -> gr.Dropdown:
        """The fine-tuned checkpoint's drop-down."""
        return cast(gr.Dropdown, self.settings[1])


def explore_panel(studio: Studio, address: AddressBar, head: ExploreAnswers) -> Explore:
    """Lay the head of the page out and wire its listeners, in the order that the three tiers need.

    Events, all on `.change` (keyboard, reset, presets and links must count too), none public:
        every control -> schedule       in the browser, registered first (tier 0)
        every control -> all charts     unqueued, only the latest position, hidden progress (tier 1)
        then          -> all charts     queued, chunk by chunk after a pause (tier 2)
        page opened   -> all charts     both tiers once, with the controls as the link says
    """
    model = studio.models()[0].key
    checkpoint = studio.checkpoints(model)[0].key
    start = start_controls(studio, Controls(model=model, checkpoint=checkpoint))
    with gr.Row(elem_classes="lx-head"):
        with gr.Column(scale=0, min_width=300, elem_classes="lx-controls"):
            settings, presets, advanced = _controls(studio, start)
            take_home(studio, address, "edit", settings, made_of_spec(_wanted))
        with gr.Column(scale=1, min_width=320, elem_classes="lx-stage"):
            pins = gr.Textbox("", visible="hidden", elem_id="lx-pins")
            live = explore_charts(
                "lx-head-live",
                head.opening(start),
                affine_tables(_blocks(studio)),
                [*NAMES, PINS],
                address.places([*settings, pins]),
            )
            strip_panel(studio, address, settings, _wanted)
            gr.HTML(markup.legend(), apply_default_css=False)
            own_picture(studio, address, settings, _wanted)
    explore = Explore(settings, pins, live)
    _wire(studio, address, head, explore, presets, advanced)
    return explore


def _wanted(studio: Studio, values: Sequence[Any]) -> tuple[EditSpec, Sequence[EditSpec]]:
    """The edit as it is set, and the two models that its card compares it with."""
    spec = Controls(*values).spec()
    return spec, anchors(spec)


def _controls(
    studio: Studio, start: Controls
) -> tuple[list[gr.components.Component], dict[str, gr.Button], gr.Accordion]:
    """The controls themselves, in the order of `Controls`; the preset buttons by name; the closed box."""
    words = explore_text.CONTROLS
    model = gr.Dropdown(
        [(one.title, one.key) for one in studio.models()],
        value=start.model,
        label=words["model"][0],
        interactive=True,
        filterable=False,
        elem_id="lx-model",
    )
    checkpoint = gr.Dropdown(
        [(one.title, one.key) for one in studio.checkpoints(start.model)],
        value=start.checkpoint,
        label=words["checkpoint"][0],
        interactive=True,
        filterable=False,
        elem_id="lx-checkpoint",
    )
    with gr.Column(elem_classes="lx-sliders"):
        gamma = _slider("gamma", GAMMA_RANGE, start.gamma)
        alpha = _slider("alpha", ALPHA_RANGE, start.alpha, visible=False)
        beta = _slider("beta", BETA_RANGE, start.beta, visible=False)
        gr.HTML(moves_html(), apply_default_css=False, elem_classes="lx-moves")
    tie = gr.Checkbox(
        start.tie, label=words["tie"][0], info=words["tie"][1], elem_id="lx-tie", interactive=True
    )
    gr.Markdown(f"**{explore_text.PRESETS_TITLE}**", elem_classes="lx-small")
    with gr.Row(elem_classes="lx-presets"):
        presets = {
            name: gr.Button(label, size="sm", min_width=60, elem_id=f"lx-preset-{name}")
            for name, label in explore_text.PRESETS.items()
        }
    shape = gr.Dropdown(
        [*((shape.title, key) for key, shape in SHAPES.items()), (explore_text.FREE_TITLE, FREE)],
        value=start.shape,
        label=words["shape"][0],
        interactive=True,
        filterable=False,
        elem_id="lx-shape",
    )
    with gr.Accordion(explore_text.ADVANCED, open=False, elem_id="lx-advanced") as advanced:
        mix = _slider("mix", MIX_RANGE, start.mix)
        outside = gr.Dropdown(
            [(explore_text.OUTSIDE.get(rule, rule), rule) for rule in OUTSIDE_RULES],
            value=start.outside,
            label=words["outside"][0],
            info=words["outside"][1],
            interactive=True,
            filterable=False,
            elem_id="lx-outside",
        )
    # "hidden" is in the document; False is not, and then nobody would hear of its changes
    free = gr.Textbox(start.free_form, visible="hidden", elem_id="lx-free")
    with gr.Accordion(explore_text.EQUATION_TITLE, open=False):
        gr.Markdown(explore_text.EQUATION, latex_delimiters=[{"left": "$", "right": "$", "display": False}])
    return [model, checkpoint, shape, tie, gamma, alpha, beta, mix, outside, free], presets, advanced


def moves_html() -> str:
    """Three buttons below the slider: `gamma_play.js` and `address.js` listen to them."""
    buttons = (
        f'<button type="button" id="lx-{name}" title="{escape(title)}">{escape(label)}</button>'
        for name, (label, title) in explore_text.MOVES.items()
    )
    return "".join(buttons)


def _slider(name: str, bounds: tuple[float, float], value: float, visible: bool = True) -> gr.Slider:
    label, info = explore_text.CONTROLS[name]
    return gr.Slider(
        *bounds,
        value=value,
        step=STEP,
        label=label,
        info=info,
        visible=visible,
        interactive=True,
        elem_id=f"lx-{name}",
        buttons=["reset"] if name == "gamma" else [],
    )


def _wire(
    studio: Studio,
    address: AddressBar,
    head: ExploreAnswers,
    explore: Explore,
    presets: dict[str, gr.Button],
    advanced: gr.Accordion,
) -> None:
    settings, pins, live = explore.settings, explore.pins, explore.live
    changes = [control.change for control in settings]  # type: ignore[attr-defined]
    private: dict[str, Any] = {"show_progress": "hidden", **RAW}

    in_browser: dict[str, Any] = {"trigger_mode": "multiple", **private}
    tie, sliders = settings[3], settings[4:7]
    tie.change(None, tie, sliders, js=TIE_SHOWS, **in_browser)  # type: ignore[attr-defined]
    tie.input(None, [tie, *sliders], sliders, js=TIE_CARRIES, **in_browser)  # type: ignore[attr-defined]
    shape, (mix, outside, free) = settings[2], settings[7:]
    shape.change(None, shape, [tie, *sliders], js=labels_script(), **in_browser)  # type: ignore[attr-defined]
    shape.input(None, [shape, mix, free], [mix, free], js=STARTS_FREE, **in_browser)  # type: ignore[attr-defined]
    inputs = [slider.input for slider in sliders]  # type: ignore[attr-defined]
    gr.on(inputs, None, shape, shape, js=LEAVES_FREE, **in_browser)
    closed = [mix.change, outside.change]  # type: ignore[attr-defined]
    gr.on(closed, None, [mix, outside], advanced, js=OPENS_ADVANCED, **in_browser)

    live.go(None, settings, settings, js=GO % json.dumps(CONTROLS), **in_browser)

    address.says(_link(settings, pins))
    given, moves = [*settings, pins], [*changes, pins.change]
    answered = connect(head, lambda values: Controls(*values), moves, given, live, subject=2)
    letter = gr.Textbox("", visible=False)
    live.pin(_pin, [letter, *given], pins, js=PIN, queue=False, **in_browser)

    model = cast(gr.Dropdown, settings[0])
    model.input(None, [model, free], free, js=FITS_FREE, **in_browser)
    model.input(checkpoints_of(studio), settings[:2], settings[1], queue=False, **private)

    answered(address.opened("explore"))

    for name, button in presets.items():
        button.click(_go(studio, name), settings, settings, concurrency_limit=None, **private)


def _blocks(studio: Studio) -> list[tuple[str, int]]:
    """Number of blocks of every model there is or may be loaded: the browser bends their schedules too."""
    public = [(key, encoder.num_blocks) for key, encoder in ENCODERS.items()]
    return [*((model.key, model.num_blocks) for model in studio.models()), *public]


def checkpoints_of(studio: Studio) -> Callable[[gr.Request, str, str], Any]:
    """The listener that offers the checkpoints of the model that was chosen.

    The chosen checkpoint stays if the model has it too: Gradio calls this when the list is left without a
    choice, too.
    """

    def offer(request: gr.Request, model: str, checkpoint: str) -> Any:
        found = studio.seen_by(session_key(request)).checkpoints(model)
        choices = [(one.title, one.key) for one in found]
        if checkpoint in (one.key for one in found):
            return gr.update(choices=choices)
        return gr.update(choices=choices, value=found[0].key)

    return offer


def _link(settings: Sequence[gr.components.Component], pins: gr.Textbox) -> PageLink:
    """What the link says of these controls and of the pins, beside model and checkpoint."""
    by_field = dict(zip(CONTROLS, settings, strict=True))
    start, tie = Controls(), by_field["tie"]
    only: dict[str, tuple[gr.components.Component, Any]] = {
        "gamma": (tie, True),
        "alpha": (tie, False),
        "beta": (tie, False),
        "free_form": (by_field["shape"], FREE),
    }
    rows = [
        LinkRow(name, by_field[field], None if field in only else getattr(start, field), only.get(field))
        for name, field in NAMES.items()
        if field not in ("model", "checkpoint")
    ]
    rows.append(LinkRow(PINS, pins, start.pins))
    return PageLink("explore", rows, [*settings, pins], read_controls)


def _pin(letter: str, *values: Any) -> str:
    """The listener that removes the pin of a letter, or without one pins the present position."""
    here = Controls(*values)
    with as_toast():
        return unpinned(here.pins, letter) if letter else pinned(here.pins, here)


def _go(studio: Studio, name: str) -> Callable[..., list[Any]]:
    """The listener of one preset button."""

    def go(request: gr.Request, *values: Any) -> list[Any]:
        here = Controls(*values)
        seen = studio.seen_by(session_key(request))
        with as_toast():
            there = preset(seen, name, here, seen.ticket("preset"))
        return list(there.values())

    return go
