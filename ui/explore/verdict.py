"""The sentence on top of Explore: what an edit keeps and what it gets back, as far as intervals tell."""

from __future__ import annotations

from evaluators.specs.comparison import compared
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.normalise import normalised
from ui.explore.explore_text import controls_are_shifts, inside
from ui.shell.roles import role_of
from ui.shell.text import percent


def verdict(evaluation: Evaluation, pretrained: Evaluation | None, finetuned: Evaluation | None) -> str:
    """The sentence for an edit, for the pre-trained model or for the fine-tuned one.

    Args:
        evaluation: of the model that is shown; nothing is concluded while it is partial.
        pretrained, finetuned: of the two models it lies between, as far as they are measured.
    """
    if pretrained is None or finetuned is None:
        return f"Comparing with the pre-trained and the fine-tuned model on {_task(evaluation)} …"
    if not evaluation.complete:
        return (
            f"So far {percent(evaluation.target)} on {_task(evaluation)} and {percent(evaluation.control)} "
            f"on {_others(evaluation)} …"
        )
    role = role_of(evaluation.spec)
    if role == "pretrained":
        return (
            f"The pre-trained model: it has not learned {_task(evaluation)} "
            f"({percent(evaluation.target)}) and has forgotten nothing."
        )
    if role == "finetuned":
        return (
            f"The fine-tuned model: it {_learned(pretrained, finetuned)} and {_lost(pretrained, finetuned)}."
        )
    return f"{_keeps(evaluation, pretrained, finetuned)} {_gets_back(evaluation, pretrained, finetuned)}."


def _learned(pretrained: Evaluation, finetuned: Evaluation) -> str:
    change = f"({percent(pretrained.target)} → {percent(finetuned.target)})"
    verb = {1: "learned", 0: "did not measurably improve on", -1: "got worse on"}
    return f"{verb[compared(pretrained, finetuned).target]} {_task(finetuned)} {change}"


def _lost(pretrained: Evaluation, finetuned: Evaluation) -> str:
    change = f"({percent(pretrained.control)} → {percent(finetuned.control)})"
    return {
        1: f"improved on {_others(finetuned)} too {change}",
        0: f"forgot nothing measurable of {_others(finetuned)} {change}",
        -1: f"forgot part of {_others(finetuned)} {change}",
    }[compared(pretrained, finetuned).control]


def _keeps(evaluation: Evaluation, pretrained: Evaluation, finetuned: Evaluation) -> str:
    """What is left of the fine-tuned accuracy on the target."""
    task = _task(evaluation)
    if compared(pretrained, finetuned).target <= 0:
        return (
            f"Fine-tuning {_learned(pretrained, finetuned)}; this edit reaches {percent(evaluation.target)}"
        )
    against = compared(finetuned, evaluation).target
    if against > 0:
        change = f"({percent(finetuned.target)} → {percent(evaluation.target)})"
        return f"Beats the fine-tuned model on {task} {change}"
    kept = normalised(evaluation, pretrained, finetuned).kept
    assert kept is not None  # a fine-tuned model better than the pre-trained one is right somewhere
    share = "all" if kept >= 1 else percent(kept)
    return f"Keeps {share} of the fine-tuned accuracy on {task}"


def _gets_back(evaluation: Evaluation, pretrained: Evaluation, finetuned: Evaluation) -> str:
    """What the edit does for the control tasks."""
    others = _others(evaluation)
    against = compared(finetuned, evaluation).control
    if compared(pretrained, finetuned).control >= 0:
        before = f"({percent(finetuned.control)} → {percent(evaluation.control)})"
        return {
            1: f"and is better than the fine-tuned model on {others} {before}",
            0: f"and does as the fine-tuned model on {others}, where fine-tuning made it forget nothing "
            "measurable",
            -1: f"but falls behind the fine-tuned model on {others} {before}",
        }[against]
    if against < 0:
        return "but forgets even more than the fine-tuned model"
    if against == 0:
        return "and gets back nothing measurable of what it forgot"
    if compared(pretrained, evaluation).control > 0:
        change = f"({percent(pretrained.control)} → {percent(evaluation.control)})"
        return f"and knows more about {others} than before fine-tuning {change}"
    back = normalised(evaluation, pretrained, finetuned).regained
    assert back is not None  # fine-tuning lost something
    return f"and gets back {'all' if back >= 1 else percent(back, 0)} of what it forgot"


def _task(evaluation: Evaluation) -> str:
    return inside(evaluation.target_task.title)


def _others(evaluation: Evaluation) -> str:
    return "its shifted sets" if controls_are_shifts(evaluation) else "the other tasks"
