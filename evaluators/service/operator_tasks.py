"""Tasks of whoever starts the app: images in a folder or zip file that every visitor has as a task."""

import logging
from collections.abc import Sequence
from pathlib import Path

from evaluators.data.own_images.label_table import find_images
from evaluators.data.own_images.open_images import open_images
from evaluators.data.own_images.task_names import DEFAULT_PROMPT, TaskNames, proposed
from evaluators.errors import LabError, TaskError
from evaluators.labs.lab import Lab
from evaluators.labs.own_task import OwnTask
from evaluators.labs.task_import import ImportedTask, import_task
from lines_core.errors import LinesError
from lines_core.untrusted_text import quoted

_LOG = logging.getLogger(__name__)


class PublicTasks:
    """The public tasks of each model.

    Args:
        folder: for their prepared images; they are prepared anew at every start.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sources: list[tuple[str, Path]] = []
        self._tasks: dict[tuple[str, str], OwnTask] = {}

    def of_model(self, model: str) -> tuple[OwnTask, ...]:
        """Those of an encoder, in the order in which they were added."""
        return tuple(task for (of, _), task in self._tasks.items() if of == model)

    def add(self, title: str, path: Path, labs: Sequence[Lab]) -> tuple[str, ...]:
        """Add one for labs that are there; what is to be said of its images for the first of them.

        Raises: TaskError if there is one of this title; else as ``import_task``.
        """
        if title in (known for known, _ in self._sources):
            raise TaskError(f"There are two tasks {quoted(title)}: give each a name of its own.")
        imported = [self._import(title, path, lab) for lab in labs]
        self._sources.append((title, path))
        return imported[0].notes

    def prepare(self, lab: Lab) -> None:
        """Add all of them for another lab; one that fails is logged and left out."""
        for title, path in self._sources:
            known = self._tasks.get((lab.info.key, title))
            if known is not None and known.weights == lab.weights_identity:
                continue
            try:
                self._import(title, path, lab)
            except LinesError as error:
                _LOG.warning("The task %s is left out for %s: %s", title, lab.info.title, error)

    def _import(self, title: str, path: Path, lab: Lab) -> ImportedTask:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LabError(f"The images of {title} cannot be kept: {error.strerror or error}.") from error
        with open_images(path) as files:
            found = find_images(files)
            names = TaskNames.read(title, proposed(found.classes), DEFAULT_PROMPT, found.classes)
            imported = import_task(lab, self._folder, files, found, names, public=True)
        self._tasks[lab.info.key, title] = imported.task
        return imported
