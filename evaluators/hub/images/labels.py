"""Mapping of a data set's labels to positions in a task's list of classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluators.errors import HubError
from evaluators.zoo.public_tasks import HubTask
from lines_core.untrusted_text import excerpt, first_of, quoted


def check_names(task: HubTask, names: Sequence[str] | None) -> None:
    """Check the number of classes of a data set; its names for them are ignored.

    Raises: HubError if the task expects another number.
    """
    expected = task.num_classes if task.relabel is None else len(task.relabel)
    if names is not None and len(names) != expected:
        first = excerpt(first_of(names), 200)
        raise HubError(
            f"{task.repo} has {len(names)} classes ({first}), task {task.key!r} expects {expected}: "
            "the data set has changed, or another configuration is needed."
        )


def classes_of(
    task: HubTask, labels: Sequence[object], file: str, values: Sequence[str] = ()
) -> NDArray[np.int64]:
    """The position in ``task.classes`` of each label, int64 of shape (rows,).

    Args:
        labels: whole numbers or booleans; anything whose text is one of `values`, if there are any.
        file: that they are from, for the message.
        values: of a column without class names, each the label of its position.
    Raises: HubError for another type, or a number that is no class.
    """
    expected = task.num_classes if task.relabel is None else len(task.relabel)
    if values:
        numbers = {value: number for number, value in enumerate(values)}
        labels = [numbers.get(str(label), label) for label in labels]
    for row, label in enumerate(labels):
        if not isinstance(label, int) or not 0 <= label < expected:
            raise HubError(
                f"{file} of {task.repo} has the label {quoted(label)} in column {task.label_column!r}, task "
                f"{task.key!r} expects whole numbers from 0 to {expected - 1} (row {row} of its row group)."
            )
    positions = np.array(labels, dtype=np.int64)
    return positions if task.relabel is None else np.array(task.relabel, dtype=np.int64)[positions]
