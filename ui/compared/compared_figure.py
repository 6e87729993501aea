"""Scatter of fine-tuning variants: target against control accuracy, with arrows to their LiNeS edits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evaluators.experiments.finetuning_variants import USUAL, VariantResult
from evaluators.specs.checkpoint_means import Estimate
from ui.shell.figure_style import Figure, Trace, figure, marker, percent, percent_axis, whiskers
from ui.shell.theme import ROLES

LABELS = {
    "linlr": "bottom left",
    "halfft": "top left",
    "explr": "top right",
    "lastft": "bottom right",
    "lora-1": "bottom left",
    "lora-2": "bottom left",
    "lora-4": "middle left",
    "lora-8": "bottom left",
}
"""Text positions that keep the labels of the shipped lab apart."""
LEVEL = {
    "type": "line",
    "yref": "paper",
    "y0": 0,
    "y1": 1,
    "layer": "below",
    "line": {"color": "@pretrained", "width": 1.5, "dash": "dot"},
}
"""How high the pre-trained model's control accuracy is; its target accuracy is far below the others'."""


def compared_figure(points: Sequence[VariantResult], pretrained: float | None) -> Figure:
    """A diamond for each variant, filled for the usual one, and an arrow to its circle after LiNeS.

    Args:
        points: what is measured so far.
        pretrained: control accuracy of the zero-shot model, the eight checkpoints' mean.
    """
    traces = [_spots(points, "finetuned"), _spots(points, "lines")]
    controls = [*_ends(p.control for p in points), *_ends(p.lines_control for p in points)]
    targets = [*_ends(p.target for p in points), *_ends(p.lines_target for p in points)]
    level = [] if pretrained is None else [percent(pretrained)]
    return figure(
        traces,
        xaxis=percent_axis("control: mean accuracy on the other tasks →", controls, room=0.2, step=1.0),
        yaxis=percent_axis("target: mean accuracy on its own task →", targets, room=0.2, step=1.0),
        annotations=[*(_arrow(point) for point in points), *(_level_name(at) for at in level)],
        shapes=[LEVEL | {"x0": at, "x1": at} for at in level],
        margin={"l": 62, "r": 20, "t": 12, "b": 46},
        uirevision="compared",
    )


def _ends(estimates: Iterable[Estimate]) -> list[float]:
    return [end for one in estimates for end in (one.low, one.high)]


def _level_name(at: float) -> dict[str, Any]:
    return {
        "x": at,
        "y": 0,
        "yref": "paper",
        "xanchor": "right",
        "yanchor": "bottom",
        "text": ROLES["pretrained"].title,
        "showarrow": False,
        "font": {"size": 12, "color": "@pretrained"},
    }


def _spots(points: Sequence[VariantResult], role: str) -> Trace:
    pairs = [
        (p.target, p.control) if role == "finetuned" else (p.lines_target, p.lines_control) for p in points
    ]
    symbols = [
        ROLES[role].marker if point.variant.key == USUAL.key else f"{ROLES[role].marker}-open"
        for point in points
    ]
    return {
        "type": "scatter",
        "mode": "markers+text" if role == "finetuned" else "markers",
        "x": [percent(control.mean) for _, control in pairs],
        "y": [percent(target.mean) for target, _ in pairs],
        "marker": marker(role, 12, symbol=symbols, line={"color": f"@{role}", "width": 2}),
        "error_x": whiskers([c.mean for _, c in pairs], [(c.low, c.high) for _, c in pairs], f"{role}/0.2"),
        "error_y": whiskers([t.mean for t, _ in pairs], [(t.low, t.high) for t, _ in pairs], f"{role}/0.2"),
        "text": [point.variant.title for point in points],
        "textposition": [LABELS.get(point.variant.key, "bottom center") for point in points],
        "textfont": {"size": 12, "color": "@ink"},
        "hovertext": [
            _hover(point, role, target, control)
            for point, (target, control) in zip(points, pairs, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
    }


def _hover(point: VariantResult, role: str, target: Estimate, control: Estimate) -> str:
    name = point.variant.title if role == "finetuned" else f"{point.variant.title} + LiNeS"
    return f"<b>{name}</b><br>target {_text(target)}<br>control {_text(control)}"


def _text(estimate: Estimate) -> str:
    return f"{100 * estimate.mean:.1f} % ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def _arrow(point: VariantResult) -> dict[str, Any]:
    return {
        "x": percent(point.lines_control.mean),
        "y": percent(point.lines_target.mean),
        "ax": percent(point.control.mean),
        "ay": percent(point.target.mean),
        "xref": "x",
        "yref": "y",
        "axref": "x",
        "ayref": "y",
        "text": "",
        "showarrow": True,
        "arrowhead": 2,
        "arrowsize": 1,
        "arrowwidth": 1.5,
        "arrowcolor": "@lines/0.7",
        "standoff": 7,
        "startstandoff": 7,
    }


def compared_alt(points: Sequence[VariantResult], pretrained: float | None) -> str:
    """The scatter in words."""
    values = "; ".join(
        f"{point.variant.title}: target {_text(point.target)}, control {_text(point.control)}, "
        f"with LiNeS {_text(point.lines_target)} and {_text(point.lines_control)}"
        for point in points
    )
    level = "" if pretrained is None else f" The pre-trained model's control: {100 * pretrained:.1f} %."
    return f"Scatter of fine-tuning variants: {values or 'not measured yet'}.{level}"
