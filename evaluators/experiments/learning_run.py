"""Learning of a merge's coefficients on the images of a lab, and the count of what was learned."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import psutil
from torch import Tensor

from evaluators.data.image_batches import TaskSlice
from evaluators.data.task_list import IMAGENET
from evaluators.encoder.functional_tower import FunctionalTower
from evaluators.encoder.open_clip_folder import TOWER
from evaluators.errors import LabError, SpecError
from evaluators.experiments.coefficient_learning import (
    BATCH,
    LEARNERS,
    MAX_STEPS,
    LearningState,
    LearningTask,
    counted,
    learned,
)
from evaluators.experiments.learned_merge import DECIMALS, LearnedMerge, MergeCost
from evaluators.labs.lab import Lab
from evaluators.specs.edit_spec import SPLITS, EditSpec
from evaluators.specs.evaluation import TARGET, TaskResult
from evaluators.specs.merge_spec import MergeSpec
from lines_core.learned_coefficients import CoefficientGroups, WeightedMerge

GRAIN = "tensor"
"""One coefficient for each parameter and task, as the authors of both methods have it."""
SMALL = 10_000_000
"""Weights of an encoder whose tasks go through it together; a larger one's one by one, to bound memory."""
TENTHS = 10
_VECTORS = 4
"""Vectors of all weights that a step holds: theta(c), its gradient twice, and theta_0."""


@dataclass(frozen=True)
class LearningRequest:
    """What is learned.

    Args:
        checkpoints: keys of two or more, of one suite of tasks.
        learner: a key of ``LEARNERS``.
        model: key of the encoder.
        split: of the images that are learned from.
        steps: of gradient descent.
        seed: of the order of the images.
    Raises: SpecError.
    """

    checkpoints: tuple[str, ...]
    learner: str
    model: str
    split: str = "val"
    steps: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.learner not in LEARNERS:
            raise SpecError(f"A method is one of {', '.join(LEARNERS)}, got {self.learner!r}.")
        if self.split not in SPLITS:
            raise SpecError(f"Images are of split val or test, got {self.split!r}.")
        steps = self.steps or LEARNERS[self.learner].steps
        if isinstance(steps, bool) or not isinstance(steps, int) or not 0 < steps <= MAX_STEPS:
            raise SpecError(f"The number of steps is from 1 to {MAX_STEPS}, got {steps}.")
        object.__setattr__(self, "steps", steps)
        if len(self.checkpoints) < 2:
            raise SpecError("Learning needs at least two models: one alone is not a merge.")

    @property
    def spec(self) -> EditSpec:
        """The plain sum of the residuals on the images that are learned from."""
        merge = MergeSpec(self.checkpoints)
        return EditSpec.merged(merge, 1.0, model=self.model, split=self.split, images=0)


