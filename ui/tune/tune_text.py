"""Words in the section on tuning."""

from __future__ import annotations

TUNE_TITLE = "How much should the shallow layers shrink?"
TUNE = (
    "The paper picks γ on **validation** "
    "images: the best sum of $w$ "
    "times the kept "
    "target accuracy and the kept control accuracy (C.1, $w = 2$). Only then is the choice reported on "
    "**test** images."
)
TUNE_CHARTS = {
    "score": ("Score on validation", "w · target / fine-tuned + mean of control / zero-shot"),
    "parts": ("The two terms of the score", "accuracy on validation images"),
}
WEIGHT = (
    "w: weight of the target",
    "2 in the paper; larger: closer to fine-tuned, smaller: forgets less",
)


ON_TEST = "; this is what it does on the test images:"


def tuned(gamma: float, weight: float) -> str:
    """'With w = 2, validation chooses γ = 0.4'."""
    return f"With w = {weight:g}, validation images choose γ = {gamma:g}"
