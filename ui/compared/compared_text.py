"""Words on the Fine-tuning compared page."""

from __future__ import annotations

COMPARED = (
    "Would it help to fine-tune **more carefully**, with smaller steps in the shallow layers, with some "
    "layers frozen, or with low-rank updates (LoRA)? Arrows lead to what LiNeS makes of each. "
    "(Appendices C.8 and C.9 of the paper)"
)
COMPARED_CHART = (
    "Eight tasks together",
    "◇ a fine-tuning variant (◆ the usual one), ○ the same after LiNeS with γ chosen on validation; "
    "dotted: the pre-trained model's control accuracy",
)
COMPARED_SUBJECT = "fine-tuned on each of its eight tasks"
PRETRAINED = "Before any fine-tuning: what all variants start from."
COMPARED_TABLE = "Mean accuracy over the eight tasks, on test images"
COMPARED_COLUMNS = ("Variant", "Target", "Control", "Target + LiNeS", "Control + LiNeS", "How")
