"""AdaMerging and aTLAS: coefficients of a merge, learned by gradient descent through the model (section 5.5).

    theta(c) = theta_0 + sum_t c[t, g] tau_t[g],    one coefficient for each parameter g and task t

AdaMerging minimises the entropy of the predictions on unlabelled images, aTLAS the cross-entropy of the
labels of validation images. Nothing but the coefficients is trained.
"""

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.functional_tower import FunctionalTower
from evaluators.errors import EvaluationError
from lines_core.learned_coefficients import WeightedMerge

BATCH = 16
"""Images of each task a step, of both methods."""
MAX_STEPS = 5000


@dataclass(frozen=True)
class Learner:
    """One of the two methods.

    Args:
        title: name on screen.
        labels: whether it sees the labels of its images.
        start: of every coefficient.
        rate: learning rate of AdamW.
        decay: weight decay of AdamW; 0 is Adam.
        bounds: that coefficients are clamped to in every forward pass; None leaves them free.
        clip: greatest norm of the gradient; None leaves it as it is.
        steps: of gradient descent.
        source: paper, and file of the authors where the paper leaves something open.
    """

    title: str
    labels: bool
    start: float
    rate: float
    decay: float
    bounds: tuple[float, float] | None
    clip: float | None
    steps: int
    source: str


LEARNERS: Mapping[str, Learner] = MappingProxyType(
    {
        "adamerging": Learner(
            "AdaMerging",
            labels=False,
            start=0.3,
            rate=1e-3,
            decay=0.0,
            bounds=(0.0, 1.0),
            clip=None,
            steps=500,
            # its code takes two batches of 16 a step, the paper says 16
            source="arXiv:2310.02575; bounds: EnnengYang/AdaMerging src/main_layer_wise_adamerging.py",
        ),
        "atlas": Learner(
            "aTLAS",
            labels=True,
            start=0.0,
            rate=1e-2,  # at the code's 1e-3, AdamW could not bring a coefficient beyond 0.25 in these steps
            decay=0.1,
            bounds=None,
            clip=1.0,
            steps=250,
            source="arXiv:2407.02880; start, decay and clip: fredzzhang/atlas src/learn_task_addition.py",
        ),
    }
)


@dataclass(frozen=True)
class LearningTask:
    """What one task contributes to the loss.

    Args:
        images: uint8 (n, 3, S, S).
        labels: (n,); not read by a method without labels.
        head: of its classes, on the device of the weights.
    """

    images: Tensor
    labels: Tensor
    head: ClassifierHead


@dataclass(frozen=True)
class LearningState:
    """The state after a number of steps.

    Args:
        step: steps so far; 0 before the first.
        loss: mean over the tasks in the last step, in nats; of the start, that of the first batch.
        coefficients: (T, G), as the forward pass uses them; a copy.
        images: images that went through the encoder, forwards and backwards.
        seconds: in steps so far, without the time in which the caller held the state.
        optimiser: what ``learned`` goes on from, with ``resumed``; plain values and tensors.
    """

    step: int
    loss: float
    coefficients: Tensor
    images: int
    seconds: float
    optimiser: Mapping[str, Any]


