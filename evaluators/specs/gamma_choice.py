"""Choice of gamma on validation images, by the paper's trade-off between target and control accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.errors import EvaluationError
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.normalise import check_comparable, control_ratio

TARGET_WEIGHT = 2.0


@dataclass(frozen=True)
class Choice:
    """The chosen gamma, and the score of each candidate as (gamma, score), largest gamma first."""

    gamma: float
    score: float
    scores: tuple[tuple[float, float], ...]


def choose_gamma(
    points: Sequence[tuple[float, Evaluation]],
    pretrained: Evaluation,
    finetuned: Evaluation,
    weight: float = TARGET_WEIGHT,
) -> Choice:
    """The gamma with the best trade-off; ties go to the larger gamma, which is closer to fine-tuned.

        argmax over gamma:  w * target / target_finetuned + mean over controls of acc / acc_zeroshot    (C.1)

    Args:
        points: candidates as (gamma, evaluation of the model edited with it).
        pretrained: of the zero-shot model.
        finetuned: of the fine-tuned model.
        weight: w, of the target accuracy.
    Raises: EvaluationError if an evaluation is on test images, partial or of other tasks, there is no
        candidate, the weight is negative, or a reference accuracy is zero.
    Source: arXiv:2410.17146, C.1; w = 2 and the tie rule from wang-kee/LiNeS config/method.
    """
    if not points:
        raise EvaluationError("There is no candidate to choose from.")
    if not weight >= 0:
        raise EvaluationError(f"The weight of the target must not be negative, got {weight}.")
    for evaluation in (pretrained, finetuned, *(evaluation for _, evaluation in points)):
        if evaluation.spec.split != "val":
            raise EvaluationError(
                f"gamma is chosen on validation images, got an evaluation on {evaluation.spec.split!r}: "
                "a choice made on test images would make the test number worthless."
            )
        if not evaluation.complete:
            raise EvaluationError("gamma is chosen from complete evaluations, got a partial one.")
        check_comparable(evaluation, "pretrained", pretrained)
    if not finetuned.target:
        raise EvaluationError("The fine-tuned model has accuracy 0 on its own task: there is no ratio to it.")
    scores = []
    for gamma, evaluation in sorted(points, key=lambda point: -point[0]):
        control = control_ratio(evaluation, pretrained)
        if control is None:
            raise EvaluationError(
                "The zero-shot model has accuracy 0 on all control tasks: there is no ratio to it."
            )
        scores.append((gamma, weight * evaluation.target / finetuned.target + control))
    gamma, score = max(scores, key=lambda candidate: candidate[1])  # max keeps the first, the larger gamma
    return Choice(gamma, score, tuple(scores))
