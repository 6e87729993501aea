"""What every figure shares: fonts, grid, percent axes, the whiskers and the way a role is marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evaluators.specs.evaluation import Evaluation, TaskResult
from ui.shell.theme import FONT, ROLES

Figure = dict[str, Any]
Trace = dict[str, Any]


def percent(fraction: float) -> float:
    """Accuracy as it stands on an axis: 100 * fraction, rounded so that the payload stays small."""
    return round(100.0 * fraction, 2)


def figure(data: Sequence[Trace], **layout: Any) -> Figure:
    """The traces in the common layout: transparent, no legend, zoom only by choice, margins that fit."""
    base: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": "@ink"},
        "margin": {"l": 52, "r": 14, "t": 10, "b": 42},
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "@card",
            "bordercolor": "@axis",
            "font": {"color": "@ink", "family": FONT},
            "align": "left",
        },
        "autosize": True,
    }
    return {"data": list(data), "layout": base | layout}


def axis(title: str = "", **rest: Any) -> dict[str, Any]:
    """A quiet axis: hairline grid, no zero line, title in the muted ink."""
    return {
        "title": {"text": title, "standoff": 8, "font": {"size": 12, "color": "@muted"}},
        "gridcolor": "@grid",
        "linecolor": "@axis",
        "tickcolor": "@axis",
        "tickfont": {"size": 12, "color": "@muted"},
        "zeroline": False,
        "showline": False,
        "fixedrange": False,
    } | rest


def percent_axis(
    title: str, values: Iterable[float], room: float = 3.0, step: float = 5.0, **rest: Any
) -> dict[str, Any]:
    """An axis in percent that holds all fractions with some room; its ends move in steps, so rarely."""
    shown = [100.0 * value for value in values] or [0.0, 100.0]
    low = step * ((min(shown) - room) // step)
    high = -step * ((-max(shown) - room) // step)
    return axis(title, range=[max(low, -3.0), min(high, 103.0)], ticksuffix=" %", **rest)


def marker(role: str, size: float, **rest: Any) -> dict[str, Any]:
    """The role's own symbol in the role's own colour."""
    return {"symbol": ROLES[role].marker, "size": size, "color": f"@{role}"} | rest


def whiskers(values: Sequence[float], intervals: Sequence[tuple[float, float]], role: str) -> dict[str, Any]:
    """Error bars from each value down to the low and up to the high end of its interval, in percent."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [
            percent(max(high - value, 0.0)) for value, (_, high) in zip(values, intervals, strict=True)
        ],
        "arrayminus": [
            percent(max(value - low, 0.0)) for value, (low, _) in zip(values, intervals, strict=True)
        ],
        "color": f"@{role}",
        "thickness": 1.5,
        "width": 4,
    }


def counted(task: TaskResult) -> str:
    """One result in full, for hover: '97.5 % (195 of 200; 95 % interval 94.3 to 98.9)'."""
    return (
        f"{100 * task.accuracy:.1f} % ({task.correct:,} of {task.n:,}; "
        f"95 % interval {100 * task.low:.1f} to {100 * task.high:.1f})"
    )


def described(name: str, evaluation: Evaluation) -> str:
    """Hover text of one edited model: its name, target and control with their intervals."""
    low_t, high_t = evaluation.target_interval
    low_c, high_c = evaluation.control_interval
    return (
        f"<b>{name}</b><br>target {100 * evaluation.target:.1f} % ({100 * low_t:.1f} to {100 * high_t:.1f})"
        f"<br>control {100 * evaluation.control:.1f} % ({100 * low_c:.1f} to {100 * high_c:.1f})"
    )
