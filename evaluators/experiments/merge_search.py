"""Search for a merge's coefficients on validation images: candidates, score, choice (section 5.2, B.2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from evaluators.errors import EvaluationError
from evaluators.experiments.sweeps import Found
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult
from evaluators.specs.intervals import tasks_interval
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import METHODS

MERGE_SHAPES = ("linear", "sqrt", "quadratic")
"""Scaling functions that the paper compares on merges (Table 6)."""
OFFERED_SHAPES = (*MERGE_SHAPES, "tiered")
"""Those that the page offers for merges."""
HEAT_ALPHAS = tuple(i / 20 for i in range(11))
HEAT_STEPS = 10
HEAT_IMAGES = 100
"""Validation images per task for the alpha-beta map: it has 121 cells."""

Coefficients = tuple[float, float]
"""alpha and beta of LiNeS; lambda and 0 of a plain merge."""


@dataclass(frozen=True)
class MergeConfig:
    """A merge without its coefficients.

    Args:
        checkpoints: keys, all of one suite of tasks.
        method: a key of ``METHODS``.
        settings: of the method, as (name, value) pairs.
        model: key of the encoder.
        weights: of the checkpoints, as in ``MergeSpec``.
        part: whose blocks LiNeS scales, as in ``EditSpec``.
    """

    checkpoints: tuple[str, ...]
    method: str = "sum"
    settings: tuple[tuple[str, float], ...] = ()
    model: str = TINY_CLIP
    weights: tuple[float, ...] = ()
    part: str = ""

    @property
    def merges(self) -> tuple[MergeSpec, ...]:
        """The merged residuals: one, or with methods that mask for a task one for each checkpoint.

        Raises: SpecError as ``MergeSpec``.
        """
        tasks = self.checkpoints if METHODS[self.method].per_task else ("",)
        return tuple(
            MergeSpec(self.checkpoints, self.method, self.settings, task, self.weights) for task in tasks
        )

    def specs(
        self, alpha: float, beta: float = 0.0, shape: str = "linear", split: str = "test", images: int = 200
    ) -> tuple[EditSpec, ...]:
        """The edited models, one for each of ``merges``; with beta = 0 the plain merge times alpha."""
        rest = {"model": self.model, "shape": shape, "split": split, "images": images, "part": self.part}
        return tuple(EditSpec.merged(merge, alpha, beta, **rest) for merge in self.merges)

    def zero_shot(self, split: str = "test", images: int = 200) -> tuple[EditSpec, ...]:
        """The pre-trained model, with the merged tasks as targets."""
        return self.specs(0.0, split=split, images=images)

    def finetuned(self, split: str = "test", images: int = 200) -> tuple[EditSpec, ...]:
        """The model fine-tuned on each task, which normalised accuracy refers to."""
        return tuple(
            EditSpec.finetuned(key, model=self.model, split=split, images=images) for key in self.checkpoints
        )


@dataclass(frozen=True)
class Score:
    """Accuracy of a merge, or of each task's own model, on the merged tasks.

    Args:
        tasks: results on the merged tasks, in the order of the lab.
        split: "val" or "test".
        complete: all images have been counted.
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

        Raises: EvaluationError if the tasks differ, or a fine-tuned model has accuracy 0.
        """
        reference = {task.key: task.accuracy for task in finetuned.tasks}
        if set(reference) != {task.key for task in self.tasks}:
            raise EvaluationError(
                f"The fine-tuned models are of {sorted(reference)}, the merge of "
                f"{sorted(task.key for task in self.tasks)}."
            )
        if not all(reference.values()):
            raise EvaluationError("A fine-tuned model has accuracy 0 on its task: there is no ratio to it.")
        return sum(task.accuracy / reference[task.key] for task in self.tasks) / len(self.tasks)


def score(evaluations: Iterable[Evaluation]) -> Score:
    """The target results of one evaluation of a merge, or of one evaluation for each task.

    Raises: EvaluationError if two of them measure the same task, none measures any, or the splits differ.
    """
    parts = tuple(evaluations)
    splits = {evaluation.spec.split for evaluation in parts}
    if len(splits) != 1:
        raise EvaluationError(f"A score is of one split, got {', '.join(sorted(splits)) or 'no evaluation'}.")
    targets = [task for evaluation in parts for task in evaluation.target_tasks]
    if not targets or len({task.key for task in targets}) != len(targets):
        raise EvaluationError(f"A score counts each task once, got {[task.key for task in targets]}.")
    order = {task.key: index for index, task in enumerate(parts[0].tasks)}
    targets.sort(key=lambda task: order[task.key])
    return Score(tuple(targets), splits.pop(), all(evaluation.complete for evaluation in parts))


def best_of(scores: Mapping[Coefficients, Score], finetuned: Score) -> Coefficients:
    """The coefficients with the best normalised accuracy on validation; of equal ones the smallest.

    Source: wang-kee/LiNeS src/eval/eval.py: strict > while the grid runs upwards.
    Raises: EvaluationError if there is no candidate, or one is partial or was measured on test images.
    """
    if not scores:
        raise EvaluationError("There is no candidate to choose from.")
    for candidate in (*scores.values(), finetuned):
        if not candidate.complete:
            raise EvaluationError("A coefficient is chosen from complete evaluations, got a partial one.")
        if candidate.split != "val":
            raise EvaluationError(f"A coefficient is chosen on validation, got split {candidate.split!r}.")
    ranked = {key: candidate.normalised(finetuned) for key, candidate in sorted(scores.items())}
    return max(ranked, key=lambda key: ranked[key])  # max keeps the first, the smallest


def heat_betas(method: str) -> tuple[float, ...]:
    """The betas of the alpha-beta map (Fig. 9): 0 to the end of the method's grid."""
    top = max(METHODS[method].grid)
    return tuple(round(top * i / HEAT_STEPS, 9) for i in range(HEAT_STEPS + 1))


