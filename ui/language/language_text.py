"""Words on the page Text."""

from __future__ import annotations

from collections.abc import Mapping

from evaluators.labs.tiny_text_lab import TINY_T5
from evaluators.specs.evaluation import CONTROL, TARGET, Evaluation, TaskResult
from ui.shell.difference_words import difference_words, gain_words

TEXT = (
    "A language model forgets too: fine-tuned on one kind of question, it may get worse at others. Its "
    "**encoder** reads the question, its **decoder** writes the answer. LiNeS takes back some of what "
    "fine-tuning changed in the shallow layers of one of them, or of both. (Section 5.2, Fig. 7 and Table 3 "
    "of the paper)"
)
MODEL = ("Model", "the tiny one knows a small invented world; the other comes from the Hugging Face Hub")
MODELS = {TINY_T5: "Tiny T5", "flan-t5-base": "Flan-T5-base, fine-tuned on GLUE"}
LOAD = (
    "Google's **Flan-T5-base**, 248 million weights, with public checkpoints that FusionBench fine-tuned on "
    "tasks of GLUE. A question is asked in the very words of that fine-tuning. GLUE keeps the answers of its "
    "test questions secret: one half of the validation questions chooses coefficients here, the other half "
    "is reported. STS-B is left out, because its answers are numbers."
)
LOAD_TASKS = "Tasks, each with its checkpoint"
LOAD_QUESTIONS = "Questions per task"
LOAD_SIZE = (
    "Downloads about {gigabytes:.1f} GB once, {each} MB for each model, and the app's cache takes as much "
    "again. Cached files are not downloaded again. On a CPU a position takes about a minute."
)
HERE_FOLLOWS = "The numbers of this setting follow once {model} is loaded."
MERGES_FOLLOW = "The merges follow once {model} is loaded."
TASK = ("Fine-tuned on", "one kind of question; the others are the control tasks")
PART = ("LiNeS on", "whose shallow layers keep less of the change; all else stays fine-tuned")
PARTS = {"decoder": "the decoder", "encoder": "the encoder", "both": "both"}
GAMMA = ("γ: what the first block keeps", "1 is the fine-tuned model; the line in the charts follows")
EQUATION_TITLE = "The equation"
EQUATION = (
    "$\\lambda(l) = \\gamma + (1-\\gamma)\\,\\frac{l-1}{L-1}$ for block $l = 1 \\dots L$ of the chosen part, "
    "$L = 6$ (12 in Flan-T5-base); all other weights keep the factor of the last block, 1. The model is "
    "$\\theta_0 + \\lambda(l)\\,\\tau$ with $\\tau = \\theta_t - \\theta_0$. An answer is chosen by *rank "
    "classification*: of the possible answers, the one whose words the model finds most likely on average."
)
CHARTS = {
    "target": ("Its own questions (target)", "higher is better: what fine-tuning was for"),
    "control": ("Other questions (control)", "higher is better: what should not be forgotten"),
}
CURVES = "Accuracy against γ on test questions, in brackets 95 % intervals"
CURVE_COLUMNS = ("LiNeS on", "γ", "Its own questions", "Other questions")
EXAMPLES = "Test questions of each kind, first those on which the three models differ. ✓ is right."
EXAMPLE_COLUMNS = ("Question", "Kind", "Right", "Pre-trained", "Fine-tuned", "LiNeS")
ASK_TITLE = "Ask your own question"
ASK = "The model only knows the words of its small world, such as: {words}. Your text is not kept."
ASK_ANYTHING = (
    "The model reads any English text, best in the words it was fine-tuned with. Your text is not kept."
)
ASK_QUESTION = ("Question", "at most {most} letters; a longer text is refused, not cut")
ASK_CHOICES = ("Possible answers", "2 to {most} with commas between them, each of at most {letters} letters")
ASK_BUTTON = "Ask the three models"
ASK_START = ("kava fed quill because they were kind . who was kind ?", "kava, quill")
ASK_START_ANYTHING = (
    "Given the sentence 'a charming and honest film', determine the sentiment. Is it positive or negative?",
    "negative, positive",
)
UNKNOWN = "The model has never seen: {words}. It reads each as the same unknown word."
ANSWERS = "How each model divides its preference among these answers"
SHARES = (
    "Not the chance that a model would write an answer: only those listed are compared (softmax of the mean "
    "log-likelihood of an answer's tokens)."
)
ASKED = "{subject}, asked “{question}”"
ASK_AGAIN = "These answers are of the setting named above. It has changed since: ask again."
MERGE_TITLE = "Several tasks in one model"
MERGE = (
    "The fine-tuned models merged into one. With LiNeS the shallow layers of the decoder get less of "
    "the change. (Table 3) Coefficients are chosen on validation questions."
)
MERGE_GENTLE = (
    "Tiny T5 was fine-tuned gently. Of strongly fine-tuned models the merges are worse, and LiNeS does not "
    "help them, however it is set (REPORT.md in the source)."
)
MERGE_TABLE = (
    "Mean accuracy of the merged tasks on test questions, in brackets 95 % intervals; the paper's are of "
    "T5-large, 7 NLP tasks: with LiNeS, a published number is the plain one plus the gain that its text "
    "states"
)
MERGE_COLUMNS = ("Model", "Plain", "With LiNeS", "Difference", "Paper")
MERGE_ENDS = ("Pre-trained", "Fine-tuned, each task its own")
SUBJECT = "{model}, fine-tuned on {task}"
EDIT_SUBJECT = "{model}, fine-tuned on {task}, LiNeS on {part} with γ = {gamma:g}"
TILES = {
    TARGET: ("Its own questions", "target"),
    CONTROL: ("Other questions", "mean of the control tasks"),
}
COUNTED = {
    "shipped": "{seen:,} test questions, precomputed with the shipped weights",
    "complete": "{seen:,} test questions, counted on this machine",
    "partial": "{seen:,} test questions so far, still counting",
}
INTERVALS = "Ranges are 95 % intervals."
MERGE_SUBJECT = "{model}, all checkpoints merged"


def evidence(edit: Evaluation) -> str:
    """How many questions the numbers of an edit come from, who counted them, and what the ranges are."""
    state = ("shipped" if edit.precomputed else "complete") if edit.complete else "partial"
    return f"{COUNTED[state].format(seen=sum(task.n for task in edit.tasks))}. {INTERVALS}"


def finding(ends: Mapping[str, Evaluation], finetuned: Evaluation) -> str:
    """One sentence a part on Fig. 7: what gamma = 0 changes about the fine-tuned model's accuracies.

    Args:
        ends: by part the model with gamma = 0.
    """
    said = []
    for part, end in ends.items():
        target, control = (gain_words(*sides(finetuned, end, role)) for role in (TARGET, CONTROL))
        said.append(f"on {PARTS[part]}, its own questions {target} and the others {control}.")
    first, *rest = said
    return " ".join(
        [f"Against the fine-tuned model, with γ = 0 {first}", *(f"{one[0].upper()}{one[1:]}" for one in rest)]
    )


def role_change(before: Evaluation, after: Evaluation, role: str) -> str:
    """The difference of two models' mean accuracies on the target, or on the control tasks."""
    return difference_words(*sides(before, after, role), "fine-tuned")


def sides(before: Evaluation, after: Evaluation, role: str) -> tuple[list[TaskResult], list[TaskResult]]:
    """The tasks of one role of two models."""
    was, now = ([task for task in side.tasks if task.role == role] for side in (before, after))
    return was, now
