"""The layer schedule as bars: how much of the fine-tuning's change every block keeps."""

from __future__ import annotations

from evaluators.spec import EditSpec, Scales
from ui.figures.frame import Figure, axis, figure
from ui.roles import role_of


def positions(num_blocks: int) -> list[str]:
    """Labels on the depth axis: what comes before block 1, the blocks from 1, what comes after the last."""
    return ["in", *(str(block + 1) for block in range(num_blocks)), "out"]


def factors(scales: Scales) -> list[float]:
    """The scales in depth order: before, block 1 .. L, after."""
    return [scales.before, *scales.blocks, scales.after]


def bounds(values: list[float]) -> list[float]:
    """Range of the factor axis: always 0 to 1, more when the schedule leaves it, and room for the numbers."""
    low, high = min(0.0, *values), max(1.0, *values)
    room = 0.16 * (high - low)
    return [low - (room if low < 0 else 0.0), high + room]


def schedule_figure(spec: EditSpec, num_blocks: int) -> Figure:
    """Bars of mix * lambda(l) by depth with the number on each; 0 is pre-trained, 1 is fine-tuned (Eq. 1).

    The first trace is the bars: the browser bends exactly that one while the slider still moves.
    """
    values = factors(spec.scales(num_blocks))
    labels = positions(num_blocks)
    role = role_of(spec)
    opacity = [0.45, *([1.0] * num_blocks), 0.45]
    bars = {
        "type": "bar",
        "x": labels,
        "y": [round(value, 4) for value in values],
        "text": [f"{value:.2f}" for value in values],
        "textposition": "outside",
        "textangle": 0,
        "cliponaxis": False,
        "textfont": {"size": 10, "color": "@ink"},
        "marker": {"color": f"@{role}", "opacity": opacity, "line": {"width": 0}},
        "hovertext": [f"block {label}" for label in labels[1:-1]],
        "hovertemplate": "%{x}: %{y:.3f} of the change<extra></extra>",
    }
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "layer": "below"}
    return figure(
        [bars],
        xaxis=axis("depth: residual blocks, shallow to deep", type="category", showgrid=False, tickangle=0),
        yaxis=axis(
            "",
            range=bounds(values),
            tickvals=[0, 0.5, 1],
            ticktext=["0", "0.5", "1"],
            fixedrange=True,
        ),
        shapes=[
            line | {"y0": 1, "y1": 1, "line": {"color": "@finetuned", "width": 1.2, "dash": "dot"}},
            line | {"y0": 0, "y1": 0, "line": {"color": "@pretrained", "width": 1.2}},
        ],
        margin={"l": 34, "r": 8, "t": 6, "b": 40},
        bargap=0.22,
        uirevision="schedule",
    )


def schedule_alt(spec: EditSpec, num_blocks: int) -> str:
    """The same in words, for who cannot see the bars."""
    scales = spec.scales(num_blocks)
    listed = ", ".join(f"{value:.2f}" for value in scales.blocks)
    return (
        f"Bar chart of the layer schedule. Factor on the fine-tuning's change in blocks 1 to "
        f"{num_blocks}: {listed}. "
        f"Before the blocks {scales.before:.2f}, after them {scales.after:.2f}."
    )
