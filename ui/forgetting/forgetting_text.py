"""Words on the Forgetting page."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.specs.evaluation import Evaluation
from ui.shell.text import percent, points

FORGETTING = (
    "Which layers forget? Both curves start at the fine-tuned model on the left. Going right, one shrinks "
    "the "
    "change in the **shallow** layers (LiNeS), the other in the **deep** layers. (Fig. 1 of the paper)"
)
FORGETTING_CHARTS = {
    "target": ("New task (target)", "higher is better: what fine-tuning was for"),
    "control": ("Other tasks (control)", "higher is better: what should not be forgotten"),
}
KEEPING = 0.99
"""Share of the fine-tuned target accuracy that the sentence on Fig. 1 asks both ways of shrinking to keep."""


def forgetting_finding(
    shallow: Sequence[Evaluation], deep: Sequence[Evaluation], finetuned: Evaluation | None
) -> str:
    """One sentence on Fig. 1: the most control accuracy either way brings back for nearly the same target."""
    if finetuned is None or not shallow or not deep:
        return "Not measured yet: start the sweep above."
    enough = KEEPING * finetuned.target
    best = [
        max((point.control for point in curve if point.target >= enough), default=finetuned.control)
        for curve in (shallow, deep)
    ]
    back, other = (points(control - finetuned.control) for control in best)
    return (
        f"With at least {percent(KEEPING, 0)} of the fine-tuned target accuracy kept, shrinking the shallow "
        f"layers changes control accuracy by up to {back}, shrinking the deep layers by up to {other}."
    )
