"""Words on the Soup page."""

from __future__ import annotations

from lines_core.soups import SOUP_BETAS

SOUP = (
    "One task, fine-tuned many times with different settings. Averaging the weights gives **one** "
    "model, often better than any of them. LiNeS then strengthens the deep layers of the average. "
    '(Section 5.3 of the paper) <span class="lx-served">Checkpoints of your own are averaged on the page '
    "*Merge*, by the method *Average*: the members here came with the page.</span>"
)
SOUP_SUBJECT = "fine-tuned on Objects several times"
SOUP_CHARTS = {
    "soup": ("Members and soups", "◆ a member, filled: in the greedy soup; up and right is better"),
    "greedy": ("The greedy selection", "a member stays (filled) only if the soup gets better on validation"),
}
SOUP_CHOICES = {"greedy": "Greedy soup", "uniform": "Uniform soup"}
SOUP_WHICH = "Soup"
SOUP_BETA = ("β: rise to the last block", "LiNeS with α = 1; 0 is the plain soup")
SOUP_WAITING = "Not measured yet: start the measurement above."
SOUP_STEPS = f"β is measured in steps of {SOUP_BETAS[1]:g}: choose one of them."
SOUP_TABLE = "Members, soups and their variants on test images; variants are chosen on validation images"
SOUP_COLUMNS = ("Model", "ID: objects", "OOD: mean of the shifts", "chosen on")