@dataclass(frozen=True)
class GridResult:
    """What is known of a grid.

    Args:
        normalised: normalised accuracy on validation of the candidates measured so far.
        best: the chosen coefficients; None until all candidates are measured.
        test: score of the chosen model on test images; None until it is measured.
    """

    normalised: Mapping[Coefficients, float]
    best: Coefficients | None
    test: Score | None


@dataclass(frozen=True)
class CandidateGrid:
    """One merge under several coefficients: the best is chosen on validation images, and reported on test.

    Args:
        config: what is merged.
        coefficients: of the candidates.
        shape: scaling function.
        images: validation images of each task, 0 for all.
        test_images: test images of each task, 0 for all.
    """

    config: MergeConfig
    coefficients: tuple[Coefficients, ...]
    shape: str
    images: int
    test_images: int

    @cached_property
    def candidates(self) -> Mapping[Coefficients, tuple[EditSpec, ...]]:
        """The models on validation."""
        return {
            (alpha, beta): self.config.specs(alpha, beta, self.shape, "val", self.images)
            for alpha, beta in self.coefficients
        }

    @cached_property
    def specs(self) -> tuple[EditSpec, ...]:
        """The fine-tuned references and the candidates on validation."""
        candidates = (spec for specs in self.candidates.values() for spec in specs)
        return (*self.config.finetuned("val", self.images), *candidates)

    def test_specs(self, best: Coefficients | None) -> tuple[EditSpec, ...]:
        """The chosen model on test images; none while ``best`` is None."""
        chosen = () if best is None else self.candidates[best]
        return tuple(replace(spec, split="test", images=self.test_images) for spec in chosen)

    def result(self, found: Found) -> GridResult:
        """The choice, as far as it is measured. Raises: EvaluationError as ``best_of``."""
        reference = _score_if_measured(found, self.config.finetuned("val", self.images))
        if reference is None:
            return GridResult({}, None, None)
        measured = {key: _score_if_measured(found, specs) for key, specs in self.candidates.items()}
        scores = {key: candidate for key, candidate in measured.items() if candidate is not None}
        normalised = {key: candidate.normalised(reference) for key, candidate in scores.items()}
        best = best_of(scores, reference) if len(scores) == len(self.candidates) else None
        return GridResult(normalised, best, _score_if_measured(found, self.test_specs(best)))


def _score_if_measured(found: Found, specs: tuple[EditSpec, ...]) -> Score | None:
    return score(found[spec] for spec in specs) if specs and all(spec in found for spec in specs) else None


@dataclass(frozen=True)
class MergeSearch:
    """The paper's search over the coefficients of one merge.

    Args:
        config: what is merged.
        alpha: of LiNeS, by Eq. 2 or set by hand.
        shape: scaling function of LiNeS.
        images: of each task, 0 for all.
        heat_images: validation images of each task for the alpha-beta map.
    """

    config: MergeConfig
    alpha: float
    shape: str = "linear"
    images: int = 200
    heat_images: int = HEAT_IMAGES

    @cached_property
    def plain(self) -> CandidateGrid:
        """theta_0 + lambda tau for every lambda of the method's grid (paper, appendix B.2)."""
        coefficients = tuple((scale, 0.0) for scale in METHODS[self.config.method].grid)
        return CandidateGrid(self.config, coefficients, "linear", self.images, self.images)

    @cached_property
    def lines(self) -> CandidateGrid:
        """LiNeS with ``alpha`` and every beta of the same grid."""
        coefficients = tuple((self.alpha, beta) for beta in METHODS[self.config.method].grid)
        return CandidateGrid(self.config, coefficients, self.shape, self.images, self.images)

    @cached_property
    def heat(self) -> CandidateGrid:
        """The alpha-beta map (Fig. 9), beta running fastest."""
        betas = heat_betas(self.config.method)
        coefficients = tuple((alpha, beta) for alpha in HEAT_ALPHAS for beta in betas)
        return CandidateGrid(self.config, coefficients, self.shape, self.heat_images, self.images)

    def specs(self) -> tuple[EditSpec, ...]:
        """Everything that is measured on validation, the curves before the map."""
        return tuple(dict.fromkeys((*self.plain.specs, *self.lines.specs, *self.heat.specs)))

    def test_specs(self, found: Found) -> tuple[EditSpec, ...]:
        """The fine-tuned models and the three chosen ones on test images; none until all are chosen."""
        grids = (self.plain, self.lines, self.heat)
        chosen = [grid.test_specs(grid.result(found).best) for grid in grids]
        if not all(chosen):
            return ()
        return (*self.config.finetuned("test", self.images), *(spec for specs in chosen for spec in specs))
