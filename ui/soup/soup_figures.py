"""Figures of the page "Soup": members and soups in and out of distribution, and the greedy selection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.specs.evaluation import Evaluation
from lines_core.soups import GreedySoup
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

NAMED = {"uniform": "Uniform soup", "greedy": "Greedy soup", "lines": "This soup with LiNeS"}
ROLE_OF = {"uniform": "wise_ft", "greedy": "reverse", "lines": "lines"}


def soup_figure(
    members: Mapping[str, Evaluation], soups: Mapping[str, Evaluation], kept: Sequence[str]
) -> Figure:
    """Accuracy on the shifted sets against accuracy on the task itself.

    Args:
        members: title -> a member alone.
        soups: "uniform", "greedy", "lines" -> the soups measured so far.
        kept: titles of the members in the greedy soup, drawn filled.
    """
    symbols = ["diamond" if title in kept else "diamond-open" for title in members]
    traces: list[Trace] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [percent(member.target) for member in members.values()],
            "y": [percent(member.control) for member in members.values()],
            "marker": marker("finetuned", 10, symbol=symbols, line={"color": "@finetuned", "width": 2}),
            "hovertext": [described(title, member) for title, member in members.items()],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
    ]
    for name, soup in soups.items():
        role = ROLE_OF[name]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "x": [percent(soup.target)],
                "y": [percent(soup.control)],
                "marker": marker(role, 15, line={"color": "@ink", "width": 1.5}),
                "error_x": whiskers([soup.target], [soup.target_interval], role),
                "error_y": whiskers([soup.control], [soup.control_interval], role),
                "text": [NAMED[name]],
                "textposition": "top left" if name == "uniform" else "bottom left",
                "textfont": {"size": 12, "color": "@ink"},
                "hovertext": [described(NAMED[name], soup)],
                "hovertemplate": "%{hovertext}<extra></extra>",
                "cliponaxis": False,
            }
        )
    shown = [*members.values(), *soups.values()]
    return figure(
        traces,
        xaxis=percent_axis("ID: accuracy on objects →", [point.target for point in shown], room=1.0),
        yaxis=percent_axis("OOD: mean of the shifted sets →", [point.control for point in shown], room=1.0),
        uirevision="soup",
    )


def soup_alt(members: Mapping[str, Evaluation], soups: Mapping[str, Evaluation]) -> str:
    """The scatter in words."""
    named = {**members, **{NAMED[name]: soup for name, soup in soups.items()}}
    values = "; ".join(
        f"{title}: ID {100 * evaluation.target:.1f} %, OOD {100 * evaluation.control:.1f} %"
        for title, evaluation in named.items()
    )
    return f"Scatter of soup members and soups: {values or 'not measured yet'}."


def greedy_figure(selection: GreedySoup | None, titles: Mapping[str, str]) -> Figure:
    """Validation accuracy of the soup at each attempt: filled where the member stayed, else hollow."""
    steps = selection.steps if selection else ()
    names = [titles[step.member] for step in steps]
    accuracies = [step.score for step in steps]
    best: list[float] = []
    for step in steps:
        best.append(max(step.score, best[-1]) if best else step.score)
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": names,
        "y": [percent(value) for value in best],
        "line": {"color": "@reverse/0.5", "width": 2, "shape": "hv"},
        "hoverinfo": "skip",
    }
    tried = {
        "type": "scatter",
        "mode": "markers",
        "x": names,
        "y": [percent(value) for value in accuracies],
        "marker": marker(
            "reverse",
            11,
            symbol=["pentagon" if step.kept else "pentagon-open" for step in steps],
            line={"color": "@reverse", "width": 2},
        ),
        "hovertext": [
            f"<b>{name}</b> {'stays' if step.kept else 'is left out'}<br>soup of {len(step.soup)}: "
            f"{100 * step.score:.1f} % on validation"
            for name, step in zip(names, steps, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    return figure(
        [line, tried],
        xaxis=axis("tried in this order, best alone first", type="category", tickangle=-40),
        yaxis=percent_axis("soup on validation", accuracies, room=1.0),
        margin={"l": 52, "r": 14, "t": 10, "b": 84},
        uirevision="greedy",
    )


def greedy_alt(selection: GreedySoup | None, titles: Mapping[str, str]) -> str:
    """The selection in words."""
    if selection is None:
        return "The greedy selection has not been measured yet."
    steps = "; ".join(
        f"{titles[step.member]} {100 * step.score:.1f} %, {'kept' if step.kept else 'left out'}"
        for step in selection.steps
    )
    return f"Greedy selection on validation, in order: {steps}."
