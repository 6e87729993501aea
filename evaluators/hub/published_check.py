"""Self-test of a loaded model against published accuracy: detects a wrong activation or class order."""

from dataclasses import dataclass
from statistics import NormalDist

from evaluators.errors import EvaluationError
from evaluators.specs.evaluation import Evaluation, TaskResult
from evaluators.specs.intervals import wilson_interval
from evaluators.zoo.checkpoint_families import FAMILIES
from evaluators.zoo.public_texts import GLUE_TASKS, TEXT_MODELS
from evaluators.zoo.published_accuracy import TOLERANCE, published

ZERO_SHOT, FINE_TUNED = "zero-shot", "fine-tuned"
OUR_CLASS_NAMES = "fusion-bench"
FALSE_ALARM = 0.05
"""Probability of a false alarm over all checks of one evaluation together."""
CAUSES = (
    "Likely causes: a different activation (QuickGELU against GELU), a different resize or normalisation, "
    "another order of class names, another split, or a subset that leaves classes out."
)


@dataclass(frozen=True)
class AccuracyCheck:
    """One task's measured and published accuracy, fractions in [0, 1].

    Args:
        what: "zero-shot" or "fine-tuned".
        low, high: interval of the measured accuracy, wide enough for all checks together.
        published: the published accuracy.
        right: whether it lies in the interval, extended by ``TOLERANCE``.
    """

    task: str
    title: str
    what: str
    accuracy: float
    low: float
    high: float
    published: float
    right: bool


def self_test(evaluation: Evaluation) -> tuple[AccuracyCheck, ...]:
    """Checks of a complete evaluation of a pre-trained or fine-tuned model of the zoo.

    A pre-trained model is checked on every task, against the accuracies measured with our class names; a
    fine-tuned one on its target, against its family's, and a member of a soup on every shift as well. Tasks
    and checkpoints without a published accuracy are left out, such as a visitor's own.

    Args:
        evaluation: of the spec ``EditSpec.pretrained`` or ``EditSpec.finetuned``, on test.
    Raises: EvaluationError for a partial evaluation, an edited model, or another split.
    """
    spec = evaluation.spec
    scales = spec.scales(2)
    factors = {*scales.blocks, scales.before, scales.after}
    if not evaluation.complete or spec.split != "test" or factors not in ({0.0}, {1.0}):
        raise EvaluationError(
            "A self-test takes complete test evaluations of pre-trained or fine-tuned models."
        )
    what = ZERO_SHOT if factors == {0.0} else FINE_TUNED
    family, _, member = spec.checkpoint.rpartition(".")[0].partition(".")
    tasks = evaluation.tasks if what == ZERO_SHOT or member else (evaluation.target_task,)
    if what == ZERO_SHOT:
        family, member = OUR_CLASS_NAMES, ""
    figures: list[tuple[TaskResult, float | None]]
    if spec.model in TEXT_MODELS:
        figures = [(task, GLUE_TASKS[task.key].published[what == FINE_TUNED]) for task in tasks]
    elif family not in FAMILIES:
        return ()
    else:
        figures = [(task, published(spec.model, task.key, what, family, member=member)) for task in tasks]
    known = [(task, figure) for task, figure in figures if figure is not None]
    z = NormalDist().inv_cdf(1 - FALSE_ALARM / (2 * max(1, len(known))))
    return tuple(_check(task, what, figure, z) for task, figure in known)


def _check(task: TaskResult, what: str, figure: float, z: float) -> AccuracyCheck:
    low, high = wilson_interval(task.correct, task.n, z)
    right = low - TOLERANCE <= figure <= high + TOLERANCE
    return AccuracyCheck(task.key, task.title, what, task.accuracy, low, high, figure, right)
