"""Import of a task that is not built in: images decoded, head made, both saved, then the task exists."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evaluators.data.image_subset import Subset
from evaluators.data.own_images.image_source import ImageSource, said_skipped
from evaluators.data.own_images.listed_images import ListedImages
from evaluators.data.own_images.own_subsets import (
    MOST_IMAGES,
    OwnSubsets,
    decode_subsets,
    said_widths,
)
from evaluators.data.own_images.task_names import TaskNames
from evaluators.data.task_list import Task
from evaluators.errors import Cancelled
from evaluators.labs.lab import Lab
from evaluators.labs.own_task import OWN_TASK, OwnTask, save_own_task

_SECRET = 20
"""Hexadecimal digits of a key: short enough for the key of a checkpoint to end with it, and not guessable."""
_IMPORTS = threading.Lock()
"""Images are decoded for one visitor at a time, since they take memory."""


@dataclass(frozen=True)
class ImportedTask:
    """A task that was added, and what is to be said of it.

    Args:
        notes: sentences on its images: how many, how sure, what was left out.
    """

    task: OwnTask
    notes: tuple[str, ...]


def import_task(
    lab: Lab,
    folder: Path,
    files: ImageSource,
    found: ListedImages,
    names: TaskNames,
    progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
    *,
    public: bool = False,
) -> ImportedTask:
    """Make a task of the images of a source, for a lab's encoder.

    Args:
        folder: for its file. Its secret name goes into the key of a task that is not public.
        found: the images of ``files``.
        progress: called with images done and in total, from the calling thread.
        stop: ends the import when set.
    Raises: TaskError if they do not make a task; LabError if the disk is full; Cancelled. Nothing is left
        then.
    Cost: 2 ms a photo, and a pass of the text tower over each prompt of each class.
    """

    def report(done: int, total: int) -> None:
        if stop is not None and stop.is_set():
            raise Cancelled("The page was closed before the images were read.")
        if progress is not None:
            progress(done, total)

    with _IMPORTS:
        chosen = names.chosen(found)
        subsets = decode_subsets(files, chosen, lab.info.image_size, report, title=names.title)
        return save_task(lab, folder, subsets, names, public=public)


def save_task(
    lab: Lab, folder: Path, subsets: OwnSubsets, names: TaskNames, *, public: bool = False
) -> ImportedTask:
    """Make a task of decoded images. Args, Raises: as ``import_task``."""
    identity = _identity(subsets.splits["val"], subsets.splits["test"])
    named = repr((identity, names, "" if public else folder.name)).encode()
    key = f"{OWN_TASK}{hashlib.sha256(named).hexdigest()[:_SECRET]}"
    classes = tuple(name for _, name in names.classes)
    task = Task(key, names.title, lab.own_suite, classes, names.prompts, mirrors=names.title)
    path = folder / f"{key}-{lab.info.key}.safetensors"
    save_own_task(path, subsets.splits, lab.new_head(task.classes, task.prompts))
    test, val = subsets.splits["test"], subsets.splits["val"]
    own = OwnTask(task, path, len(val), len(test), lab.weights_identity, identity, public)
    notes = [
        f"{len(classes)} classes, {len(val):,} validation and {len(test):,} test images.",
        said_widths(test, classes),
    ]
    if subsets.skipped:
        notes.append(f"Left out: {said_skipped(subsets.skipped)}.")
    return ImportedTask(own, tuple(notes))


def most_bytes(lab: Lab) -> int:
    """Of the file of a task at most."""
    return 2 * MOST_IMAGES * (3 * lab.info.image_size**2 + 8) + (4 << 20)


def _identity(*subsets: Subset) -> str:
    digest = hashlib.sha256()
    for subset in subsets:
        digest.update(repr(tuple(subset.images.shape)).encode())
        digest.update(subset.images.contiguous().numpy().data)
        digest.update(subset.labels.contiguous().numpy().data)
    return digest.hexdigest()