def learned(
    learner: Learner,
    merge: WeightedMerge,
    tower: FunctionalTower,
    tasks: Sequence[LearningTask],
    normalise: Callable[[Tensor], Tensor],
    temperature: float,
    *,
    steps: int,
    seed: int = 0,
    batch: int = BATCH,
    at_once: int = BATCH,
    pause: Callable[[], None] = lambda: None,
    resumed: LearningState | None = None,
) -> Iterator[LearningState]:
    """Learn the coefficients; yields the state at each step, the last one after ``steps``.

    Args:
        merge: of the residuals.
        tower: the encoder of ``merge``'s weights.
        normalise: from images to the encoder's input.
        temperature: s = exp(logit_scale).
        seed: of the order of the images; equal seeds give equal coefficients on one machine.
        batch: images of each task a step.
        at_once: images in a forward pass, at least those of one task: bounds the memory.
        pause: called before each forward pass; may wait, or raise to stop.
        resumed: a state of the same learning, to go on from with the very same steps.
    Raises: EvaluationError if a task has no images, the number of steps is out of range, or a loss is not
        finite.
    Cost: a step is a pass over all residuals, a forward and a backward pass of ``batch`` images a task, and
        another pass over all residuals.
    """
    if not tasks or not all(len(task.images) for task in tasks):
        raise EvaluationError("Coefficients are learned from images: a task has none.")
    if not 0 < steps <= MAX_STEPS:
        raise EvaluationError(f"The number of steps is from 1 to {MAX_STEPS}, got {steps}.")
    generator = torch.Generator().manual_seed(seed)
    orders = [_rows(len(task.images), batch, generator) for task in tasks]
    start = torch.full(merge.shape, learner.start)
    raw = start.clone().requires_grad_()
    optimiser = torch.optim.AdamW([raw], lr=learner.rate, weight_decay=learner.decay)
    together = max(1, at_once // batch)
    done, loss, images, seconds = 0, 0.0, 0, 0.0
    if resumed is not None:
        done, images, seconds = resumed.step, resumed.images, resumed.seconds
        raw.data.copy_(resumed.optimiser["raw"])
        optimiser.load_state_dict({key: resumed.optimiser[key] for key in ("state", "param_groups")})
        for order in orders * done:
            next(order)
    for step in range(done, steps):
        began = time.perf_counter()
        coefficients = raw if learner.bounds is None else raw.clamp(*learner.bounds)
        weights = merge.weights(coefficients.detach()).requires_grad_()
        losses = []
        for first in range(0, len(tasks), together):
            pause()
            part = tasks[first : first + together]
            rows = [next(order) for order in orders[first : first + together]]
            pixels = [task.images[chosen] for task, chosen in zip(part, rows, strict=True)]
            features = tower(weights, normalise(torch.cat(pixels)).float())
            own = torch.split(features, [len(chosen) for chosen in rows])
            mine = [
                _loss(task, feature, chosen, learner.labels, temperature)
                for task, feature, chosen in zip(part, own, rows, strict=True)
            ]
            torch.autograd.backward(torch.stack(mine).sum())
            losses += [float(one.detach()) for one in mine]
            images += len(features)
        loss = sum(losses) / len(losses)
        if not torch.isfinite(torch.tensor(loss)):
            raise EvaluationError(f"The loss is {loss} at step {step + 1}: the coefficients diverge.")
        if step == 0:
            yield LearningState(0, loss, start, 0, 0.0, {})
        assert weights.grad is not None
        optimiser.zero_grad()
        torch.autograd.backward(coefficients, merge.gradient(weights.grad).to(raw))
        if learner.clip is not None:
            torch.nn.utils.clip_grad_norm_([raw], learner.clip)
        optimiser.step()
        now = raw.detach() if learner.bounds is None else raw.detach().clamp(*learner.bounds)
        seconds += time.perf_counter() - began
        kept = copy.deepcopy(optimiser.state_dict()) | {"raw": raw.detach().clone()}
        yield LearningState(step + 1, loss, now.clone(), images, seconds, kept)


@torch.no_grad()
def counted(
    tower: FunctionalTower,
    weights: Tensor,
    tasks: Sequence[LearningTask],
    normalise: Callable[[Tensor], Tensor],
    at_once: int,
    pause: Callable[[], None] = lambda: None,
) -> Iterator[tuple[tuple[int, int], ...]]:
    """Correct predictions and images of each task under flat weights; yields them as they grow.

    Args, Raises: as ``learned``.
    """
    correct, n = [0] * len(tasks), [0] * len(tasks)
    most = max(len(task.images) for task in tasks)
    size = max(1, at_once // len(tasks))
    for start in range(0, most, size):
        for number, task in enumerate(tasks):
            pixels = task.images[start : start + size]
            if not len(pixels):
                continue
            pause()
            predicted = task.head.predict(tower(weights, normalise(pixels).float()))
            correct[number] += int((predicted == task.labels[start : start + size]).sum())
            n[number] += len(pixels)
        yield tuple(zip(correct, n, strict=True))


def _loss(task: LearningTask, features: Tensor, rows: Tensor, labels: bool, temperature: float) -> Tensor:
    """Mean over a task's images of the cross-entropy of their labels, or of the entropy of the prediction."""
    logits = task.head.scaled_logits(features, temperature)
    if labels:
        return F.cross_entropy(logits, task.labels[rows.to(task.labels.device)])
    log = logits.log_softmax(dim=1)
    return -(log.exp() * log).sum(dim=1).mean()


def _rows(count: int, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Rows of one batch after the other, each epoch in another order; the rest of an epoch is left out."""
    size = min(batch, count)
    while True:
        order = torch.randperm(count, generator=generator)
        yield from torch.split(order[: count - count % size], size)
