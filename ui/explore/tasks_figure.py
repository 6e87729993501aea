"""Accuracy of every task as bars against the ghosts of the pre-trained and the fine-tuned model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluators.specs.evaluation import TARGET, Evaluation, TaskResult
from ui.shell.figure_style import Figure, Trace, axis, counted, figure, percent, whiskers
from ui.shell.roles import role_of
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


def tasks_figure(current: Evaluation, pretrained: Evaluation | None, finetuned: Evaluation | None) -> Figure:
    """One row a task, the target first: bar with its Wilson 95 % whisker, its number, and the two ghosts."""
    role = role_of(current.spec)
    ordered = sorted(current.tasks, key=lambda task: task.role != TARGET)
    values = [task.accuracy for task in ordered]
    titles = [task.title for task in ordered]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [percent(value) for value in values],
        "y": titles,
        "marker": {"color": [f"@{role}" if t.role == TARGET else f"@{role}/0.42" for t in ordered]},
        "error_x": whiskers(values, [(task.low, task.high) for task in ordered], "ink"),
        "hovertext": [f"<b>{task.title}</b> ({task.role})<br>{counted(task)}" for task in ordered],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    ghosts = [
        ghost(reference.tasks, name)
        for name, reference in (("pretrained", pretrained), ("finetuned", finetuned))
        if reference
    ]
    numbers = [
        {
            "x": 1.0,
            "xref": "paper",
            "xanchor": "left",
            "y": task.title,
            "text": f"<b>{100 * task.accuracy:.1f}</b>"
            if task.role == TARGET
            else f"{100 * task.accuracy:.1f}",
            "showarrow": False,
            "xshift": 6,
            "font": {"size": 12, "color": "@ink"},
        }
        for task in ordered
    ]
    labels = [f"<b>{task.title}</b>" if task.role == TARGET else task.title for task in ordered]
    ticks = {"tickvals": titles, "ticktext": labels}
    return task_rows([bars, *ghosts], titles, ticks, annotations=numbers, bargap=0.3, uirevision="tasks")


def task_rows(
    traces: Sequence[Trace], titles: Sequence[str], ticks: Mapping[str, Any] | None = None, **layout: Any
) -> Figure:
    """Horizontal bars over an axis of accuracy in percent, one row per task, the first on top.

    Args:
        titles: of the tasks.
        ticks: properties of the tasks' labels, if they are not their titles.
    """
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
            **(ticks or {}),
        ),
        margin={"l": 142, "r": 46, "t": 4, "b": 26},
        **layout,
    )


def tasks_alt(current: Evaluation) -> str:
    """The bars in words."""
    said = "; ".join(f"{t.title} ({t.role}) {100 * t.accuracy:.1f} %" for t in current.tasks)
    return f"Bars of accuracy per task: {said}."
