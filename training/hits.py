"""Which images the models of a studio name correctly, and comparisons over several models."""

from collections.abc import Mapping

import torch
from torch import Tensor

from evaluators import Evaluation, Studio
from evaluators.specs.image_hits import (
    Hits,
    TaskHits,
)
from evaluators.specs.intervals import Z95

EVERY = 10**9
"""More images than there are."""


def task_hits(studio: Studio, evaluation: Evaluation) -> dict[str, Hits]:
    """The hits of an evaluation that holds its predictions."""
    images = studio.images_of(evaluation.spec, EVERY)
    return {
        task.key: Hits.of(list(drawn.labels), evaluation.predicted(index))
        for index, (task, drawn) in enumerate(zip(evaluation.tasks, images, strict=True))
    }


def change_over_models(
    before: Mapping[str, TaskHits], after: Mapping[str, TaskHits], control: bool
) -> tuple[float, float, float]:
    """Mean target or control accuracy over checkpoints, after minus before, and its 95 % interval.

        d +- z sqrt(sum_t var(d_ti) / n_t) / T,   d_ti: image i of task t, mean over the checkpoints

    Checkpoints share their control images: these count once.

    Args:
        before, after: hits on all tasks, by the target task of the checkpoint.
    """
    by_task: dict[str, list[Tensor]] = {}
    for target, hits in before.items():
        for task in hits:
            if (task != target) == control:
                by_task.setdefault(task, []).append(after[target][task].ones() - hits[task].ones())
    images = [torch.stack(differences).mean(dim=0) for differences in by_task.values()]
    value = sum(float(task.mean()) for task in images) / len(images)
    spread = Z95 * sum(float(task.var()) / len(task) for task in images) ** 0.5 / len(images)
    return value, value - spread, value + spread
