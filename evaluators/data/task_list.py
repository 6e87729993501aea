"""Zero-shot classification tasks with class names and prompt templates, read from ``tasks.json``."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from evaluators.errors import LabError

IMAGENET = "imagenet"
LANGUAGE = "language"
SUITES = ("tasks", "objects", IMAGENET, LANGUAGE)


@dataclass(frozen=True)
class Task:
    """A zero-shot classification task.

    Args:
        key: file-name-safe identifier, also the name of the checkpoint fine-tuned on it.
        title: name on the page.
        suite: tasks that are evaluated together: ``"tasks"`` for the eight of Table 1, ``"objects"`` for the
            in-distribution set of robust fine-tuning and its five shifts, ``"imagenet"`` for ImageNet,
            ``"language"`` for questions on texts.
        classes: English class names in label order. ImageNet has two names twice (missile, sunglasses); a
            zero-shot head never predicts the second of two equal names.
        prompts: templates with one ``{}`` for the class name.
        blurb: one sentence about its images.
        mirrors: the data set of the paper that it imitates.
    """

    key: str
    title: str
    suite: str
    classes: tuple[str, ...]
    prompts: tuple[str, ...]
    blurb: str = ""
    mirrors: str = ""

    def __post_init__(self) -> None:
        if self.suite not in SUITES:
            raise LabError(f"Task {self.key!r} is in suite {self.suite!r}, expected one of {SUITES}.")
        doubles = self.suite != IMAGENET and len(set(self.classes)) != len(self.classes)
        if len(self.classes) < 2 or doubles:
            raise LabError(f"Task {self.key!r} needs at least two classes, each once, got {self.classes}.")
        if not self.prompts or any(prompt.count("{}") != 1 for prompt in self.prompts):
            raise LabError(f"Task {self.key!r} needs prompts with exactly one {{}}, got {self.prompts}.")


def read_tasks(path: Path) -> tuple[Task, ...]:
    """The tasks of a ``tasks.json``, in the order of every figure.

    Raises: LabError if the file is absent, is not JSON, or lists something that is not a task.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LabError(f"{path} is absent: the lab has no list of tasks.") from error
    except ValueError as error:
        raise LabError(f"{path} is not JSON: {error}") from error
    try:
        tasks = tuple(_task(entry) for entry in plain["tasks"])
    except (KeyError, TypeError) as error:
        raise LabError(f"{path} does not list tasks: {error!r}") from error
    keys = [task.key for task in tasks]
    if len(set(keys)) != len(keys):
        raise LabError(f"{path} lists a task twice: {keys}.")
    return tasks


def in_suite(tasks: Iterable[Task], suite: str) -> tuple[Task, ...]:
    """The tasks of one suite, in the given order."""
    return tuple(task for task in tasks if task.suite == suite)


def task_identity(tasks: Sequence[Task]) -> str:
    """The fields of tasks that decide counts, as JSON: titles and blurbs may change."""
    return json.dumps([(task.key, task.suite, task.classes, task.prompts) for task in tasks])


def _task(entry: dict[str, Any]) -> Task:
    known = {field.name for field in fields(Task)}
    values = {key: value for key, value in entry.items() if key in known}
    for name in ("classes", "prompts"):
        values[name] = tuple(map(str, values[name]))
    return Task(**values)
