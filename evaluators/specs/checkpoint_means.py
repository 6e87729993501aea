"""Mean accuracies over several checkpoints, each with its own target task, with 95 % intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.specs.evaluation import Evaluation
from evaluators.specs.intervals import mean_interval


@dataclass(frozen=True)
class Estimate:
    """A mean accuracy and its 95 % interval, fractions in [0, 1]."""

    mean: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends."""
        return self.low, self.high


def mean_target(evaluations: Sequence[Evaluation]) -> Estimate:
    """Mean target accuracy over checkpoints; their test images are independent."""
    counts = [(found.target_task.correct, found.target_task.n) for found in evaluations]
    return Estimate(sum(found.target for found in evaluations) / len(evaluations), *mean_interval(counts))


def mean_control(evaluations: Sequence[Evaluation]) -> Estimate:
    """Mean control accuracy over checkpoints.

    The checkpoints are evaluated on the same images, so in the interval each task counts once, with its mean
    accuracy as control: seven checkpoints do not make seven times as many images.
    """
    counts: dict[str, list[tuple[int, int]]] = {}
    for found in evaluations:
        for task in found.control_tasks:
            counts.setdefault(task.key, []).append((task.correct, task.n))
    once = [(round(sum(c for c, _ in seen) / len(seen)), seen[0][1]) for seen in counts.values()]
    return Estimate(sum(found.control for found in evaluations) / len(evaluations), *mean_interval(once))
