"""Rows of accuracy per task, and the marks of reference models on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluators.specs.evaluation import TaskResult
from ui.shell.figure_style import Figure, Trace, axis, counted, figure, percent
from ui.shell.theme import ROLES


def ghost(tasks: Sequence[TaskResult], role: str, size: float = 17) -> Trace:
    """A thin upright mark on each task's bar at what this reference model scores."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [percent(task.accuracy) for task in tasks],
        "y": [task.title for task in tasks],
        "marker": {
            "symbol": "line-ns",
            "size": size,
            "line": {"color": f"@{role}", "width": 3},
            "color": f"@{role}",
        },
        "hovertext": [f"<b>{ROLES[role].title}</b>, {t.title}<br>{counted(t)}" for t in tasks],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def task_rows(traces: Sequence[Trace], titles: Sequence[str], **layout: Any) -> Figure:
    """Horizontal bars over an axis of accuracy in percent, one row per title, the first on top."""
    return figure(
        traces,
        xaxis=axis("", range=[0, 101], ticksuffix=" %", tickvals=[0, 25, 50, 75, 100], fixedrange=True),
        yaxis=axis(
            "",
            autorange="reversed",
            showgrid=False,
            type="category",
            categoryorder="array",
            categoryarray=titles,
            tickfont={"size": 12, "color": "@ink"},
            fixedrange=True,
        ),
        margin={"l": 142, "r": 46, "t": 4, "b": 26},
        **layout,
    )
