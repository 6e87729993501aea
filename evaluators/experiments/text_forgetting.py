"""Forgetting of the text model (Fig. 7): LiNeS on the decoder, on the encoder, and on both."""

from evaluators.labs.tiny_text_lab import TINY_T5
from evaluators.specs.edit_spec import EditSpec
from lines_core.serial_layout import SERIAL_PARTS

TEXT_PARTS = ("decoder", "encoder", "both")
"""In the order of the paper's figure."""
TEXT_GAMMAS = tuple(step / 10 for step in range(10, -1, -1))
"""Positions that ship measured, from the fine-tuned model down."""
HUB_GAMMAS = (1.0, 0.7, 0.4, 0.0)
"""Of a model from the Hub, of which nothing ships: a position takes a minute on a CPU."""
assert sorted(TEXT_PARTS) == sorted(SERIAL_PARTS)


def text_references(task: str, split: str = "test", model: str = TINY_T5) -> tuple[EditSpec, EditSpec]:
    """The pre-trained and the fine-tuned model, on all questions.

    Args:
        task: a checkpoint.
    """
    rest = {"model": model, "split": split, "images": 0}
    return EditSpec.pretrained(task, **rest), EditSpec.finetuned(task, **rest)


def text_edit(task: str, part: str, gamma: float, split: str = "test", model: str = TINY_T5) -> EditSpec:
    """LiNeS on one part: alpha = gamma, beta = 1 - gamma; the rest of the model stays fine-tuned."""
    return EditSpec.lines(task, gamma, model=model, part=part, split=split, images=0)


def text_curves(task: str, model: str = TINY_T5) -> dict[str, tuple[EditSpec, ...]]:
    """By part the curve from gamma = 1, the fine-tuned model, down to 0, on test."""
    gammas = TEXT_GAMMAS if model == TINY_T5 else HUB_GAMMAS
    return {part: tuple(text_edit(task, part, gamma, model=model) for gamma in gammas) for part in TEXT_PARTS}
