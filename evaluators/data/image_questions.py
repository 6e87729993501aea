"""Further questions about the images that ship, such as their colour or place: tasks of their own.

An image that does not show what a question asks about is left out of its task.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from evaluators.data.image_subset import Subset, balanced_order
from evaluators.data.task_list import Task, read_tasks
from evaluators.errors import LabError

QUESTIONS = "questions.json"
NOT_SHOWN = -1


@dataclass(frozen=True)
class ImageQuestion:
    """A task on images of another one.

    Args:
        task: its classes and prompts.
        images: key of the task whose images they are.
        labels: by split, one for each of those images in the order of ``load_subset``: a position in the
            classes, or ``NOT_SHOWN``.
    """

    task: Task
    images: str
    labels: Mapping[str, tuple[int, ...]]

    def count(self, split: str) -> int:
        """Images that show what is asked about."""
        return sum(label != NOT_SHOWN for label in self.labels.get(split, ()))

    def subset(self, split: str, source: Subset) -> Subset:
        """Those images, balanced by class as in ``load_subset``; their pixels are copied.

        Args:
            source: all images of the split.
        Raises: LabError if there are more or fewer of them than labels.
        """
        labels = self.labels.get(split, ())
        if len(labels) != len(source):
            raise LabError(
                f"The question {self.task.key!r} has {len(labels)} labels for the {len(source)} {split} "
                f"images of {self.images!r}: {QUESTIONS} belongs to other images."
            )
        shown = [row for row, label in enumerate(labels) if label != NOT_SHOWN]
        order = balanced_order([labels[row] for row in shown], f"{self.task.key}-{split}")
        rows = [shown[position] for position in order]
        return Subset(source.images[rows], torch.tensor([labels[row] for row in rows]))


def read_image_questions(path: Path) -> tuple[ImageQuestion, ...]:
    """The questions of a file, none if it is absent.

    Raises: LabError as ``read_tasks``, or if a question has no labels of its classes.
    """
    if not path.is_file():
        return ()
    tasks = read_tasks(path)
    entries = json.loads(path.read_text(encoding="utf-8"))["tasks"]
    return tuple(_question(task, entry) for task, entry in zip(tasks, entries, strict=True))


def _question(task: Task, entry: Mapping[str, object]) -> ImageQuestion:
    images, splits = entry.get("images"), entry.get("labels")
    if not isinstance(images, str) or not isinstance(splits, dict):
        raise LabError(f"The question {task.key!r} needs images, the key of a task, and labels by split.")
    allowed = range(NOT_SHOWN, len(task.classes))
    for split, labels in splits.items():
        if not isinstance(labels, list) or any(type(one) is not int or one not in allowed for one in labels):
            raise LabError(
                f"The {split} labels of the question {task.key!r} must be whole numbers from {NOT_SHOWN} to "
                f"{len(task.classes) - 1}."
            )
    return ImageQuestion(task, images, {split: tuple(labels) for split, labels in splits.items()})
