"""Tab "Fine-tuning compared", the paper's C.8 and C.9: is it enough to fine-tune more carefully?"""

from __future__ import annotations

import gradio as gr

from evaluators.experiments.finetuning_variants import USUAL, VariantResult, variant_result, variant_specs
from evaluators.service.studio import Studio
from evaluators.specs.checkpoint_means import mean_control, mean_target
from evaluators.specs.edit_spec import EditSpec
from ui.compared.compared_figure import compared_alt, compared_figure
from ui.live.live_panel import Chart, Value, answer, panel
from ui.shell import markup, text
from ui.shell.text import percent, points
from ui.sweep.sweep_panel import Found, Sweep, sweep_buttons, wire_sweep


def specs(studio: Studio) -> list[EditSpec]:
    """Every checkpoint of every way on test, as it is and after LiNeS, and the zero-shot model."""
    variants = variant_specs(studio)
    usual = [EditSpec.pretrained(spec.checkpoint, images=0) for spec in variants[0].plain] if variants else []
    return [*usual, *(spec for variant in variants for spec in (*variant.plain, *variant.lines))]


def draw(studio: Studio, found: Found) -> Value:
    """The scatter, a table of the same numbers, and the sentence."""
    variants = variant_specs(studio)
    measured = [point for variant in variants if (point := variant_result(variant, found)) is not None]
    anchors = [
        EditSpec.pretrained(spec.checkpoint, images=0) for spec in (variants[0].plain if variants else ())
    ]
    pretrained = None
    if anchors and all(spec in found for spec in anchors):
        zero_shot = [found[spec] for spec in anchors]
        pretrained = (mean_target(zero_shot).mean, mean_control(zero_shot).mean)
    return answer(
        version=0,
        state="complete",
        charts={"ways": (compared_figure(measured, pretrained), compared_alt(measured))},
        slots={
            "finding": f'<p class="lx-finding">{_finding(measured)}</p>',
            "numbers": f'<div class="lx-scroll" tabindex="0">{_table(measured)}</div>',
        },
    )


def _finding(measured: list[VariantResult]) -> str:
    usual = next((point for point in measured if point.variant.key == USUAL.key), None)
    others = [point for point in measured if point.variant.key != USUAL.key]
    if usual is None or not others:
        return text.COMPARED_WAITING
    least = max(others, key=lambda point: point.control.mean)
    return (
        f"Fine-tuned as usual and then edited: target {percent(usual.lines_target.mean)}, control "
        f"{percent(usual.lines_control.mean)}. Of the other ways {least.variant.title} forgets least: target "
        f"{percent(least.target.mean)}, control {percent(least.control.mean)}; with LiNeS its control "
        f"accuracy changes by {points(least.lines_control.mean - least.control.mean)}."
    )


def _table(measured: list[VariantResult]) -> str:
    rows = [
        [
            point.variant.title,
            percent(point.target.mean),
            percent(point.control.mean),
            percent(point.lines_target.mean),
            percent(point.lines_control.mean),
            point.variant.help,
        ]
        for point in measured
    ]
    return markup.plain_table(text.COMPARED_TABLE, text.COMPARED_COLUMNS, rows, shown=True)


def compared_tab(studio: Studio) -> None:
    """The tab; it shows the embedded lab, which has every way for every task."""
    if not studio.compared():
        return
    sweep = Sweep("compared", specs, draw, settings=0)
    with gr.Tab(text.TABS["compared"]) as tab:
        gr.Markdown(text.COMPARED, elem_classes="lx-lead")
        buttons = sweep_buttons(sweep)
        live = panel(
            [Chart("ways", *text.COMPARED_CHART, "lx-large")],
            elem_id="lx-compared",
            slots=("finding", "status"),
            after=("numbers",),
        )
        wire_sweep(sweep, studio, live, buttons, [], [tab.select])
