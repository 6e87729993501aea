"""Figures of the page "Rewarded soups": the front of two rewards (Fig. 4), and each reward along the mix."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.policies.reward_fronts import Measured
from evaluators.policies.shipped_fronts import RewardedSoups, RewardPair
from evaluators.policies.soup_setting import WEIGHTS, SoupSetting
from ui.rewarded.rewarded_text import NAMED, REWARDS, SUPERVISED, ends
from ui.shell.figure_style import Figure, Trace, axis, figure, marker, percent, percent_axis, whiskers

ROLE_OF = {"plain": "wise_ft", "lines": "lines"}
SLIDER = "lx-rewarded-w"
HERE = "The setting here"
LEGEND = {
    "showlegend": True,
    "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "font": {"size": 12, "color": "@ink"}},
    "margin": {"l": 52, "r": 14, "t": 10, "b": 112},
}
"""Every colour, dash and symbol below the chart, in up to three lines on a phone."""


def front_figure(shipped: RewardedSoups, here: RewardPair | None, setting: SoupSetting) -> Figure:
    """Preferred against faithful for both fronts, the supervised model, and the setting if it is measured."""
    traces: list[Trace] = []
    for name, front in shipped.fronts.items():
        role = ROLE_OF[name]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": NAMED[name],
                "x": [percent(pair.faithful.value) for pair in front.points],
                "y": [percent(pair.preferred.value) for pair in front.points],
                "error_x": _whiskers([pair.faithful for pair in front.points], role),
                "error_y": _whiskers([pair.preferred for pair in front.points], role),
                "line": {"color": f"@{role}", "width": 2},
                "marker": marker(role, 9),
                "hovertext": [
                    described(f"{NAMED[name]}, w = {w:g}", pair)
                    for w, pair in zip(WEIGHTS, front.points, strict=True)
                ],
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )
    traces.append(_single(SUPERVISED, shipped.supervised, "pretrained", 10))
    if here is not None:
        traces.append(_single(f"{HERE}, w = {setting.w:g}", here, "reverse", 17) | {"name": HERE})
    shown = [*(pair for front in shipped.fronts.values() for pair in front.points), shipped.supervised]
    shown += [here] if here is not None else []
    return figure(
        traces,
        xaxis=percent_axis("faithful →", [pair.faithful.value for pair in shown], room=1.5),
        yaxis=percent_axis("preferred →", [pair.preferred.value for pair in shown], room=1.5),
        **LEGEND,
        uirevision="rewarded",
    )


def by_w_figure(shipped: RewardedSoups, here: RewardPair | None, setting: SoupSetting) -> Figure:
    """Each reward against w, a vertical line at the setting's, and its own rewards if they are measured."""
    traces: list[Trace] = []
    for name, front in shipped.fronts.items():
        role = ROLE_OF[name]
        for reward, dash in (("faithful", "solid"), ("preferred", "dot")):
            values: list[Measured] = [getattr(pair, reward) for pair in front.points]
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": f"{reward}: {NAMED[name]}",
                    "x": list(WEIGHTS),
                    "y": [percent(value.value) for value in values],
                    "error_y": _whiskers(values, f"{role}/0.5"),
                    "line": {"color": f"@{role}", "width": 2, "dash": dash},
                    "marker": marker(role, 7),
                    "meta": {"slider": SLIDER},
                    "hovertext": [
                        f"<b>{NAMED[name]}, w = {w:g}</b><br>{reward} {_percent(value)} ({ends(value)})"
                        for w, value in zip(WEIGHTS, values, strict=True)
                    ],
                    "hovertemplate": "%{hovertext}<extra></extra>",
                }
            )
    for reward in REWARDS if here is not None else ():
        value = getattr(here, reward)
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": HERE,
                "legendgroup": HERE,
                "showlegend": reward == "faithful",
                "x": [setting.w],
                "y": [percent(value.value)],
                "error_y": _whiskers([value], "reverse"),
                "marker": marker("reverse", 12, line={"color": "@ink", "width": 1.5}),
                "hovertext": [f"<b>{HERE}</b><br>{reward} {_percent(value)} ({ends(value)})"],
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )
    every = [
        m.value for front in shipped.fronts.values() for p in front.points for m in (p.faithful, p.preferred)
    ] + ([here.faithful.value, here.preferred.value] if here is not None else [])
    line = {"type": "line", "x0": setting.w, "x1": setting.w, "yref": "paper", "y0": 0, "y1": 1}
    return figure(
        traces,
        xaxis=axis("w: preferred ← mix → faithful", range=[-0.05, 1.05], dtick=0.2),
        yaxis=percent_axis("mean reward", every, room=2.5),
        shapes=[line | {"line": {"color": "@axis", "width": 1.5}}],
        **LEGEND,
        uirevision="rewarded-w",
    )


def front_alt(shipped: RewardedSoups) -> str:
    """Both fronts in words."""
    fronts = "; ".join(
        f"{NAMED[name]}: "
        + ", ".join(
            f"w {w:g} {100 * pair.faithful.value:.0f} and {100 * pair.preferred.value:.0f} %"
            for w, pair in zip(WEIGHTS, front.points, strict=True)
        )
        for name, front in shipped.fronts.items()
    )
    return f"Faithful and preferred reward of each mix. {fronts}."


def described(title: str, pair: RewardPair) -> str:
    """Hover text: both rewards with their intervals."""
    return (
        f"<b>{title}</b><br>faithful {_percent(pair.faithful)} ({ends(pair.faithful)})"
        f"<br>preferred {_percent(pair.preferred)} ({ends(pair.preferred)})"
    )


def _percent(measured: Measured) -> str:
    return f"{100 * measured.value:.1f} %"


def _whiskers(values: Sequence[Measured], role: str) -> dict[str, object]:
    return whiskers([one.value for one in values], [(one.low, one.high) for one in values], role)


def _single(title: str, pair: RewardPair, role: str, size: float) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": title,
        "x": [percent(pair.faithful.value)],
        "y": [percent(pair.preferred.value)],
        "error_x": _whiskers([pair.faithful], role),
        "error_y": _whiskers([pair.preferred], role),
        "marker": marker(role, size, line={"color": "@ink", "width": 1.5}),
        "hovertext": [described(title, pair)],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