class CoefficientRun:
    """One learning and the count of its result, step by step. Not thread-safe.

    Args:
        lab: with the checkpoints and tasks.
        request: what is learned.
        pause: called before each forward pass; may wait, or raise to stop.
    Raises: SpecError if the lab lacks something that is named, or the checkpoints have heads of their own;
        LabError if there is not enough memory.
    """

    def __init__(self, lab: Lab, request: LearningRequest, pause: Callable[[], None]) -> None:
        if lab.resolve(request.spec).suite == IMAGENET:
            raise SpecError("Checkpoints of ImageNet have heads of their own, which are not learned here.")
        self._lab, self._request, self._pause = lab, request, pause
        self._encoder = encoder = lab.encoder
        _check_memory(lab, len(request.checkpoints))
        residuals = [encoder.residual(key) for key in request.checkpoints]
        self._groups = CoefficientGroups.of(encoder.layout, GRAIN)
        self.merge = WeightedMerge(encoder.layout, encoder.flat_pretrained, residuals, self._groups)
        self._tower = FunctionalTower(encoder.loaded.clip.visual, encoder.layout, TOWER)
        self.state: LearningState | None = None
        self.losses: list[float] = []

    def steps(self) -> Iterator[LearnedMerge]:
        """Learn; yields the merge at each step, then with more and more test images until all are counted.

        Goes on from ``state`` and ``losses``, of each step so far, if they are set.
        """
        lab, request = self._lab, self._request
        learner, at_once = LEARNERS[request.learner], self._at_once
        _, tasks = self._images(request.split)
        normalise = lab.images(self._suite, request.split).normalise
        losses = self.losses
        for state in learned(
            learner,
            self.merge,
            self._tower,
            tasks,
            normalise,
            self._encoder.temperature,
            steps=request.steps,
            seed=request.seed,
            at_once=at_once,
            pause=self._pause,
            resumed=self.state,
        ):
            self.state = state
            losses += [state.loss] if state.step else []
            yield self._result(state, losses, tasks)
        assert self.state is not None
        state = self.state
        result = self._result(state, losses, tasks)
        for results in self.count(state.coefficients):
            yield replace(result, tasks=results)
        yield replace(result, tasks=results, counted=True)

    def count(self, coefficients: Tensor, split: str = "test") -> Iterator[tuple[TaskResult, ...]]:
        """Count a merge with any coefficients (T, G) on all images of a split; yields the results so far."""
        named, tasks = self._images(split)
        normalise = self._lab.images(self._suite, split).normalise
        weights = self.merge.weights(coefficients)
        for counts in counted(self._tower, weights, tasks, normalise, self._at_once, self._pause):
            yield tuple(
                TaskResult(key, title, TARGET, correct, n)
                for (key, title), (correct, n) in zip(named, counts, strict=True)
                if n
            )

    @property
    def _suite(self) -> str:
        return self._lab.resolve(self._request.spec).suite

    @property
    def _at_once(self) -> int:
        return self._lab.chunk if self._encoder.layout.numel <= SMALL else BATCH

    def _images(self, split: str) -> tuple[list[tuple[str, str]], list[LearningTask]]:
        """Key and title, and images, of the merged tasks. Raises: SpecError if one of them has none."""
        resolved = self._lab.resolve(replace(self._request.spec, split=split))
        images, wanted = self._lab.images(resolved.suite, split), self._request.spec.targets
        named, found = [], []
        evaluated = self._lab.tasks_with_images(resolved.suite, split)
        counts, heads = images.counts(images.max_images), self._lab.heads_with_images(resolved)
        for number, (task, count, head) in enumerate(zip(evaluated, counts, heads, strict=True)):
            if task.key in wanted:
                part = TaskSlice(number, 0, count)
                named.append((task.key, task.title))
                found.append(LearningTask(images.pixels(part), images.labels(part), head))
        return named, found

    def _result(self, state: LearningState, losses: list[float], tasks: list[LearningTask]) -> LearnedMerge:
        request = self._request
        profile = {
            part: tuple(tuple(round(value, DECIMALS) for value in task) for task in blocks.tolist())
            for part, blocks in self._groups.by_depth(state.coefficients).items()
        }
        labels = sum(len(task.images) for task in tasks) if LEARNERS[request.learner].labels else 0
        cost = MergeCost(round(state.seconds, 1), labels, state.images, state.images)
        return LearnedMerge(
            request.learner,
            request.split,
            request.seed,
            state.step,
            profile,
            tenths(losses),
            (),
            cost,
            counted=False,
            checkpoints=request.checkpoints,
            coefficients=tuple(tuple(map(_written, task)) for task in state.coefficients.tolist()),
        )


def _written(value: float) -> float:
    """A float32 in the fewest digits that give it back: nine."""
    return float(f"{value:.9g}")


def tenths(losses: list[float]) -> tuple[float, ...]:
    """Mean loss of each tenth of the steps, or each loss if there are fewer."""
    parts = min(TENTHS, len(losses))
    ends = [round(part * len(losses) / parts) for part in range(parts + 1)] if parts else []
    return tuple(round(sum(losses[start:end]) / (end - start), DECIMALS) for start, end in pairwise(ends))


def _check_memory(lab: Lab, residuals: int) -> None:
    """Raises: LabError if the vectors of a step would not fit into main memory."""
    if lab.device.type != "cpu":
        return
    needed = 4 * lab.encoder.layout.numel * _VECTORS
    free = psutil.virtual_memory().available
    if needed > free:
        raise LabError(
            f"Learning with {lab.info.title} takes about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are "
            "free: close other programs, or choose a smaller model."
        )
