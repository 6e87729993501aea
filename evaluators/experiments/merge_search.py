"""A merge as one tries it out: its models, their score on the merged tasks, and the paper's search."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from evaluators.errors import EvaluationError
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult
from evaluators.specs.intervals import tasks_interval
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import METHODS

HEAT_ALPHAS = tuple(i / 20 for i in range(11))
HEAT_STEPS = 10

Place = TypeVar("Place", float, tuple[float, float])
"""Where a candidate stands: its coefficient, or its alpha and beta."""


@dataclass(frozen=True)
class MergeConfig:
    """What is merged and how, apart from the coefficients.

    Args:
        checkpoints: keys, all of tasks that are measured together.
        method: a key of ``METHODS``.
        settings: of the method, as (name, value) pairs.
        model: key of the encoder.
    """

    checkpoints: tuple[str, ...]
    method: str = "sum"
    settings: tuple[tuple[str, float], ...] = ()
    model: str = "tiny-clip"

    @property
    def merges(self) -> tuple[MergeSpec, ...]:
        """The merged residuals: one, or with methods that mask for a task one for each checkpoint.

        Raises: SpecError as ``MergeSpec``.
        """
        if METHODS[self.method].per_task:
            return tuple(
                MergeSpec(self.checkpoints, self.method, self.settings, key) for key in self.checkpoints
            )
        return (MergeSpec(self.checkpoints, self.method, self.settings),)

    def specs(
        self, alpha: float, beta: float = 0.0, shape: str = "linear", split: str = "test", images: int = 200
    ) -> tuple[EditSpec, ...]:
        """The edited models, one for each of ``merges``; with beta = 0 the plain merge times alpha."""
        return tuple(
            EditSpec.merged(merge, alpha, beta, model=self.model, shape=shape, split=split, images=images)
            for merge in self.merges
        )

    def zero_shot(self, split: str = "test", images: int = 200) -> tuple[EditSpec, ...]:
        """The pre-trained model, with the merge's tasks as targets."""
        return self.specs(0.0, split=split, images=images)

    def finetuned(self, split: str = "test", images: int = 200) -> tuple[EditSpec, ...]:
        """The model fine-tuned on each task: what a merge is measured against."""
        return tuple(
            EditSpec.finetuned(key, model=self.model, split=split, images=images) for key in self.checkpoints
        )


@dataclass(frozen=True)
class Score:
    """What a merge, or each task's own model, scores on the merged tasks.

    Args:
        tasks: results on the merged tasks, in the order of the lab.
        split: "val" or "test".
        complete: False while images are still to be counted.
    """

    tasks: tuple[TaskResult, ...]
    split: str
    complete: bool = True

    @property
    def mean(self) -> float:
        """Unweighted mean accuracy, a fraction in [0, 1]."""
        return sum(task.accuracy for task in self.tasks) / len(self.tasks)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of ``mean`` for these tasks and other images."""
        return tasks_interval([(task.correct, task.n) for task in self.tasks])

    def normalised(self, finetuned: "Score") -> float:
        """Mean over the tasks of accuracy / the fine-tuned model's (paper, section 5.2).

        Raises: EvaluationError if the tasks differ, or a fine-tuned model names nothing of its own task.
        """
        theirs = {task.key: task.accuracy for task in finetuned.tasks}
        if set(theirs) != {task.key for task in self.tasks}:
            raise EvaluationError(
                f"The fine-tuned models are of {sorted(theirs)}, the merge of "
                f"{sorted(task.key for task in self.tasks)}."
            )
        if not all(theirs.values()):
            raise EvaluationError(
                "A fine-tuned model names nothing of its own task: there is no ratio to it."
            )
        return sum(task.accuracy / theirs[task.key] for task in self.tasks) / len(self.tasks)


def score(evaluations: Iterable[Evaluation]) -> Score:
    """The target results of some evaluations together: one of a merge, or one for each task.

    Raises: EvaluationError if two of them measure the same task, none measures any, or the splits differ.
    """
    found = tuple(evaluations)
    splits = {evaluation.spec.split for evaluation in found}
    if len(splits) != 1:
        raise EvaluationError(f"A score is of one split, got {', '.join(sorted(splits)) or 'no evaluation'}.")
    targets = [task for evaluation in found for task in evaluation.target_tasks]
    if not targets or len({task.key for task in targets}) != len(targets):
        raise EvaluationError(f"A score counts each task once, got {[task.key for task in targets]}.")
    order = {task.key: place for place, task in enumerate(found[0].tasks)}
    targets.sort(key=lambda task: order[task.key])
    return Score(tuple(targets), splits.pop(), all(evaluation.complete for evaluation in found))


def scores_of(
    found: Mapping[EditSpec, Evaluation], candidates: Mapping[Place, Sequence[EditSpec]]
) -> dict[Place, Score]:
    """The scores of the candidates all of whose evaluations are there."""
    return {
        coefficient: score(found[spec] for spec in specs)
        for coefficient, specs in candidates.items()
        if all(spec in found for spec in specs)
    }


def plain_candidates(recipe: MergeConfig, split: str, images: int = 200) -> dict[float, tuple[EditSpec, ...]]:
    """theta_0 + lambda tau for every lambda of the method's grid (paper, appendix B.2)."""
    return {value: recipe.specs(value, split=split, images=images) for value in METHODS[recipe.method].grid}


def lines_candidates(
    recipe: MergeConfig, alpha: float, shape: str, split: str, images: int = 200
) -> dict[float, tuple[EditSpec, ...]]:
    """LiNeS with Eq. 2's alpha and every beta of the same grid."""
    grid = METHODS[recipe.method].grid
    return {beta: recipe.specs(alpha, beta, shape, split, images) for beta in grid}


def heat_betas(method: str) -> tuple[float, ...]:
    """The betas of the alpha-beta map (Fig. 9): 0 to the end of the method's grid."""
    top = max(METHODS[method].grid)
    return tuple(round(top * i / HEAT_STEPS, 9) for i in range(HEAT_STEPS + 1))


def heat_candidates(
    recipe: MergeConfig, shape: str, split: str, images: int = 200
) -> dict[tuple[float, float], tuple[EditSpec, ...]]:
    """The models of the alpha-beta map by (alpha, beta), beta running fastest."""
    return {
        (alpha, beta): recipe.specs(alpha, beta, shape, split, images)
        for alpha in HEAT_ALPHAS
        for beta in heat_betas(recipe.method)
    }


def best_of(scores: Mapping[Place, Score], finetuned: Score) -> Place:
    """The key with the best normalised accuracy on validation; of equal ones the smallest.

    Source: wang-kee/LiNeS src/eval/eval.py: strict > while the grid runs upwards.
    Raises: EvaluationError if there is no candidate, or one is partial or was measured on test images.
    """
    if not scores:
        raise EvaluationError("There is no candidate to choose from.")
    for one in (*scores.values(), finetuned):
        if not one.complete:
            raise EvaluationError("A coefficient is chosen from complete evaluations, got a partial one.")
        if one.split != "val":
            raise EvaluationError(f"A coefficient is chosen on validation images, got split {one.split!r}.")
    ranked = {value: one.normalised(finetuned) for value, one in sorted(scores.items())}
    return max(ranked, key=lambda value: ranked[value])  # max keeps the first, the smallest
