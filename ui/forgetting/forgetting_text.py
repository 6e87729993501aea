"""Words in the section on forgetting."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.experiments.sweeps import KEPT_TARGET, best_control
from evaluators.specs.evaluation import Evaluation
from ui.shell.difference_words import difference_words
from ui.shell.text import percent

FORGETTING_TITLE = "Which layers forget?"
FORGETTING = (
    "Both curves start at the fine-tuned model on the left. Going right, one shrinks "
    "the change in the **shallow** layers (LiNeS), the other in the **deep** layers. (Fig. 1 of the paper)"
)
FORGETTING_CHARTS = {
    "target": ("New task (target)", "higher is better: what fine-tuning was for"),
    "control": ("Other tasks (control)", "higher is better: what should not be forgotten"),
}


def forgetting_finding(
    shallow: Sequence[Evaluation], deep: Sequence[Evaluation], finetuned: Evaluation
) -> str:
    """One sentence on Fig. 1: the control accuracy that either curve regains for nearly the same target."""
    regained = [
        difference_words(finetuned.control_tasks, best_control(curve, finetuned).control_tasks, "fine-tuned")
        for curve in (shallow, deep)
    ]
    return (
        f"Control accuracy at best, with at least {percent(KEPT_TARGET, 0)} of the fine-tuned target "
        f"accuracy kept: shrinking the shallow layers {regained[0]}, shrinking the deep layers {regained[1]}."
    )
