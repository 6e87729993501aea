"""Class probabilities of single images: a visitor's own, or one of a task."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluators.data.image_batches import TaskSlice
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.engine.engine import EncodingEngine
from evaluators.errors import SpecError
from evaluators.labs.lab import Lab
from evaluators.service.scheduler import Priority, Scheduler
from evaluators.service.shared_counts import Request
from evaluators.specs.class_names import ClassNames
from evaluators.specs.resolved_spec import ResolvedSpec
from lines_core.untrusted_text import quoted


@dataclass(frozen=True)
class Probabilities:
    """What some models make of one image.

    Args:
        classes: names of the C classes.
        models: of each model the probability of each class.
    """

    classes: tuple[str, ...]
    models: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class TaskImages:
    """The first images of a task, in the order in which they are counted.

    Args:
        key, title: of the task.
        classes: its class names.
        labels: class of each image.
        pixels: uint8 of shape (n, 3, S, S).
    """

    key: str
    title: str
    classes: tuple[str, ...]
    labels: tuple[int, ...]
    pixels: Tensor


def task_images(lab: Lab, suite: str, split: str, most: int) -> tuple[TaskImages, ...]:
    """The first images of each task of a suite, ``most`` of each as far as there are so many."""
    images = lab.images(suite, split)
    found = []
    for index, task in enumerate(lab.tasks_with_images(suite, split)):
        part = TaskSlice(index, 0, images.counts(most)[index])
        labels = tuple(images.labels(part).tolist())
        found.append(TaskImages(task.key, task.title, task.classes, labels, images.pixels(part)))
    return tuple(found)


class ImageClassifier:
    """Classifies single images with edits. Any method may be called from any thread.

    Args:
        scheduler: gives turns, one a model.
        engine: that encodes.
    """

    def __init__(self, scheduler: Scheduler, engine: EncodingEngine) -> None:
        self._scheduler = scheduler
        self._engine = engine

    def probabilities(
        self,
        requests: Sequence[Request],
        pixels: Tensor,
        names: ClassNames | str,
        patience: float | None,
        background: bool,
    ) -> Probabilities:
        """Class probabilities of one image under each request's model.

        Args:
            requests: of one lab.
            pixels: uint8 of shape (3, S, S).
            names: classes to choose between, or the key of a task.
            patience: seconds to wait for each turn.
            background: with the lowest priority.
        Raises: SpecError for an unknown task; Queued after ``patience``; Superseded; LabError,
            CheckpointError or DeviceError if encoding fails.
        """
        priority = Priority.BACKGROUND if background else Priority.MOVING
        lab, found = requests[0].lab, []
        for request in requests:
            classes, head = _head(lab, request.resolved, names)
            features = self._features(request, pixels, priority, patience)
            with torch.inference_mode():
                [row] = head.probabilities(features, lab.encoder.temperature).tolist()
            found.append(tuple(row))
        return Probabilities(classes, tuple(found))

    def _features(
        self, request: Request, pixels: Tensor, priority: Priority, patience: float | None
    ) -> Tensor:
        ticket = request.ticket
        with closing(self._engine.load(request.lab, request.resolved, ())) as edit, ExitStack() as stack:
            stack.enter_context(edit.ready(ticket.check, patience))
            if self._engine.exclusive:
                stack.enter_context(self._scheduler.turn(ticket, priority, patience))
            self._scheduler.check(ticket)
            return edit.encode(pixels[None])


def _head(
    lab: Lab, resolved: ResolvedSpec, names: ClassNames | str
) -> tuple[tuple[str, ...], ClassifierHead]:
    if isinstance(names, ClassNames):
        return names.names, lab.typed_heads.get(names)
    tasks = lab.tasks(resolved.suite)
    for task, head in zip(tasks, lab.heads_for(resolved), strict=True):
        if task.key == names:
            return task.classes, head
    raise SpecError(f"There is no task {quoted(names)}: pick one of {', '.join(task.key for task in tasks)}.")
