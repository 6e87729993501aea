"""Words on the Explore page."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.service.session_quota import SessionLimits
from evaluators.specs.edit_spec import FREE
from evaluators.specs.evaluation import TARGET, TaskResult
from ui.shell.text import PAGES

CONTROLS = {
    "model": ("Model", "The pre-trained CLIP."),
    "checkpoint": ("Fine-tuned on", "The task this copy of the model was trained on afterwards."),
    "shape": ("Scaling function", "How the factor rises from the first block to the last."),
    "gamma": ("Early layers keep", "γ: 0 = pre-trained, 1 = fine-tuned"),
    "alpha": ("α: first block", "0 = pre-trained, 1 = fine-tuned"),
    "beta": ("β: rise to the last", "the last block gets α + β"),
    "tie": ("Keep the last layer fine-tuned", "β = 1 − α: the last block keeps its full change"),
    "mix": ("WiSE-FT mix", "multiplies every factor"),
    "outside": (
        "Parts outside the blocks",
        "What comes before them, as embeddings or a stem, and after: final norm, projection.",
    ),
}
BY_SHAPE = {
    "flat": {
        "gamma": ("All layers keep", CONTROLS["gamma"][1]),
        "alpha": ("α: every block", CONTROLS["alpha"][1]),
        "beta": ("β", "has no effect: Flat gives every block α"),
        "tie": (CONTROLS["tie"][0], "no effect: Flat gives every block α"),
    },
    "reverse": {
        "gamma": ("Late layers keep", CONTROLS["gamma"][1]),
        "alpha": ("α: last block", CONTROLS["alpha"][1]),
        "beta": ("β: rise to the first", "the first block gets α + β"),
        "tie": ("Keep the first layer fine-tuned", "β = 1 − α: the first block keeps its full change"),
    },
    FREE: {
        "gamma": ("Early layers keep", "moving it goes back to a straight line from γ to 1"),
        "alpha": ("α: first block", "moving it goes back to a straight line"),
        "beta": ("β: rise to the last", "moving it goes back to a straight line"),
        "tie": (CONTROLS["tie"][0], "no effect: every block has a factor of its own"),
    },
}
"""Labels that differ from ``CONTROLS`` under a scaling function."""
ADVANCED = "More controls"
MOVES = {
    "play": ("▶ Play", "Moves the slider from 1 to 0 by itself"),
    "undo": ("↶ Undo", "Back to the last setting (Ctrl+Z)"),
    "reset": ("Reset all", "Everything on this page back to its start"),
}
"""Buttons below the slider: label, and what it does."""
FREE_TITLE = "Free-form: drag the bars"
PRESETS_TITLE = "Presets"
PRESETS = {
    "lines": "LiNeS tuned",
    "pretrained": "Pre-trained",
    "finetuned": "Fine-tuned",
    "wise_ft": "WiSE-FT 0.5",
    "reverse": "Reverse",
}
OUTSIDE = {
    "alpha": "like the first block: α (the authors' code)",
    "depth": "by depth: first and last block's factor",
    "pretrained": "pre-trained (0)",
    "finetuned": "fine-tuned (1)",
}
EQUATION = (
    "**Eq. 1** $\\lambda(l) = \\alpha + \\beta\\,\\frac{l-1}{L-1}$ for block $l = 1 \\dots L$. The edited "
    "weights are "
    "$\\theta_0 + m\\,\\lambda(l)\\,\\tau$ with the task vector $\\tau = \\theta_t - \\theta_0$ "
    "(fine-tuned minus "
    "pre-trained) and the WiSE-FT mix $m$. Tied: $\\alpha = \\gamma$, $\\beta = 1 - \\gamma$."
)
EQUATION_TITLE = "Show the equation"


def controls_are_shifts(tasks: Sequence[TaskResult]) -> bool:
    """Whether the control tasks are shifted sets of the target task instead of other tasks."""
    target = next(task.key for task in tasks if task.role == TARGET)
    return all(task.key.startswith(f"{target}_") for task in tasks if task.key != target)


def inside(title: str) -> str:
    """A task's title within a sentence; names such as MNIST, EuroSAT or Food101 stay as they are.

    >>> inside("Handwritten digits"), inside("EuroSAT"), inside("Food101")
    ('handwritten digits', 'EuroSAT', 'Food101')
    """
    first = title.split(" ")[0]
    return title[:1].lower() + title[1:] if first[1:].islower() and first.isalpha() else title


def not_loaded(model: str) -> str:
    """For a link to a model that can be loaded but is not."""
    return (
        f"The link is for {model}, which is not loaded: load it on the page {PAGES['models']}, "
        "then open the link again."
    )


EXPIRED = (
    "The checkpoints that were added in this tab are deleted: they stay for "
    f"{SessionLimits.grace / 60:.0f} minutes after the page is closed, for "
    f"{SessionLimits.seconds / 3600:.0f} hours after their last use, and not over a restart of the server. "
    f"Add yours again on the page {PAGES['models']}."
)
ANOTHERS = (
    "The link is for a checkpoint that was added in another browser or tab, and only that one can use it: "
    f"add the file here too, on the page {PAGES['models']}."
)
