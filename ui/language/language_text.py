"""Words on the page Text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.specs.evaluation import Evaluation
from ui.shell.text import points

TEXT = (
    "A language model forgets too. This one, a small T5, knows an invented world of people, places and "
    "things; it was fine-tuned on one kind of question. Its **encoder** reads the question, its **decoder** "
    "writes the answer: LiNeS can shrink the shallow layers of either. (Section 5.2, Fig. 7 and Table 3 of "
    "the paper)"
)
TASK = ("Fine-tuned on", "one kind of question; the others are the control tasks")
PART = ("LiNeS on", "whose shallow layers are shrunk; everything else stays fine-tuned")
PARTS = {"decoder": "the decoder", "encoder": "the encoder", "both": "both"}
GAMMA = ("γ: what the first block keeps", "1 is the fine-tuned model")
EQUATION_TITLE = "The equation"
EQUATION = (
    "$\\lambda(l) = \\gamma + (1-\\gamma)\\,\\frac{l-1}{L-1}$ for block $l = 1 \\dots L$ of the chosen part, "
    "$L = 6$; all other weights keep the factor of the last block, 1. The model is "
    "$\\theta_0 + \\lambda(l)\\,\\tau$ with $\\tau = \\theta_t - \\theta_0$. An answer is chosen by *rank "
    "classification*: of the possible answers, the one whose words the model finds most likely on average."
)
CHARTS = {
    "target": ("Its own questions (target)", "higher is better: what fine-tuning was for"),
    "control": ("Other questions (control)", "higher is better: what should not be forgotten"),
}
EXAMPLES_TITLE = "Questions and answers"
EXAMPLES = "Test questions, first those on which the three models differ. ✓ is right."
EXAMPLE_COLUMNS = ("Question", "Kind", "Right", "Pre-trained", "Fine-tuned", "LiNeS")
ASK_TITLE = "Ask your own question"
ASK = "The model only knows the words of its small world, such as: {words}. Your text is not kept."
ASK_QUESTION = ("Question", "at most {most} letters, words between blanks")
ASK_CHOICES = ("Possible answers", "2 to {most} with commas between them")
ASK_BUTTON = "Ask the three models"
ASK_START = ("the cup is in the mill . the harp is in the cave . where is the harp ?", "mill, cave, tower")
UNKNOWN = "The model has never seen: {words}. It reads each as the same unknown word."
ANSWERS = "Chance that each model gives to each answer"
MERGE_TITLE = "Several tasks in one model"
MERGE = (
    "The fine-tuned models merged into one. With LiNeS the shallow layers of the decoder get less of "
    "the change. Coefficients are chosen on validation questions, accuracies are of test questions. (Table 3)"
)
MERGE_TABLE = "Mean accuracy of the merged model on their tasks, beside the paper's (T5-large, 7 NLP tasks)"
MERGE_COLUMNS = ("Model", "Plain", "With LiNeS", "Difference", "Coefficients λ, β", "Paper, plain")
PAPER = {"sum": 71.9, "ties": 71.6, "consensus": 73.5}
PAPER_ENDS = (44.9, 85.9)
"""Table 3: zero-shot and fine-tuned."""
SUBJECT = "Tiny T5, fine-tuned on {task}"
MERGE_SUBJECT = "Tiny T5, all checkpoints merged"


def finding(ends: Mapping[str, Evaluation], finetuned: Evaluation) -> str:
    """One sentence on Fig. 7: what is left of the target accuracy, and of the control, where gamma is 0.

    Args:
        ends: by part the model with gamma = 0.
    """
    said = "; ".join(
        f"on {PARTS[part]} target {points(end.target - finetuned.target)}, "
        f"control {points(end.control - finetuned.control)}"
        for part, end in ends.items()
    )
    return f"With γ = 0 against the fine-tuned model, LiNeS {said}."


def merge_finding(gains: Sequence[float]) -> str:
    """One sentence on Table 3: what LiNeS changes, from the least to the most."""
    return f"LiNeS on the decoder changes the merges by {points(min(gains))} to {points(max(gains))}."
