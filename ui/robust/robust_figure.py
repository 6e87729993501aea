"""Figures of the page "Robust" (Figs. 3, 11, 12): fronts of accuracy in and out of distribution."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.experiments.robust_fronts import Shift
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.pareto import front_indices
from ui.explore.explore_json import place_json
from ui.shell.figure_style import Figure, Trace, figure, marker, percent, percent_axis

CURVES = {"wise_ft": "WiSE-FT", "lines": "LiNeS + WiSE-FT"}


def robust_figure(
    wise: Sequence[Evaluation], lines: Sequence[Evaluation], shift: Shift, small: bool = False
) -> Figure:
    """ID accuracy (x) against OOD accuracy (y); non-dominated points are filled and joined, others hollow.

    Args:
        wise, lines: the points of the two curves measured so far, by rising mix.
        shift: the vertical axis.
        small: without axis titles, for the small multiples.
    """
    traces: list[Trace] = []
    for role, points in (("wise_ft", wise), ("lines", lines)):
        if not points:
            continue
        at = [(percent(point.target), percent(shift(point))) for point in points]
        best = front_indices(at)
        traces.append(_path(at, role))
        names = [
            f"<b>{CURVES[role]}, mix {point.spec.mix:g}</b><br>ID {x:.1f} %, OOD {y:.1f} %"
            for point, (x, y) in zip(points, at, strict=True)
        ]
        places = [place_json(point.spec) for point in points]
        for chosen, hollow in (([i for i in range(len(at)) if i not in best], True), (best, False)):
            said = {"text": [names[i] for i in chosen], "customdata": [places[i] for i in chosen]}
            traces.append(_marks([at[i] for i in chosen], role, small, hollow) | said)
    for role, point in (("pretrained", wise[0] if wise else None), ("finetuned", wise[-1] if wise else None)):
        if point and point.spec.mix in (0.0, 1.0):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": [percent(point.target)],
                    "y": [percent(shift(point))],
                    "marker": marker(role, 9 if small else 13, line={"color": "@card", "width": 1.5}),
                    "hovertemplate": f"{role}: ID %{{x:.1f}} %, OOD %{{y:.1f}} %<extra></extra>",
                }
            )
    shown = [*wise, *lines]
    return figure(
        traces,
        xaxis=percent_axis(
            "" if small else "ID: accuracy on the fine-tuned set →", [p.target for p in shown], 2.0
        ),
        yaxis=percent_axis(
            "" if small else "OOD: accuracy on shifted sets →", [shift(p) for p in shown], 2.0
        ),
        margin={"l": 44, "r": 10, "t": 8, "b": 30} if small else {"l": 58, "r": 16, "t": 12, "b": 46},
        uirevision="robust",
    )


def _path(at: Sequence[tuple[float, float]], role: str) -> Trace:
    """The whole curve from pre-trained to fine-tuned as a faint dotted line behind its points."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [x for x, _ in at],
        "y": [y for _, y in at],
        "line": {"color": f"@{role}/0.45", "width": 1.3, "dash": "dot"},
        "hoverinfo": "skip",
    }


def _marks(at: Sequence[tuple[float, float]], role: str, small: bool, hollow: bool) -> Trace:
    symbol = {"symbol": f"{marker(role, 1)['symbol']}-open"} if hollow else {}
    return {
        "type": "scatter",
        "mode": "markers" if hollow else "lines+markers",
        "x": [x for x, _ in at],
        "y": [y for _, y in at],
        "line": {"color": f"@{role}", "width": 2},
        "marker": marker(role, 6 if small else 9) | symbol,
        "hovertemplate": "%{text}<extra></extra>",
    }


def robust_alt(name: str, wise: Sequence[Evaluation], lines: Sequence[Evaluation], shift: Shift) -> str:
    """The two curves in words."""

    def values(points: Sequence[Evaluation]) -> str:
        return (
            ", ".join(f"mix {p.spec.mix:g}: {100 * p.target:.1f} and {100 * shift(p):.1f} %" for p in points)
            or "not measured"
        )

    return (
        f"{name}: accuracy on the fine-tuned set and under shift. WiSE-FT: {values(wise)}. LiNeS + "
        f"WiSE-FT: {values(lines)}."
    )
