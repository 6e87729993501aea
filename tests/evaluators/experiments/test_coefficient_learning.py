"""Learning on a tower of one matrix, whose optimum is known, and its gradient in double precision."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.functional_tower import FunctionalTower
from evaluators.errors import EvaluationError
from evaluators.experiments.coefficient_learning import (
    LEARNERS,
    Learner,
    LearningState,
    LearningTask,
    counted,
    learned,
)
from lines_core.flat import FlatLayout
from lines_core.learned_coefficients import CoefficientGroups, WeightedMerge

SIDE = 2
CLASSES = 4


class Block(nn.Module):
    """A matrix whose product is added to what comes in."""

    def __init__(self) -> None:
        super().__init__()
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(CLASSES, CLASSES, bias=False)})

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.mlp["c_fc"](features)
        return features + changed


class Tower(nn.Module):
    """Two blocks, from the first four values of an image to four features."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = nn.ModuleDict({"resblocks": nn.Sequential(Block(), Block())})

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.transformer["resblocks"](images.flatten(1)[:, :CLASSES])
        return features


def towers(tasks: int) -> tuple[FunctionalTower, FlatLayout, Tensor, list[Tensor]]:
    """A tower that is the identity, and a residual of each task."""
    module = Tower()
    layout = FlatLayout.of(dict(module.named_parameters()))
    generator = torch.Generator().manual_seed(3)
    residuals = [torch.randn(layout.numel, generator=generator) / 4 for _ in range(tasks)]
    return FunctionalTower(module, layout), layout, torch.zeros(layout.numel), residuals


def images_of(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, 3, SIDE, SIDE), dtype=torch.uint8, generator=generator)


def normalise(pixels: Tensor) -> Tensor:
    return pixels.float() / 64 - 2


HEAD = ClassifierHead(torch.eye(CLASSES))


def problem(tasks: int = 1) -> tuple[WeightedMerge, FunctionalTower, list[LearningTask]]:
    """Labels are what the tower of coefficient 1 says, so that cross-entropy is least near there."""
    tower, layout, pretrained, residuals = towers(tasks)
    merge = WeightedMerge(layout, pretrained, residuals, CoefficientGroups.of(layout, "tensor"))
    target = merge.weights(torch.ones(merge.shape))
    found = []
    for task in range(tasks):
        images = images_of(400, task)
        found.append(LearningTask(images, HEAD.predict(tower(target, normalise(images))), HEAD))
    return merge, tower, found


def run(
    learner: Learner, tasks: int = 1, steps: int = 200, seed: int = 0, temperature: float = 5.0
) -> list[LearningState]:
    merge, tower, images = problem(tasks)
    return list(learned(learner, merge, tower, images, normalise, temperature, steps=steps, seed=seed))


def accuracy(state: LearningState) -> float:
    merge, tower, tasks = problem()
    *_, ((correct, n),) = counted(tower, merge.weights(state.coefficients), tasks, normalise, 64)
    return correct / n


def test_cross_entropy_finds_the_coefficients_that_made_the_labels() -> None:
    states = run(replace(LEARNERS["atlas"], rate=0.05, decay=0.0))
    assert accuracy(states[0]) < 0.9
    assert accuracy(states[-1]) > 0.97
    assert (states[-1].coefficients > 0.5).all()
    assert states[-1].loss < states[0].loss


def test_the_known_optimum_is_found() -> None:
    """Labels are drawn from the model's own probabilities, whose coefficients are the most likely ones."""
    merge, tower, _ = problem()
    true, images = torch.tensor([[0.9, -0.5]]), images_of(4000, 7)
    features = tower(merge.weights(true), normalise(images))
    drawn = torch.multinomial(
        HEAD.probabilities(features, 5.0), 1, generator=torch.Generator().manual_seed(0)
    )
    learner = replace(LEARNERS["atlas"], rate=0.03, decay=0.0)
    task = LearningTask(images, drawn[:, 0], HEAD)
    *_, last = learned(learner, merge, tower, [task], normalise, 5.0, steps=250, batch=400)
    torch.testing.assert_close(last.coefficients, true, atol=0.1, rtol=0)


def test_coefficients_stay_within_their_bounds() -> None:
    learner = replace(LEARNERS["adamerging"], rate=0.05, bounds=(0.1, 0.6))
    bounded = run(learner, tasks=2)[-1].coefficients
    assert bounded.min() >= 0.1
    assert bounded.max() <= 0.6
    free = run(replace(learner, bounds=None), tasks=2)[-1]
    assert ((free.coefficients < 0.1) | (free.coefficients > 0.6)).any(), "the bounds hold something back"
    assert free.loss < run(learner, tasks=2, steps=1)[0].loss, "and entropy falls without them"


