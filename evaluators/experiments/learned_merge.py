"""A merge whose coefficients were learned: how it went, what it scores on test images, and what it cost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from evaluators.errors import EvaluationError
from evaluators.experiments.coefficient_learning import LEARNERS
from evaluators.experiments.merge_search import Score
from evaluators.specs.edit_spec import SPLITS
from evaluators.specs.evaluation import TaskResult
from lines_core.atomic_write import atomic_write

Profile = Mapping[str, tuple[tuple[float, ...], ...]]
"""By part of a block, "attention" and "mlp": for each task the coefficients of block 1 .. L."""
DECIMALS = 4
LEARNED = "learned.json"
"""File in the lab's ``report/``."""


@dataclass(frozen=True)
class MergeCost:
    """What it takes to find the coefficients of a merge.

    Args:
        seconds: on the machine at hand, 0 if it is not known.
        labels: labelled images that are needed.
        forward: images that go through the encoder.
        backward: of these, those whose gradient is taken as well, which costs twice as much again.
    """

    seconds: float
    labels: int
    forward: int
    backward: int = 0


@dataclass(frozen=True)
class LearnedMerge:
    """The result of one learning.

    Args:
        learner: a key of ``LEARNERS``.
        split: of the images it learned from; "test" is the very images that it is scored on.
        seed: of the order of the images.
        steps: of gradient descent.
        profile: coefficients by depth.
        losses: mean loss of each tenth of the steps, in nats.
        tasks: results on test images, one a merged task; empty until they are counted.
        cost: of learning.
        counted: whether all test images are counted.
        checkpoints: keys of what is merged, in the order of the tasks; empty if they are not known.
        coefficients: of each of these, one for each parameter in the order of the layout, exact in float32.
    Raises: EvaluationError for an unknown learner or split, or other coefficients than one list a checkpoint.
    """

    learner: str
    split: str
    seed: int
    steps: int
    profile: Profile
    losses: tuple[float, ...]
    tasks: tuple[TaskResult, ...]
    cost: MergeCost
    counted: bool = True
    checkpoints: tuple[str, ...] = ()
    coefficients: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.learner not in LEARNERS or self.split not in SPLITS:
            raise EvaluationError(
                f"A merge is learned by {' or '.join(LEARNERS)} on val or test images, got {self.learner!r} "
                f"on {self.split!r}."
            )
        if len(self.coefficients) != len(self.checkpoints):
            raise EvaluationError(
                "A learned merge has a list of coefficients for each checkpoint, got "
                f"{len(self.coefficients)} for {len(self.checkpoints)}."
            )

    @property
    def score(self) -> Score:
        """Its accuracy on test images. Raises: ZeroDivisionError before any are counted."""
        return Score(self.tasks, "test", self.counted)

    def mean_profile(self) -> dict[str, tuple[float, ...]]:
        """By part the coefficients of block 1 .. L, mean over the tasks, as in the paper's Fig. 5."""
        return {
            part: tuple(sum(block) / len(block) for block in zip(*tasks, strict=True))
            for part, tasks in self.profile.items()
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, the inverse of ``from_dict``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "LearnedMerge":
        """Inverse of ``as_dict``. Raises: EvaluationError if something is missing, foreign or impossible."""
        try:
            values = dict(plain)
            values["profile"] = {
                str(part): tuple(tuple(map(float, task)) for task in tasks)
                for part, tasks in values["profile"].items()
            }
            values["losses"] = tuple(map(float, values["losses"]))
            values["tasks"] = tuple(TaskResult(**task) for task in values["tasks"])
            values["cost"] = MergeCost(**values["cost"])
            values["checkpoints"] = tuple(map(str, values.get("checkpoints", ())))
            values["coefficients"] = tuple(tuple(map(float, task)) for task in values.get("coefficients", ()))
            return cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EvaluationError(f"This is not a learned merge: {error}") from error


def mean_over_seeds(runs: Sequence[LearnedMerge]) -> LearnedMerge:
    """Repetitions of one learning as one: mean counts, to whole images, and mean profile; no coefficients.

    The interval of its score is for other images, as that of each repetition. Its seconds are the fewest,
    those of the repetition that was disturbed least.
    """
    first = runs[0]
    if len(runs) == 1:
        return first
    tasks = tuple(
        replace(same[0], correct=round(fmean(task.correct for task in same)))
        for same in zip(*(run.tasks for run in runs), strict=True)
    )
    profile = {
        part: tuple(
            tuple(fmean(values) for values in zip(*task, strict=True))
            for task in zip(*(run.profile[part] for run in runs), strict=True)
        )
        for part in first.profile
    }
    cost = replace(first.cost, seconds=min(run.cost.seconds for run in runs))
    return replace(first, tasks=tasks, profile=profile, cost=cost, checkpoints=(), coefficients=())


def spread_over_seeds(runs: Sequence[LearnedMerge]) -> float:
    """Standard deviation of the mean accuracy over two or more repetitions, a fraction."""
    return stdev(run.score.mean for run in runs)


@dataclass(frozen=True)
class ShippedLearning:
    """What the embedded lab ships of learning.

    Args:
        runs: complete ones.
        searches: what choosing the coefficient of the plain sum ("plain") and of LiNeS ("lines") on
            validation cost on the same machine.
    """

    runs: tuple[LearnedMerge, ...] = ()
    searches: Mapping[str, MergeCost] = field(default_factory=dict)

    def of(self, learner: str, split: str) -> tuple[LearnedMerge, ...]:
        """The runs of one learner on one kind of images, by seed."""
        found = [run for run in self.runs if (run.learner, run.split) == (learner, split)]
        return tuple(sorted(found, key=lambda run: run.seed))


def read_shipped(assets: Path) -> ShippedLearning:
    """What ``python -m training measure`` wrote; nothing if the lab ships none.

    Raises: EvaluationError if the file is damaged.
    """
    path = assets / "report" / LEARNED
    if not path.exists():
        return ShippedLearning()
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        searches = {str(name): MergeCost(**cost) for name, cost in plain["searches"].items()}
        return ShippedLearning(tuple(map(LearnedMerge.from_dict, plain["runs"])), searches)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvaluationError(f"{path} does not hold learned merges: {error}") from error


def save_shipped(assets: Path, shipped: ShippedLearning) -> None:
    """Write what ``read_shipped`` reads."""
    path = assets / "report" / LEARNED
    plain = {
        "searches": {name: asdict(cost) for name, cost in shipped.searches.items()},
        "runs": [run.as_dict() for run in shipped.runs],
    }
    text = json.dumps(plain, separators=(",", ":")) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, lambda partial: Path(partial).write_text(text, encoding="utf-8"))
