"""Figures of the page "Merge": accuracy by task, coefficient curves, alpha-beta map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluators.experiments.merge_search import Score
from ui.merge.task_rows_figure import ghost, task_rows
from ui.shell.figure_style import (
    Figure,
    Trace,
    axis,
    counted,
    figure,
    marker,
    percent,
    percent_axis,
    whiskers,
)

ALPHA_SLIDER, BETA_SLIDER, PLAIN_SLIDER = "lx-merge-alpha", "lx-merge-beta", "lx-merge-plain"
"""Ids of the sliders that a click on a point or a cell of the map moves."""
AUTO_BOX = "lx-merge-auto"
"""Id of the box that fixes alpha by Eq. 2."""
MARK, ROOMY = 24, 10
"""Height of the upright marks, over both bars of a task; of more tasks than so many each has less room."""
NAMES = {"lines": "With LiNeS", "wise_ft": "Plain merge"}


def bars_figure(
    lines: Score, plain: Score, zero_shot: Score | None, finetuned: Score | None, names: Mapping[str, str]
) -> Figure:
    """Two bars a task, with and without LiNeS, and upright marks at zero-shot and fine-tuned.

    Args:
        names: what the two bars are called, by role.
    """
    titles = [task.title for task in lines.tasks]
    mark = MARK * min(1.0, ROOMY / len(titles))
    traces: list[Trace] = [
        _bars(score, role, names[role]) for role, score in (("wise_ft", plain), ("lines", lines))
    ]
    for role, reference in (("pretrained", zero_shot), ("finetuned", finetuned)):
        if reference is not None:
            traces.append(ghost(reference.tasks, role, mark))
    return task_rows(
        traces,
        titles,
        annotations=[_number(task.title, task.accuracy) for task in lines.tasks],
        barmode="group",
        bargap=0.28,
        bargroupgap=0.06,
        uirevision="merge",
    )


def _bars(score: Score, role: str, name: str) -> Trace:
    values = [task.accuracy for task in score.tasks]
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": [percent(value) for value in values],
        "y": [task.title for task in score.tasks],
        "marker": {"color": f"@{role}" if role == "lines" else f"@{role}/0.55"},
        "error_x": whiskers(values, [(task.low, task.high) for task in score.tasks], "ink"),
        "hovertext": [f"<b>{name}</b>, {task.title}<br>{counted(task)}" for task in score.tasks],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _number(title: str, accuracy: float) -> dict[str, Any]:
    return {
        "x": 1.0,
        "xref": "paper",
        "xanchor": "left",
        "y": title,
        "text": f"<b>{100 * accuracy:.1f}</b>",
        "showarrow": False,
        "xshift": 6,
        "font": {"size": 12, "color": "@ink"},
    }


def bars_alt(lines: Score, plain: Score) -> str:
    """The bars in words."""
    values = "; ".join(
        f"{edited.title} {100 * edited.accuracy:.1f} %, without {100 * merged.accuracy:.1f} %"
        for edited, merged in zip(lines.tasks, plain.tasks, strict=True)
    )
    return f"Bars of accuracy per merged task with LiNeS and without: {values}."


def curve_figure(
    plain: Mapping[float, float], lines: Mapping[float, float], best: Mapping[str, float]
) -> Figure:
    """Normalised accuracy on validation against the coefficient, without and with LiNeS (the paper's Fig. 8).

    Args:
        plain, lines: coefficient -> normalised accuracy.
        best: role -> chosen coefficient, for what has been searched to the end.
    """
    curves = {"wise_ft": plain, "lines": lines}
    traces: list[Trace] = []
    for role, curve in curves.items():
        at = sorted(curve)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": NAMES[role],
                "showlegend": True,
                "x": at,
                "y": [percent(curve[value]) for value in at],
                "line": {"color": f"@{role}", "width": 2.5},
                "marker": marker(role, 8),
                "meta": {"slider": {"wise_ft": PLAIN_SLIDER, "lines": BETA_SLIDER}[role]},
                "hovertemplate": f"{NAMES[role]}, %{{x:g}}: %{{y:.1f}} %<extra></extra>",
            }
        )
        if role in best:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "text",
                    "x": [best[role]],
                    "y": [percent(curve[best[role]])],
                    "text": ["★"],
                    "textposition": "top center",
                    "textfont": {"size": 18, "color": f"@{role}"},
                    "cliponaxis": False,
                    "showlegend": False,
                    "hoverinfo": "skip",
                }
            )
    shown = [value for curve in curves.values() for value in curve.values()]
    return figure(
        traces,
        xaxis=axis("λ of the plain merge, β of LiNeS", range=[0.0, 1.04 * max((*plain, *lines, 1.0))]),
        yaxis=percent_axis("normalised, on validation", shown),
        uirevision="merge-curve",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}},
        margin={"l": 52, "r": 14, "t": 34, "b": 42},
    )


def curve_alt(plain: Mapping[float, float], lines: Mapping[float, float]) -> str:
    """The two curves in words."""
    parts = []
    for name, curve in (("without LiNeS", plain), ("with LiNeS", lines)):
        values = ", ".join(f"{value:g}: {100 * curve[value]:.1f} %" for value in sorted(curve))
        parts.append(f"{name} {values or 'not measured'}")
    return f"Normalised validation accuracy against the coefficient, {'; '.join(parts)}."


def heat_figure(
    cells: Mapping[tuple[float, float], float],
    alphas: Sequence[float],
    betas: Sequence[float],
    best: tuple[float, float] | None,
) -> Figure:
    """Normalised validation accuracy over alpha and beta (the paper's Fig. 9); cells fill in as they come.

    Args:
        cells: (alpha, beta) -> normalised accuracy.
        best: starred.
    """
    grid = [
        [percent(cells[alpha, beta]) if (alpha, beta) in cells else None for beta in betas]
        for alpha in alphas
    ]
    traces: list[Trace] = [
        {
            "type": "heatmap",
            "x": list(betas),
            "y": list(alphas),
            "z": grid,
            "colorscale": [[0, "@soft"], [0.5, "@lines/0.45"], [1, "@lines"]],
            "colorbar": {
                "thickness": 10,
                "outlinewidth": 0,
                "ticksuffix": " %",
                "tickfont": {"size": 12, "color": "@muted"},
            },
            "hoverongaps": False,
            "xgap": 1,
            "ygap": 1,
            "hovertemplate": "α %{y:g}, β %{x:g}: %{z:.1f} %<extra></extra>",
        }
    ]
    if best is not None:
        traces.append(_star(*best))
    return figure(
        traces,
        xaxis=axis("β", range=_edges(betas), showgrid=False, fixedrange=True),
        yaxis=axis("α", range=_edges(alphas), showgrid=False, fixedrange=True),
        uirevision="merge-heat",
        meta={"sliders": {"x": BETA_SLIDER, "y": ALPHA_SLIDER, "untick": AUTO_BOX}},
    )


def _edges(places: Sequence[float]) -> list[float]:
    """The outer edges of cells around evenly spaced places."""
    half = (places[1] - places[0]) / 2
    return [places[0] - half, places[-1] + half]


def _star(alpha: float, beta: float) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [beta],
        "y": [alpha],
        "marker": {"symbol": "star", "size": 16, "color": "@ink", "line": {"color": "@card", "width": 1}},
        "hovertemplate": "best on validation: α %{y:g}, β %{x:g}<extra></extra>",
        "cliponaxis": False,
    }


def heat_alt(cells: Mapping[tuple[float, float], float], best: tuple[float, float] | None) -> str:
    """The map in words."""
    if not cells:
        return "The map of normalised validation accuracy over alpha and beta has not been measured yet."
    low, high = min(cells.values()), max(cells.values())
    star = "" if best is None else f" The best cell on validation is alpha {best[0]:g}, beta {best[1]:g}."
    return (
        f"Map of normalised validation accuracy over {len(cells)} pairs of alpha and beta, from "
        f"{100 * low:.1f} to {100 * high:.1f} %.{star}"
    )
