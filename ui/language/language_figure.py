"""Figures of the page Text: accuracy against gamma for the decoder, the encoder and both (Fig. 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.specs.evaluation import Evaluation
from ui.forgetting.forgetting_figure import gamma_curve, gamma_figure
from ui.language import language_text as words
from ui.shell.figure_style import Figure

GAMMA_SLIDER = "lx-text-gamma"
PART_ROLES = {"decoder": "lines", "encoder": "reverse", "both": "wise_ft"}
"""Colour and marker of each part."""


def text_figure(
    of: str,
    curves: Mapping[str, Sequence[Evaluation]],
    pretrained: Evaluation | None,
    finetuned: Evaluation | None,
) -> Figure:
    """One panel; gamma falls from 1 (fine-tuned) on the left to 0 on the right, a line at the slider's.

    Args:
        of: "target" or "control".
        curves: by part the points measured so far.
        pretrained, finetuned: drawn as dotted levels where they are known.
    """
    traces = [
        gamma_curve(points, PART_ROLES[part], of, f"LiNeS on {part}", size=7)
        | {"name": part, "meta": {"slider": GAMMA_SLIDER}}
        for part, points in curves.items()
        if points
    ]
    return gamma_figure(
        of,
        traces,
        [point for points in curves.values() for point in points],
        pretrained,
        finetuned,
        f"{words.GAMMA[0]} → less",
        top=30,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}},
        meta={"cursor": GAMMA_SLIDER},
        uirevision="text",
    )


def text_alt(of: str, curves: Mapping[str, Sequence[Evaluation]]) -> str:
    """The curves in words: every point as gamma and percent."""
    said = [
        f"LiNeS on {part}: "
        + (", ".join(f"{p.spec.alpha:g}: {100 * getattr(p, of):.1f} %" for p in points) or "not measured")
        for part, points in curves.items()
    ]
    return f"Lines of {of} accuracy against gamma. {'. '.join(said)}."
