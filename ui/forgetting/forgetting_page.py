"""Tab "Forgetting", the paper's Fig. 1: is it the shallow layers that forget?"""

from __future__ import annotations

import gradio as gr

from evaluators.experiments.sweeps import gamma_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from ui.explore.explore_page import Explore
from ui.explore.references import anchors, on
from ui.forgetting.forgetting_figure import CURVES, forgetting_alt, forgetting_figure
from ui.live.live_panel import Chart, Value, answer, panel
from ui.shell import markup, text
from ui.sweep.sweep_panel import Found, Sweep, alone, sweep_buttons, wire_sweep


def specs(model: str, checkpoint: str) -> list[EditSpec]:
    """Anchors, then both curves on the test split, point by point in turn so that they grow together."""
    shallow, deep = _curves(model, checkpoint)
    pairs = [spec for pair in zip(shallow, deep, strict=True) for spec in pair]
    return [*anchors(shallow[0]), *pairs]


def _curves(model: str, checkpoint: str) -> tuple[list[EditSpec], list[EditSpec]]:
    shallow, deep = (on(model, gamma_sweep(checkpoint, shape=shape)) for shape in ("linear", "reverse"))
    return shallow, deep


def draw(model: str, checkpoint: str, found: Found) -> Value:
    """The two panels of Fig. 1 and the sentence that sums them up."""
    shallow, deep = ([found[s] for s in curve if s in found] for curve in _curves(model, checkpoint))
    pretrained, finetuned = (found.get(anchor) for anchor in anchors(_curves(model, checkpoint)[0][0]))
    charts = {
        of: (forgetting_figure(of, shallow, deep, pretrained, finetuned), forgetting_alt(of, shallow, deep))
        for of in ("target", "control")
    }
    return answer(
        version=0,
        state="complete",
        charts=charts,
        slots={
            "finding": f'<p class="lx-finding">{text.forgetting_finding(shallow, deep, finetuned)}</p>',
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


def forgetting_tab(studio: Studio, page: gr.Blocks, explore: Explore) -> None:
    """The tab, which follows the checkpoint chosen in the head of the page."""
    sweep = Sweep("forgetting", alone(specs), alone(draw))
    with gr.Tab(text.TABS["forgetting"]) as tab:
        gr.Markdown(text.FORGETTING, elem_classes="lx-lead")
        buttons = sweep_buttons(sweep)
        charts = [Chart(name, *words, "lx-tall") for name, words in text.FORGETTING_CHARTS.items()]
        live = panel(charts, elem_id="lx-forgetting", slots=("finding", "status"), grid="lx-half")
        shows_on = [page.load, tab.select, explore.model.change, explore.checkpoint.change]
        wire_sweep(sweep, studio, live, buttons, [explore.model, explore.checkpoint], shows_on)
