"""Page "Robust fine-tuning" (section 5.1): WiSE-FT with and without LiNeS under distribution shift."""

from __future__ import annotations

import gradio as gr

from evaluators.experiments.robust_fronts import Shift, areas, gain_interval, mean_shift, one_shift
from evaluators.experiments.sweeps import Found, robust_sweep, wise_ft_sweep
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.zoo.public_tasks import IMAGENET
from ui.address.address_bar import AddressBar
from ui.explore.explore_controls import images_of
from ui.explore.explore_page import Explore
from ui.live.live_panel import Chart, Value, answer, panel
from ui.live.subject import about, instead, line, model_title
from ui.robust import robust_text as words
from ui.robust.robust_figure import robust_alt, robust_figure
from ui.shell import markup
from ui.shell.text import signed
from ui.sweep.sweep_panel import Sweep, sweep_buttons, wire_sweep
from ui.sweep.sweep_status import unfinished

EMBEDDED = (TINY_CLIP, "objects")
SHIFTED = ("objects", IMAGENET)
"""Suites that are one task and its shifted sets."""


def subject(studio: Studio, model: str, checkpoint: str) -> tuple[str, str]:
    """The model and the checkpoint that the page shows.

    The chosen checkpoint if its task has shifted sets, else the model's first such checkpoint, else that of
    the embedded lab.
    """
    suites = {shown.key: shown.suite for shown in studio.checkpoints(model)}
    if suites.get(checkpoint) in SHIFTED:
        return model, checkpoint
    return next(((model, key) for key, suite in suites.items() if suite in SHIFTED), EMBEDDED)


def specs(studio: Studio, model: str, checkpoint: str) -> list[EditSpec]:
    """Both curves on the test split, interleaved so that they grow together."""
    pairs = zip(*_curves(*subject(studio, model, checkpoint)), strict=True)
    return [spec for pair in pairs for spec in pair]


def _curves(model: str, checkpoint: str) -> tuple[tuple[EditSpec, ...], tuple[EditSpec, ...]]:
    images = images_of(model)
    return (
        wise_ft_sweep(checkpoint, images=images, model=model),
        robust_sweep(checkpoint, images=images, model=model),
    )


def draw(studio: Studio, model: str, checkpoint: str, found: Found) -> Value:
    """The fronts for the mean and for every shift, a table of areas, and a sentence."""
    shown = subject(studio, model, checkpoint)
    wise, lines = ([found[s] for s in curve if s in found] for curve in _curves(*shown))
    shifts = words.SHIFTS if shown == EMBEDDED else words.IMAGENET_SHIFTS
    if shown != EMBEDDED:
        measured = {task.key for point in (*wise, *lines)[:1] for task in point.tasks}
        shifts = {key: title for key, title in shifts.items() if not measured or key in measured}
    views: dict[str, tuple[str, Shift]] = {"mean": ("Mean of the shifts", mean_shift)}
    views |= {key: (title, one_shift(key)) for key, title in shifts.items()}
    charts = {
        name: (
            robust_figure(wise, lines, shift, small=name != "mean"),
            robust_alt(title, wise, lines, shift),
        )
        for name, (title, shift) in views.items()
    }
    finding = unfinished(found, specs(studio, model, checkpoint))
    if not finding:
        area = areas(wise, lines, mean_shift)
        measurable = area is not None and area.wise_ft > 0
        finding = words.robust_finding(area, gain_interval(wise, lines) if measurable else (0.0, 0.0))
    return answer(
        version=0,
        state="complete",
        charts=charts,
        slots={
            "subject": line(_about(studio, model, checkpoint)),
            "finding": markup.finding(finding),
            "areas": f'<div class="lx-scroll" tabindex="0">{_areas(views, wise, lines)}</div>',
        },
        hide=[key for key in (*words.SHIFTS, *words.IMAGENET_SHIFTS) if key not in shifts],
    )


def _about(studio: Studio, model: str, checkpoint: str) -> str:
    """What the page shows, and for what it stands in."""
    shown = subject(studio, model, checkpoint)
    said = about(studio, *shown)
    if shown == (model, checkpoint):
        return said
    return instead(
        model_title(studio, model) if shown[0] != model else about(studio, model, checkpoint), said
    )


def _areas(views: dict[str, tuple[str, Shift]], wise: list[Evaluation], lines: list[Evaluation]) -> str:
    rows = []
    for title, shift in views.values():
        area = areas(wise, lines, shift)
        if area:
            gain = f"{signed(area.lines / area.wise_ft - 1)} %" if area.wise_ft else "–"
            rows.append([title, f"{area.wise_ft:,.0f}", f"{area.lines:,.0f}", gain])
    return markup.plain_table(
        words.AREAS, ["Shift", "WiSE-FT", "LiNeS + WiSE-FT", "Difference"], rows, shown=True
    )


def robust_page(studio: Studio, address: AddressBar, explore: Explore) -> None:
    """Lay the page out; it shows the embedded objects unless a model with ImageNet is chosen."""
    sweep = Sweep("robust", specs, draw)
    gr.Markdown(words.ROBUST, elem_classes="lx-lead")
    buttons = sweep_buttons(sweep)
    chosen = [explore.model, explore.checkpoint]
    charts = [Chart("mean", *words.ROBUST_CHART, "lx-main")]
    charts += [Chart(key, title) for key, title in {**words.SHIFTS, **words.IMAGENET_SHIFTS}.items()]
    live = panel(
        charts,
        elem_id="lx-robust",
        slots=("finding", "status"),
        after=("areas",),
        grid="lx-fronts",
        subject=address.places(chosen),
    )
    shows_on = [address.opened("robust"), *(control.change for control in chosen)]
    wire_sweep(sweep, studio, live, buttons, chosen, shows_on)
