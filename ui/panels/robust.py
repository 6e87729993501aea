"""Tab "Robust fine-tuning", the paper's section 5.1: does LiNeS help WiSE-FT under shift?"""

from __future__ import annotations

from dataclasses import replace

import gradio as gr

from evaluators.evaluation import Evaluation
from evaluators.labs.embedded import TINY_CLIP
from evaluators.spec import EditSpec
from evaluators.studio import Studio
from evaluators.sweeps import robust_sweep, wise_ft_sweep
from ui import markup, text
from ui.figures.robust import Shift, areas, mean_shift, one_shift, robust_alt, robust_figure
from ui.live import Chart, Value, answer, panel
from ui.sweeping import Found, Sweep, sweep_buttons, wire_sweep

CHECKPOINT = "objects"


def specs(model: str, checkpoint: str) -> list[EditSpec]:
    """Both curves on the test split, mix by mix in turn."""
    pairs = zip(*_curves(model, checkpoint), strict=True)
    return [spec for pair in pairs for spec in pair]


def _curves(model: str, checkpoint: str) -> tuple[list[EditSpec], list[EditSpec]]:
    return (
        [replace(spec, model=model) for spec in wise_ft_sweep(checkpoint)],
        [replace(spec, model=model) for spec in robust_sweep(checkpoint)],
    )


def tab_draw(shifts: dict[str, str], model: str, checkpoint: str, found: Found) -> Value:
    """The mean and every shift as fronts, the areas as a table, and the sentence.

    Args:
        shifts: key -> title of the shifted sets.
        model, checkpoint, found: as every sweep hands them over.
    """
    wise, lines = ([found[s] for s in curve if s in found] for curve in _curves(model, checkpoint))
    views: dict[str, tuple[str, Shift]] = {"mean": ("Mean of the shifts", mean_shift)}
    views |= {key: (title, one_shift(key)) for key, title in shifts.items()}
    charts = {
        name: (
            robust_figure(wise, lines, shift, small=name != "mean"),
            robust_alt(title, wise, lines, shift),
        )
        for name, (title, shift) in views.items()
    }
    return answer(
        version=0,
        state="complete",
        charts=charts,
        slots={
            "finding": f'<p class="lx-finding">{text.robust_finding(areas(wise, lines, mean_shift))}</p>',
            "areas": f'<div class="lx-scroll">{_areas(views, wise, lines)}</div>',
        },
    )


def _areas(views: dict[str, tuple[str, Shift]], wise: list[Evaluation], lines: list[Evaluation]) -> str:
    rows = []
    for title, shift in views.values():
        area = areas(wise, lines, shift)
        if area:
            gain = (
                f"{100 * (area.lines / area.wise_ft - 1):+.1f} %".replace("-", "−") if area.wise_ft else "–"
            )
            rows.append([title, f"{area.wise_ft:,.0f}", f"{area.lines:,.0f}", gain])
    return markup.plain_table(
        text.AREAS, ["Shift", "WiSE-FT", "LiNeS + WiSE-FT", "Difference"], rows, shown=True
    )


def robust_tab(studio: Studio) -> None:
    """The tab; it always shows the embedded checkpoint whose suite is one task and its shifts."""
    known = {one.key: one for one in studio.checkpoints(TINY_CLIP)}
    if CHECKPOINT not in known:
        return
    shifts = text.SHIFTS

    def draw(model: str, checkpoint: str, found: Found) -> Value:
        return tab_draw(shifts, model, checkpoint, found)

    sweep = Sweep("robust", specs, draw)
    with gr.Tab(text.TABS["robust"]) as tab:
        gr.Markdown(text.ROBUST, elem_classes="lx-lead")
        buttons = sweep_buttons(sweep)
        charts = [Chart("mean", *text.ROBUST_CHART, "lx-main")]
        charts += [Chart(key, title) for key, title in shifts.items()]
        live = panel(
            charts, elem_id="lx-robust", slots=("finding", "status"), after=("areas",), grid="lx-fronts"
        )
        embedded = [gr.State(TINY_CLIP), gr.State(CHECKPOINT)]
        wire_sweep(sweep, studio, live, buttons, embedded, [tab.select])
