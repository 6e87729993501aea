"""Normalised accuracy (paper, section 3): relative to the fine-tuned and to the zero-shot model."""

from dataclasses import dataclass

from evaluators.errors import EvaluationError
from evaluators.specs.evaluation import Evaluation


@dataclass(frozen=True)
class Normalised:
    """Normalised accuracies of an edited model; None where the reference is zero.

    Args:
        target: target accuracy over the fine-tuned model's.
        control: mean over the control tasks of accuracy over the zero-shot model's.
        kept: what is kept of the fine-tuned target accuracy, the same ratio as ``target``.
        regained: share of the control accuracy lost by fine-tuning that is back; can leave [0, 1].
            None when fine-tuning lost nothing.
    """

    target: float | None
    control: float | None
    kept: float | None
    regained: float | None


def normalised(evaluation: Evaluation, pretrained: Evaluation, finetuned: Evaluation) -> Normalised:
    """Normalised accuracies of an edited model.

        kept     = target / target_finetuned
        regained = (control - control_finetuned) / (control_zeroshot - control_finetuned)

    Args:
        evaluation: of the edited model; may be partial.
        pretrained: of the zero-shot model, same tasks and split.
        finetuned: of the fine-tuned model, same tasks and split.
    Raises: EvaluationError if the three are not of the same tasks and split.
    """
    for name, reference in (("pretrained", pretrained), ("finetuned", finetuned)):
        check_comparable(evaluation, name, reference)
    kept = evaluation.target / finetuned.target if finetuned.target else None
    lost = pretrained.control - finetuned.control
    regained = (evaluation.control - finetuned.control) / lost if lost > 0 else None
    return Normalised(kept, control_ratio(evaluation, pretrained), kept, regained)


def control_ratio(evaluation: Evaluation, pretrained: Evaluation) -> float | None:
    """Mean over the control tasks of accuracy / zero-shot accuracy.

    Tasks with zero-shot accuracy 0 have no ratio and are left out; None if that leaves none.
    """
    zero_shot = {task.key: task.accuracy for task in pretrained.tasks}
    ratios = [task.accuracy / zero_shot[task.key] for task in evaluation.control_tasks if zero_shot[task.key]]
    return sum(ratios) / len(ratios) if ratios else None


def check_comparable(evaluation: Evaluation, name: str, reference: Evaluation) -> None:
    """Raises: EvaluationError unless both are of the same tasks in the same roles on the same split."""
    roles = [(task.key, task.role) for task in evaluation.tasks]
    reference_roles = [(task.key, task.role) for task in reference.tasks]
    if roles != reference_roles:
        raise EvaluationError(
            f"The {name} reference is on other tasks: {reference_roles}, the edited model on {roles}."
        )
    if evaluation.spec.split != reference.spec.split:
        raise EvaluationError(
            f"The {name} reference is on split {reference.spec.split!r}, "
            f"the edited model on {evaluation.spec.split!r}."
        )
