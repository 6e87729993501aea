"""Page "Fine-tuning compared" (C.8, C.9): variants of fine-tuning, with and without LiNeS."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from evaluators.experiments.finetuning_variants import (
    USUAL,
    VariantResult,
    variant_result,
    variant_specs,
    zero_shot_specs,
)
from evaluators.experiments.sweeps import Found
from evaluators.service.studio import Studio
from evaluators.specs.checkpoint_means import Estimate, mean_control, mean_target
from evaluators.specs.edit_spec import EditSpec
from ui.address.address_bar import AddressBar
from ui.compared import compared_text as words
from ui.compared.compared_figure import compared_alt, compared_figure
from ui.explore.explore_page import Explore
from ui.live.live_panel import Chart, Value, answer, panel
from ui.live.subject import for_tiny_clip, line
from ui.shell import markup
from ui.shell.text import percent
from ui.shell.theme import ROLES
from ui.sweep.sweep_panel import Sweep, sweep_buttons, wire_sweep
from ui.sweep.sweep_status import unfinished


def specs(studio: Studio, model: str) -> Sequence[EditSpec]:
    """The zero-shot model, and every checkpoint of every variant without LiNeS and with it, on test."""
    variants = variant_specs(studio)
    return [*zero_shot_specs(variants), *(spec for variant in variants for spec in variant.all)]


def draw(studio: Studio, model: str, found: Found) -> Value:
    """The scatter, a table of the same numbers, and a sentence."""
    variants = variant_specs(studio)
    measured = [point for variant in variants if (point := variant_result(variant, found)) is not None]
    zero_shot = [found[spec] for spec in zero_shot_specs(variants) if spec in found]
    whole = bool(zero_shot) and len(zero_shot) == len(variants[0].plain)
    pretrained = (mean_target(zero_shot).mean, mean_control(zero_shot).mean) if whole else None
    level = pretrained and pretrained[1]
    finding = unfinished(found, specs(studio, model)) or _finding(measured)
    return answer(
        version=0,
        state="complete",
        charts={"ways": (compared_figure(measured, level), compared_alt(measured, level))},
        slots={
            "subject": line(for_tiny_clip(studio, model, words.COMPARED_SUBJECT)),
            "finding": markup.finding(finding),
            "numbers": f'<div class="lx-scroll" tabindex="0">{_table(measured, pretrained)}</div>',
        },
    )


def _finding(measured: list[VariantResult]) -> str:
    usual = next(point for point in measured if point.variant.key == USUAL.key)
    others = [point for point in measured if point.variant.key != USUAL.key]
    least = max(others, key=lambda point: point.control.mean)
    return (
        f"Fine-tuned as usual and then edited: target {percent(usual.lines_target.mean)}, control "
        f"{_ranged(usual.lines_control)}. Of the other variants {least.variant.title} has the highest "
        f"control accuracy: {_ranged(least.control)}, at target {percent(least.target.mean)}. LiNeS makes it "
        f"{_ranged(least.lines_control)}."
    )


def _ranged(estimate: Estimate) -> str:
    return f"{percent(estimate.mean)} ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def _table(measured: list[VariantResult], pretrained: tuple[float, float] | None) -> str:
    rows = (
        [[ROLES["pretrained"].title, *map(percent, pretrained), "–", "–", words.PRETRAINED]]
        if pretrained
        else []
    )
    rows += [
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
    return markup.plain_table(words.COMPARED_TABLE, words.COMPARED_COLUMNS, rows, shown=True)


def compared_page(studio: Studio, address: AddressBar, explore: Explore) -> None:
    """Lay the page out."""
    sweep = Sweep("compared", specs, draw, settings=1)
    gr.Markdown(words.COMPARED, elem_classes="lx-lead")
    buttons = sweep_buttons(sweep)
    live = panel(
        [Chart("ways", *words.COMPARED_CHART, "lx-large")],
        elem_id="lx-compared",
        slots=("finding", "status"),
        after=("numbers",),
        subject=address.places([explore.model]),
    )
    shows_on = [address.opened("compared"), explore.model.change]
    wire_sweep(sweep, studio, live, buttons, [explore.model], shows_on)
