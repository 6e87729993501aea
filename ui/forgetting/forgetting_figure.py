"""Figures of the page "Forgetting" (Fig. 1): accuracy against gamma, shallow or deep layers shrunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluators.specs.evaluation import Evaluation
from ui.explore.explore_json import edit_json
from ui.shell.figure_style import (
    Figure,
    Trace,
    axis,
    described,
    figure,
    marker,
    percent,
    percent_axis,
    whiskers,
)
from ui.shell.theme import ROLES

GAMMA_AXIS = "γ: what the most shrunk block keeps → less"
LABEL_ROOM = 76
"""Pixels right of the chart for "fine-tuned"."""
CURVES = {"lines": "shallow layers shrunk (LiNeS)", "reverse": "deep layers shrunk"}


def gamma_curve(points: Sequence[Evaluation], role: str, of: str, title: str, size: int = 8) -> Trace:
    """Accuracy against gamma, with intervals.

    Args:
        role: whose colour and marker it has.
        of: "target" or "control".
        title: what a point says it is.
        size: of the marker, in pixels.
    """
    values = [getattr(point, of) for point in points]
    intervals = [getattr(point, f"{of}_interval") for point in points]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [point.spec.alpha for point in points],
        "y": [percent(value) for value in values],
        "error_y": whiskers(values, intervals, f"{role}/0.5"),
        "line": {"color": f"@{role}", "width": 2.5},
        "marker": marker(role, size),
        "text": [described(f"{title}, γ = {point.spec.alpha:g}", point) for point in points],
        "hovertemplate": "%{text}<extra></extra>",
    }


def reference_level(
    evaluation: Evaluation, role: str, of: str, upper: bool
) -> tuple[Trace, dict[str, object]]:
    """A dotted level across a chart against gamma, and its label in the margin, where no point can be.

    Args:
        role: "pretrained" or "finetuned".
        of: "target" or "control".
        upper: whether the label stands above the level's end or below it; two levels may be equal.
    """
    level = percent(getattr(evaluation, of))
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": [1.04, -0.04],
        "y": [level, level],
        "line": {"color": f"@{role}", "width": 1.5, "dash": "dot"},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    label = {
        "x": 1.0,
        "xref": "paper",
        "xanchor": "left",
        "y": level,
        "yanchor": "bottom" if upper else "top",
        "text": ROLES[role].title.lower(),
        "showarrow": False,
        "font": {"color": f"@{role}", "size": 12},
    }
    return line, label


def gamma_figure(
    of: str,
    curves: Sequence[Trace],
    points: Sequence[Evaluation],
    pretrained: Evaluation | None,
    finetuned: Evaluation | None,
    gamma: str,
    top: int,
    **layout: Any,
) -> Figure:
    """Curves in one panel; gamma falls from 1 (fine-tuned) on the left to 0 on the right.

    Args:
        of: "target" or "control".
        points: of all curves.
        pretrained, finetuned: drawn as dotted levels where they are known.
        gamma: title of its axis, the name that the page has for gamma.
        top: margin in pixels above the chart.
        layout: of the figure, beside the axes and margins.
    """
    known = {role: one for role, one in (("pretrained", pretrained), ("finetuned", finetuned)) if one}
    highest = max(known, key=lambda role: getattr(known[role], of), default="")
    levels = [reference_level(one, role, of, role == highest) for role, one in known.items()]
    shown = [*points, *known.values()]
    return figure(
        [*(line for line, _ in levels), *curves],
        xaxis=axis(gamma, range=[1.04, -0.04], dtick=0.2),
        yaxis=percent_axis(f"{of} accuracy", [getattr(point, of) for point in shown]),
        annotations=[label for _, label in levels],
        margin={"l": 58, "r": LABEL_ROOM, "t": top, "b": 46},
        **layout,
    )


def forgetting_figure(
    of: str,
    shallow: Sequence[Evaluation],
    deep: Sequence[Evaluation],
    pretrained: Evaluation | None,
    finetuned: Evaluation | None,
) -> Figure:
    """One of the two panels of Fig. 1.

    Args:
        shallow, deep: the points measured so far with the linear and the reverse schedule.
        of, pretrained, finetuned: as in `gamma_figure`.
    """
    curves = [
        gamma_curve(points, role, of, CURVES[role])
        | {"customdata": [edit_json(point.spec) for point in points]}
        for role, points in (("lines", shallow), ("reverse", deep))
        if points
    ]
    both = [*shallow, *deep]
    return gamma_figure(of, curves, both, pretrained, finetuned, GAMMA_AXIS, 12, uirevision="forgetting")


def forgetting_alt(of: str, shallow: Sequence[Evaluation], deep: Sequence[Evaluation]) -> str:
    """The two curves in words: every point as gamma and percent."""

    def values(points: Sequence[Evaluation]) -> str:
        return ", ".join(f"{p.spec.alpha:g}: {100 * getattr(p, of):.1f} %" for p in points) or "not measured"

    return (
        f"Lines of {of} accuracy against gamma. Shallow layers shrunk: {values(shallow)}. "
        f"Deep layers shrunk: {values(deep)}."
    )
