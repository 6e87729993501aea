"""Specification of a merge: its checkpoints, method and settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluators.errors import SpecError
from lines_core.errors import MergeError
from lines_core.merging import METHODS, complete_settings
from lines_core.untrusted_text import excerpt, first_names, quoted

MAX_CHECKPOINTS = 100
MAX_WEIGHT = 10.0
_LARGEST_SETTING = 1e300
"""Above the range of every setting, and below the largest float."""
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.IGNORECASE | re.ASCII)
"""Valid names of models, checkpoints and tasks: no paths, no look-alike letters."""


def task_of(checkpoint: str) -> str:
    """Key of the task that a checkpoint was fine-tuned on: the part after the last dot of its key."""
    return checkpoint.rpartition(".")[2]


@dataclass(frozen=True)
class MergeSpec:
    """A merged residual.

    Args:
        checkpoints: keys; sorted, so that equal merges are equal values. A single one is allowed.
        method: a key of ``lines_core.merging.METHODS``.
        settings: of the method, as (name, value) pairs; absent ones get their defaults.
        task: for methods that make one model per task, the key of that task's checkpoint; else empty.
        weights: factor on each checkpoint's task vector before the merge, in the order of ``checkpoints``;
            empty if all are 1.
    Raises: SpecError for an invalid name, an unknown method, a repeated checkpoint, an unknown setting or one
        out of range, another number of checkpoints than the method takes, a task that the method does not
            take or lacks, and weights that are not one number from -10 to 10 a checkpoint.
    """

    checkpoints: tuple[str, ...]
    method: str = "sum"
    settings: tuple[tuple[str, float], ...] = ()
    task: str = ""
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        names = self.checkpoints
        if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
            raise SpecError(f"checkpoints must be a list of names, got {quoted(names)}.")
        if not 1 <= len(names) <= MAX_CHECKPOINTS or not all(NAME.fullmatch(name) for name in names):
            raise SpecError(
                f"A merge takes 1 to {MAX_CHECKPOINTS} checkpoints, each a short name, "
                f"got {first_names(names)}."
            )
        if len(set(names)) != len(names):
            raise SpecError(f"List each checkpoint only once, got {first_names(sorted(names))}.")
        if not isinstance(self.method, str) or self.method not in METHODS:
            raise SpecError(f"method must be one of {', '.join(METHODS)}, got {quoted(self.method)}.")
        try:
            given = dict(self.settings)
            for name, value in given.items():
                _check_setting(name, value)
            settings = complete_settings(self.method, given)
        except (MergeError, TypeError, ValueError) as error:
            raise SpecError(f"{METHODS[self.method].title}: {excerpt(str(error))}") from error
        try:
            METHODS[self.method].check_count(len(names))
        except MergeError as error:
            raise SpecError(str(error)) from error
        if not isinstance(self.task, str):
            raise SpecError(f"task must be the name of a checkpoint, got {quoted(self.task)}.")
        if METHODS[self.method].per_task and self.task not in names:
            raise SpecError(
                f"{METHODS[self.method].title} makes one model per task: name the checkpoint of the task, "
                f"one of {first_names(sorted(names))}, got {quoted(self.task)}."
            )
        if self.task and not METHODS[self.method].per_task:
            raise SpecError(
                f"{METHODS[self.method].title} makes one model for all tasks, got task {quoted(self.task)}."
            )
        paired = sorted(zip(names, _weights(self.weights, len(names)), strict=True))
        object.__setattr__(self, "weights", tuple(weight for _, weight in paired))
        if set(self.weights) == {1.0}:
            object.__setattr__(self, "weights", ())
        object.__setattr__(self, "checkpoints", tuple(sorted(names)))
        object.__setattr__(self, "settings", tuple(sorted(settings.items())))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Keys of its target tasks: those of its checkpoints, or the one of ``task``."""
        targets = (self.task,) if self.task else self.checkpoints
        return tuple(dict.fromkeys(map(task_of, targets)))

    @property
    def factors(self) -> tuple[float, ...]:
        """Weight of each checkpoint, also where all are 1."""
        return self.weights or (1.0,) * len(self.checkpoints)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, the inverse of ``from_dict``."""
        plain = {
            "checkpoints": list(self.checkpoints),
            "method": self.method,
            "settings": dict(self.settings),
            "task": self.task,
        }
        return plain | ({"weights": list(self.weights)} if self.weights else {})

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "MergeSpec":
        """Inverse of ``as_dict``. Raises: SpecError as the constructor, or for an unknown key."""
        if not isinstance(plain, Mapping):
            raise SpecError(f"A merge must be a mapping of settings, got {quoted(plain)}.")
        foreign = any(name not in ("checkpoints", "method", "settings", "task", "weights") for name in plain)
        if foreign or "checkpoints" not in plain:
            got = ", ".join(quoted(name) for _, name in zip(range(5), plain, strict=False))
            raise SpecError(f"A merge has checkpoints, method, settings, task and weights, got {got}.")
        values = dict(plain)
        settings = values.get("settings", {})
        if not isinstance(settings, Mapping):
            raise SpecError(
                f"The settings of a merge must be a mapping from name to value, got {quoted(settings)}."
            )
        values["settings"] = tuple(settings.items())
        return cls(**values)


def _weights(given: object, count: int) -> list[float]:
    """One weight a checkpoint, rounded to nine decimals. Raises: SpecError as the constructor."""
    if not isinstance(given, tuple | list) or len(given) not in (0, count):
        raise SpecError(f"weights must be a list of {count} numbers, one a checkpoint, got {quoted(given)}.")
    for weight in given:
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not -MAX_WEIGHT <= weight <= MAX_WEIGHT:
            raise SpecError(f"A weight is a number from -10 to 10, got {quoted(weight)}.")
    return [round(float(weight), 9) + 0.0 for weight in given or (1.0,) * count]


def _check_setting(name: object, value: object) -> None:
    """Raises: MergeError unless it is a name and a finite number; the method checks the rest."""
    if not isinstance(name, str):
        raise MergeError(f"a setting's name must be a string, got {quoted(name)}.")
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST_SETTING:
        raise MergeError(f"{quoted(name)[1:-1]} must be a finite number, got {quoted(value)}.")
