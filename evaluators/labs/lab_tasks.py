"""What a lab evaluates on: tasks with images and heads, built in or added, loaded on first use."""

import copy
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from evaluators.data.image_batches import ImageBatches, TaskBatches
from evaluators.data.image_subset import Subset
from evaluators.data.task_list import Task
from evaluators.encoder.typed_heads import TypedHeads
from evaluators.errors import SpecError
from evaluators.labs.own_task import OWN_TASK, OwnTask

VIEWS_KEPT = 32
"""Views with own tasks whose images stay open."""
Self = TypeVar("Self", bound="LabTasks")
Value = TypeVar("Value")


class TaskView(NamedTuple):
    """What a view of a lab has besides the built-in tasks, or in place of them."""

    own: tuple[OwnTask, ...] = ()
    only_own: bool = False


class LabTasks(ABC):
    """The tasks of a lab, or of a view of it in which a visitor has added some. Thread-safe.

    Views share what is loaded, and what is loaded of the built-in tasks.

    Args:
        device: where images and heads live.
        chunk: images a chunk over all tasks.
    """

    def __init__(self, device: torch.device, chunk: int) -> None:
        self.device = device
        self.chunk = chunk
        self._loading = threading.RLock()  # held for seconds while the encoder or images are loaded
        self._images: dict[tuple[str, ...], ImageBatches] = {}
        self._heads: dict[tuple[str, ...], tuple[Tensor, ...]] = {}
        self._own_tasks: tuple[OwnTask, ...] = ()
        self._only_own = False
        self.typed_heads = TypedHeads(lambda names: self.new_head(names.names, (names.template,)))

    # What a subclass provides

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """Of the image tower."""

    @abstractmethod
    def _built_in_tasks(self, suite: str) -> tuple[Task, ...]:
        """The built-in tasks of a suite."""

    @abstractmethod
    def _count(self, task: Task, split: str) -> int:
        """Number of images of a built-in task in a split. Raises: LabError if a file is damaged."""

    @abstractmethod
    def _subset(self, task: Task, split: str) -> Subset:
        """Images of a built-in task and split. Raises: LabError."""

    @abstractmethod
    def _head(self, task: Task) -> Tensor:
        """Zero-shot head of a built-in task, (D, classes)."""

    @abstractmethod
    def new_head(self, classes: Sequence[str], prompts: Sequence[str]) -> Tensor:
        """Zero-shot head of other class names. Cost: a pass of the text tower over each prompt of each."""

    @abstractmethod
    def _normalisation(self) -> tuple[Sequence[float], Sequence[float]]:
        """Mean and standard deviation a channel, of images in [0, 1]."""

    # Tasks

    def tasks(self, suite: str) -> tuple[Task, ...]:
        """Tasks that are evaluated together, in the order of every ``Evaluation``: built-in ones first."""
        built_in = () if self._only_own else self._built_in_tasks(suite)
        return (*built_in, *(own.task for own in self.own_tasks(suite)))

    def count(self, task: Task, split: str) -> int:
        """Number of images of a task in a split. Raises: LabError if a file is damaged."""
        own = next((own for own in self._own_tasks if own.task.key == task.key), None)
        return self._count(task, split) if own is None else own.counts[split]

    def tasks_with_images(self, suite: str, split: str) -> tuple[Task, ...]:
        """Tasks of a suite that have images in a split: shifted data sets have only a test split."""
        return tuple(task for task in self.tasks(suite) if self.count(task, split))

    def max_images(self, suite: str, split: str, needed: Sequence[str] = ()) -> int:
        """Largest number of images that a task of a suite has.

        Args:
            needed: keys of the tasks that must have images; all by default.
        Raises: SpecError if one of these has none.
        """
        counts = {task.key: self.count(task, split) for task in self.tasks(suite)}
        if absent := [key for key, count in counts.items() if not count and (key in needed or not needed)]:
            raise SpecError(
                f"There are no {split!r} images for {', '.join(absent)}: "
                f"suite {suite!r} can only be evaluated on another split."
            )
        return max(counts.values())

    def own_tasks(self, suite: str) -> tuple[OwnTask, ...]:
        """The tasks of a suite that are not built in."""
        return tuple(own for own in self._own_tasks if own.task.suite == suite)

    @property
    def view(self) -> TaskView:
        """Which tasks this is a view of."""
        return TaskView(self._own_tasks, self._only_own)

    def seen_as(self: Self, view: TaskView) -> Self:
        """This lab with other tasks that are not built in; it shares what is loaded."""
        other = copy.copy(self)
        other._own_tasks, other._only_own = view
        return other

    def built_in(self: Self) -> Self:
        """This lab without the tasks that are not built in."""
        return self.seen_as(TaskView())

    def only_own(self: Self) -> Self:
        """This lab with no other tasks than those."""
        return self.seen_as(TaskView(self._own_tasks, only_own=True))

    # Loaded on first use

    def batches(self, suite: str, split: str) -> TaskBatches:
        """What is counted of a suite and split: images, unless the lab is of texts. Raises: LabError."""
        return self.images(suite, split)

    def images(self, suite: str, split: str) -> ImageBatches:
        """Images of a suite and split, of the tasks that have some. Raises: LabError."""
        own = self.own_tasks(suite)
        names = (suite, split, *(one.task.key for one in own), *("only",) * self._only_own)
        with self._loading:
            if names not in self._images:
                _keep(self._images, names, self._load_images(suite, split, own))
            return self._images[names]

    def _load_images(self, suite: str, split: str, own: Sequence[OwnTask]) -> ImageBatches:
        if own:
            built_in = self.built_in().images(suite, split)
            return built_in.with_more([one.subset(split) for one in own], alone=self._only_own)
        subsets = [self._subset(task, split) for task in self.tasks_with_images(suite, split)]
        return ImageBatches(subsets, *self._normalisation(), self.device, self.dtype, self.chunk)

    def heads(self, suite: str) -> tuple[Tensor, ...]:
        """Zero-shot heads of a suite's tasks, (D, classes) each."""
        own = self.own_tasks(suite)
        names = (suite, *(one.task.key for one in own))
        with self._loading:
            if names not in self._heads:
                built_in = self.built_in().heads(suite) if own else map(self._head, self.tasks(suite))
                _keep(self._heads, names, (*built_in, *(one.head().to(self.device) for one in own)))
            return self._heads[names][-len(own) if self._only_own else 0 :]

    def forget_task(self, key: str) -> None:
        """Drop what is loaded of a task that a visitor has deleted."""
        with self._loading:
            for loaded in (self._images, self._heads):
                for names in [names for names in loaded if key in names]:
                    del loaded[names]


def _keep(loaded: dict[tuple[str, ...], Value], names: tuple[str, ...], value: Value) -> None:
    """Keep what is loaded, of visitors' tasks only the newest."""
    loaded[names] = value
    own = [names for names in loaded if any(name.startswith(OWN_TASK) for name in names)]
    for names in own[:-VIEWS_KEPT]:
        del loaded[names]
