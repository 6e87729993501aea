"""Figures of the page "Tune" (C.1): the score on validation and its two terms against gamma."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.gamma_choice import Choice
from ui.explore.explore_json import edit_json
from ui.shell.figure_style import Figure, axis, figure, marker, percent, percent_axis, whiskers


def score_figure(choice: Choice | None) -> Figure:
    """Score of each candidate gamma on validation, the chosen one marked; gamma falls to the right."""
    xaxis = axis("γ → more shrinking", range=[1.04, -0.04], dtick=0.2)
    if choice is None:
        return figure([], xaxis=xaxis, yaxis=axis("score on validation"), uirevision="tune")
    gammas, scores = zip(*choice.scores, strict=True)
    low, high = min(scores), max(scores)
    room = 0.14 * (high - low or 1.0)
    curve = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(gammas),
        "customdata": [edit_json(EditSpec.lines(gamma=gamma)) for gamma in gammas],
        "y": [round(score, 4) for score in scores],
        "line": {"color": "@lines", "width": 2.5},
        "marker": marker("lines", 8),
        "hovertemplate": "γ = %{x:g}: score %{y:.3f}<extra></extra>",
    }
    chosen = {
        "type": "scatter",
        "mode": "markers+text",
        "x": [choice.gamma],
        "y": [round(choice.score, 4)],
        "marker": marker("lines", 17, line={"color": "@ink", "width": 2}),
        "text": [f"<b>γ = {choice.gamma:g}</b>"],
        "textposition": "top center",
        "textfont": {"color": "@ink", "size": 13},
        "cliponaxis": False,
        "hovertemplate": "chosen: γ = %{x:g}, score %{y:.3f}<extra></extra>",
    }
    return figure(
        [curve, chosen],
        xaxis=xaxis,
        yaxis=axis("score on validation", range=[low - room, high + 1.6 * room]),
        margin={"l": 58, "r": 16, "t": 12, "b": 46},
        uirevision="tune",
    )


def parts_figure(points: Sequence[Evaluation], gamma: float | None) -> Figure:
    """Target and mean control accuracy on validation against gamma: the terms of the score."""
    traces, labels = [], []
    for of, dash, symbol in (("target", "solid", "circle"), ("control", "dash", "circle-open")):
        values = [getattr(point, of) for point in points]
        intervals = [getattr(point, f"{of}_interval") for point in points]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [point.spec.alpha for point in points],
                "customdata": [edit_json(point.spec) for point in points],
                "y": [percent(value) for value in values],
                "error_y": whiskers(values, intervals, "lines/0.5"),
                "line": {"color": "@lines", "width": 2.5, "dash": dash},
                "marker": {"symbol": symbol, "size": 8, "color": "@lines"},
                "hovertemplate": f"{of}, γ = %{{x:g}}: %{{y:.1f}} %<extra></extra>",
            }
        )
        if values:
            labels.append(
                {
                    "x": points[0].spec.alpha - 0.05,
                    "y": percent(values[0]),
                    "yshift": -16,
                    "text": of,
                    "showarrow": False,
                    "font": {"size": 12, "color": "@ink"},
                }
            )
    mark = {"type": "line", "x0": gamma, "x1": gamma, "y0": 0, "y1": 1, "yref": "paper"}
    return figure(
        traces,
        xaxis=axis("γ → more shrinking", range=[1.04, -0.04], dtick=0.2),
        yaxis=percent_axis("accuracy on validation", [v for p in points for v in (p.target, p.control)]),
        annotations=labels,
        shapes=[] if gamma is None else [mark | {"line": {"color": "@ink", "width": 1.5, "dash": "dot"}}],
        margin={"l": 58, "r": 16, "t": 12, "b": 46},
        uirevision="tune",
    )
