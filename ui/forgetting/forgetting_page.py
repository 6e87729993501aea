"""Section on forgetting of the page Explore (Fig. 1): accuracy as shallow or deep layers are shrunk."""

from __future__ import annotations

import gradio as gr

from evaluators.experiments.sweeps import Found, gamma_sweep, reference_specs
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from ui.address.address_bar import AddressBar
from ui.explore.explore_controls import images_of
from ui.explore.explore_page import Explore
from ui.forgetting import forgetting_text as words
from ui.forgetting.forgetting_figure import CURVES, forgetting_alt, forgetting_figure
from ui.live.live_panel import Chart, Value, answer, panel
from ui.live.subject import about, line
from ui.shell import markup, text
from ui.sweep.sweep_panel import Sweep, sweep_buttons, wire_sweep, without_studio
from ui.sweep.sweep_status import unfinished


def specs(model: str, checkpoint: str) -> list[EditSpec]:
    """References, then both curves on the test split, interleaved so that they grow together."""
    pairs = zip(*_curves(model, checkpoint), strict=True)
    return [*_references(model, checkpoint), *(spec for pair in pairs for spec in pair)]


def _references(model: str, checkpoint: str) -> tuple[EditSpec, EditSpec]:
    return reference_specs(checkpoint, images=images_of(model), model=model)


def _curves(model: str, checkpoint: str) -> tuple[tuple[EditSpec, ...], tuple[EditSpec, ...]]:
    shallow, deep = (
        gamma_sweep(checkpoint, shape=shape, images=images_of(model), model=model)
        for shape in ("linear", "reverse")
    )
    return shallow, deep


def draw(studio: Studio, model: str, checkpoint: str, found: Found) -> Value:
    """The two panels of Fig. 1 and a sentence that sums them up."""
    shallow, deep = ([found[s] for s in curve if s in found] for curve in _curves(model, checkpoint))
    pretrained, finetuned = (found.get(spec) for spec in _references(model, checkpoint))
    finding = unfinished(found, specs(model, checkpoint))
    if finetuned is not None and not finding:
        finding = words.forgetting_finding(shallow, deep, finetuned)
    charts = {
        of: (forgetting_figure(of, shallow, deep, pretrained, finetuned), forgetting_alt(of, shallow, deep))
        for of in ("target", "control")
    }
    return answer(
        version=0,
        state="complete",
        charts=charts,
        slots={
            "subject": line(about(studio, model, checkpoint)),
            "finding": markup.finding(finding),
            "table": _table(shallow, deep),
        },
    )


def _table(shallow: list[Evaluation], deep: list[Evaluation]) -> str:
    rows = [
        [
            CURVES[role],
            f"{point.spec.alpha:g}",
            text.percent(point.target),
            text.percent(point.control),
        ]
        for role, points in (("lines", shallow), ("reverse", deep))
        for point in points
    ]
    return markup.plain_table("Accuracy against gamma", ["Curve", "γ", "Target", "Control"], rows)


def forgetting_section(studio: Studio, address: AddressBar, explore: Explore) -> None:
    """Lay the section out, below the head of the page Explore and about the same checkpoint."""
    sweep = Sweep("forgetting", without_studio(specs), draw)
    gr.HTML(markup.heading(words.FORGETTING_TITLE), apply_default_css=False)
    gr.Markdown(words.FORGETTING, elem_classes="lx-lead")
    buttons = sweep_buttons(sweep)
    chosen = [explore.model, explore.checkpoint]
    charts = [Chart(name, *words, "lx-tall") for name, words in words.FORGETTING_CHARTS.items()]
    live = panel(
        charts,
        elem_id="lx-forgetting",
        slots=("finding", "status"),
        grid="lx-half",
        subject=address.places(chosen),
    )
    shows_on = [address.opened("explore"), explore.model.change, explore.checkpoint.change]
    wire_sweep(sweep, studio, live, buttons, chosen, shows_on)
