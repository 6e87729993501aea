"""Target against control accuracy: where this edit lies between remembering and having learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.experiments.sweeps import GAMMAS
from evaluators.specs.evaluation import Evaluation
from ui.shell.figure_style import (
    TRAIL,
    Figure,
    Trace,
    described,
    figure,
    marker,
    percent,
    percent_axis,
    whiskers,
)
from ui.shell.roles import role_of
from ui.shell.theme import ROLES

WHOLE_SWEEP = len(GAMMAS)
"""Points of a complete gamma sweep, and of a complete WiSE-FT line."""


@dataclass(frozen=True)
class References:
    """What stands still while the visitor moves: measured models of the same checkpoint, split and size.

    Args:
        pretrained: nothing of the change, or None while it has not been measured.
        finetuned: all of it, or None.
        gamma_path: LiNeS at the gammas measured so far, gamma = 1 first.
        wise_line: the WiSE-FT mixes measured so far.
    """

    pretrained: Evaluation | None = None
    finetuned: Evaluation | None = None
    gamma_path: tuple[Evaluation, ...] = ()
    wise_line: tuple[Evaluation, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be measured."""
        anchors = self.pretrained and self.finetuned
        return bool(anchors) and len(self.gamma_path) == len(self.wise_line) == WHOLE_SWEEP

    def all(self) -> list[Evaluation]:
        """Every landmark that has been measured."""
        anchors = [anchor for anchor in (self.pretrained, self.finetuned) if anchor]
        return [*anchors, *self.gamma_path, *self.wise_line]


def path_trace(evaluations: Sequence[Evaluation], role: str, names: Sequence[str], dash: str) -> Trace:
    """Measured models in the role's colour and symbol; joined in order once the whole sweep is there.

    A line through two or three of its points would look like a measurement and be none.
    """
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(evaluations) >= WHOLE_SWEEP else "markers",
        "x": [percent(point.control) for point in evaluations],
        "y": [percent(point.target) for point in evaluations],
        "line": {"color": f"@{role}/0.55", "width": 2, "dash": dash},
        "marker": marker(role, 6, opacity=0.75),
        "text": [described(name, point) for name, point in zip(names, evaluations, strict=True)],
        "hovertemplate": "%{text}<extra></extra>",
    }


def anchor_trace(evaluation: Evaluation, role: str, place: str) -> Trace:
    """One reference model, labelled in place."""
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [percent(evaluation.control)],
        "y": [percent(evaluation.target)],
        "marker": marker(role, 13, line={"color": "@card", "width": 1.5}),
        "text": [ROLES[role].title.lower()],
        "textposition": place,
        "textfont": {"color": f"@{role}", "size": 12},
        "cliponaxis": False,
        "hovertext": [described(ROLES[role].title, evaluation)],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def tradeoff_figure(current: Evaluation, references: References) -> Figure:
    """Scatter of target (up) against mean control accuracy (right) in percent; up and right is better.

    Anchors, the gamma path, the WiSE-FT line, the visitor's trail (filled in by the browser) and the current
    model with its two 95 % intervals.
    """
    role = role_of(current.spec)
    traces: list[Trace] = []
    if references.wise_line:
        names = [f"WiSE-FT, mix {point.spec.mix:g}" for point in references.wise_line]
        traces.append(path_trace(references.wise_line, "wise_ft", names, "dot"))
    if references.gamma_path:
        names = [f"LiNeS, γ = {point.spec.alpha:g}" for point in references.gamma_path]
        traces.append(path_trace(references.gamma_path, "lines", names, "solid"))
    traces.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "meta": TRAIL,
            "x": [],
            "y": [],
            "text": [],
            "line": {"color": "@muted/0.35", "width": 1},
            "marker": {"size": 5, "color": "@muted", "symbol": "circle-open"},
            "hovertemplate": "you were here: %{text}<extra></extra>",
        }
    )
    if references.pretrained:
        traces.append(anchor_trace(references.pretrained, "pretrained", "top left"))
    if references.finetuned:
        traces.append(anchor_trace(references.finetuned, "finetuned", "top right"))
    traces.append(
        {
            "type": "scatter",
            "mode": "markers",
            "x": [percent(current.control)],
            "y": [percent(current.target)],
            "error_x": whiskers([current.control], [current.control_interval], role),
            "error_y": whiskers([current.target], [current.target_interval], role),
            "marker": marker(role, 17, line={"color": "@ink", "width": 2}),
            "hovertext": [described("this edit", current)],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
    )
    shown = [*references.all(), current]
    return figure(
        traces,
        xaxis=percent_axis("control: mean accuracy on the other tasks →", [e.control for e in shown]),
        yaxis=percent_axis("target: accuracy on the fine-tuned task →", [e.target for e in shown]),
        margin={"l": 58, "r": 16, "t": 14, "b": 44},
        uirevision=current.spec.checkpoint,
    )


def tradeoff_alt(current: Evaluation, references: References) -> str:
    """The scatter in words: the current point and the two anchors."""
    parts = [
        ("this edit", current),
        ("pre-trained", references.pretrained),
        ("fine-tuned", references.finetuned),
    ]
    said = [
        f"{name}: target {100 * point.target:.1f} %, control {100 * point.control:.1f} %"
        for name, point in parts
        if point
    ]
    return f"Scatter of target against mean control accuracy. {'; '.join(said)}."