def test_entropy_needs_no_labels() -> None:
    merge, tower, tasks = problem()
    blind = [replace(task, labels=torch.full_like(task.labels, -1)) for task in tasks]
    learner = LEARNERS["adamerging"]

    def last(given: Sequence[LearningTask]) -> Tensor:
        *_, state = learned(learner, merge, tower, given, normalise, 5.0, steps=5)
        return state.coefficients

    assert torch.equal(last(blind), last(tasks))


def test_equal_seeds_give_equal_coefficients_and_others_do_not() -> None:
    learner = LEARNERS["atlas"]
    first, again, other = (run(learner, steps=8, seed=seed)[-1].coefficients for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_resumed_learning_makes_the_same_steps() -> None:
    merge, tower, tasks = problem(2)
    learner = LEARNERS["atlas"]
    whole = run(learner, tasks=2, steps=60)
    rest = learned(learner, merge, tower, tasks, normalise, 5.0, steps=60, resumed=whole[27])
    states = list(rest)
    assert [state.step for state in states] == list(range(28, 61))
    assert torch.equal(states[-1].coefficients, whole[-1].coefficients)
    assert states[-1].images == whole[-1].images


def test_tasks_one_by_one_or_together_give_the_same_step() -> None:
    merge, tower, tasks = problem(3)
    results = []
    for at_once in (1, 48):
        *_, state = learned(LEARNERS["atlas"], merge, tower, tasks, normalise, 5.0, steps=3, at_once=at_once)
        results.append(state.coefficients)
    torch.testing.assert_close(*results)


def test_what_was_done_is_counted() -> None:
    states = run(LEARNERS["atlas"], tasks=2, steps=4)
    assert [state.step for state in states] == [0, 1, 2, 3, 4]
    assert [state.images for state in states] == [0, 32, 64, 96, 128]
    assert torch.equal(states[0].coefficients, torch.zeros(2, 2))
    assert states[-1].seconds > 0


def test_the_pause_may_stop_it() -> None:
    merge, tower, tasks = problem()
    left = iter([None, None])

    def pause() -> None:
        next(left)

    steps = learned(LEARNERS["atlas"], merge, tower, tasks, normalise, 5.0, steps=9, pause=pause)
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(steps)


def test_what_cannot_be_learned_is_refused() -> None:
    merge, tower, tasks = problem()
    learner = LEARNERS["atlas"]
    with pytest.raises(EvaluationError, match="from 1 to"):
        next(learned(learner, merge, tower, tasks, normalise, 5.0, steps=0))
    empty = LearningTask(tasks[0].images[:0], tasks[0].labels[:0], HEAD)
    with pytest.raises(EvaluationError, match="has none"):
        next(learned(learner, merge, tower, [empty], normalise, 5.0, steps=1))
    with pytest.raises(EvaluationError, match="diverge"):
        list(learned(learner, merge, tower, tasks, lambda x: normalise(x) * torch.nan, 5.0, steps=1))


@pytest.mark.parametrize("labels", [True, False])
def test_the_first_step_goes_down_the_gradient_of_finite_differences(labels: bool) -> None:
    """Plain Adam's first step has the sign of the gradient, which is compared in double precision."""
    merge, tower, tasks = problem(2)
    few = [replace(task, images=task.images[:16], labels=task.labels[:16]) for task in tasks]
    learner = replace(LEARNERS["atlas"], labels=labels, decay=0.0, start=0.2, clip=None)
    first, last = learned(learner, merge, tower, few, normalise, 5.0, steps=1)

    def loss(coefficients: Tensor) -> float:
        weights = merge.weights(coefficients).double()
        total = 0.0
        for task in few:
            features = tower(weights, normalise(task.images).double())
            log = ClassifierHead(HEAD.weight.double()).scaled_logits(features, 5.0).log_softmax(dim=1)
            chosen = log[torch.arange(16), task.labels] if labels else (log.exp() * log).sum(dim=1)
            total -= float(chosen.mean())
        return total

    assert first.loss == pytest.approx(loss(first.coefficients) / 2, rel=1e-4)
    for place in torch.cartesian_prod(torch.arange(2), torch.arange(2)).tolist():
        nudge = torch.zeros(2, 2)
        nudge[tuple(place)] = 1e-2
        rise = loss(first.coefficients + nudge) - loss(first.coefficients - nudge)
        moved = float(last.coefficients[tuple(place)] - first.coefficients[tuple(place)])
        assert moved * rise < 0
        assert abs(moved) == pytest.approx(learner.rate, rel=1e-3)
