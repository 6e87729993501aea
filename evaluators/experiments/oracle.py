"""The authors' notebook, run again: three models on eight tasks, beside the figures stored in it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import TaskResult
from evaluators.zoo.notebook_figures import FAMILY, GAMMA, MODEL, NOTEBOOK, OTHER_SETS, TASK
from evaluators.zoo.public_tasks import TASKS

SAME_IMAGES = 0.003
"""Difference between two programs on the same images: resizing and rounding."""
Z = 1.96
"""Of the 95 % interval of one figure."""
CHECKPOINT = f"{FAMILY}.{TASK}"


@dataclass(frozen=True)
class OracleFigure:
    """One accuracy beside the authors', fractions in [0, 1].

    Args:
        model: "zero-shot", "fine-tuned" or "LiNeS".
        task: the measured one.
        published: in the notebook.
        tolerance: largest difference that the two test sets allow.
        other_set: the two test sets, or their class names, differ.
    """

    model: str
    task: TaskResult
    published: float
    tolerance: float
    other_set: bool

    @property
    def agrees(self) -> bool:
        """Whether the two differ by no more than the tolerance."""
        return abs(self.task.accuracy - self.published) <= self.tolerance


def oracle(studio: Studio, figures: Mapping[tuple[str, str], float] = NOTEBOOK) -> Iterator[OracleFigure]:
    """Yield the figures of one model after the other, on all loaded test images.

    Args:
        studio: with the notebook's encoder, checkpoint and tasks loaded; tasks that are not are left out.
        figures: by model and task.
    Raises: SpecError if the checkpoint is not loaded.
    Cost: three evaluations; cached ones cost nothing.
    """
    rest = {"model": MODEL, "images": ALL_IMAGES}
    specs = {
        "zero-shot": EditSpec.pretrained(CHECKPOINT, **rest),
        "fine-tuned": EditSpec.finetuned(CHECKPOINT, **rest),
        "LiNeS": EditSpec.lines(CHECKPOINT, GAMMA, **rest),
    }
    for model, spec in specs.items():
        for task in studio.evaluate(spec).tasks:
            if (model, task.key) in figures:
                figure = figures[model, task.key]
                allowed = tolerance(task.key, task.n, figure)
                yield OracleFigure(model, task, figure, allowed, task.key in OTHER_SETS)


def tolerance(task: str, n: int, published: float) -> float:
    """Largest difference of an accuracy from the published one that the two test sets allow.

        1.96 sqrt(p (1 - p) (1/n + 1/m)) + 0.003

    1/n, of our images, is left out where they are the authors' whole test set, and 1/m, of theirs, where they
    are the same set.

    >>> round(tolerance("mnist", 10000, 0.4826), 4)
    0.003
    >>> round(tolerance("mnist", 256, 0.4826), 4)
    0.0642
    >>> round(tolerance("eurosat", 2700, 0.465), 4)
    0.0305
    """
    drawn = 1 / OTHER_SETS[task] if task in OTHER_SETS else 0.0
    if drawn or n < TASKS[task].test_size:
        drawn += 1 / n
    return Z * math.sqrt(published * (1 - published) * drawn) + SAME_IMAGES
