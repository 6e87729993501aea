"""Weights of the merged models as a visitor writes them: "digits 0.5, faces 2"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evaluators.errors import SpecError
from evaluators.specs.merge_spec import task_of
from lines_core.untrusted_text import first_names, quoted

LONGEST = 4000
_ENTRY = re.compile(r"([\w.-]+)[\s=:]+([-+]?[\d.]+(?:e[-+]?\d+)?)", re.ASCII | re.IGNORECASE)


def read_weights(text: object, checkpoints: Sequence[str]) -> tuple[float, ...]:
    """The weight of each checkpoint; 1 for those that the text does not name, none at all if it is empty.

    Args:
        text: entries with commas, each the name of a task, or of a checkpoint, and a number.
        checkpoints: keys of those that are merged.
    Raises: SpecError for an entry of another form, a name that is none of them or of several, a name twice.

    >>> read_weights("digits 0.5, faces=2", ["tall.digits", "faces", "scenes"])
    (0.5, 2.0, 1.0)
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        raise SpecError(f"Weights are a short text such as digits 0.5, faces 2, got {quoted(text)}.")
    found: dict[str, float] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise SpecError(f"A weight is a name and a number, such as digits 0.5, got {quoted(entry)}.")
        named = [key for key in checkpoints if match[1] in (key, task_of(key))]
        if len(named) != 1:
            tasks = first_names([task_of(key) for key in checkpoints])
            raise SpecError(f"{quoted(match[1])} is not one of the ticked models: {tasks}.")
        if named[0] in found:
            raise SpecError(f"{quoted(match[1])} has two weights: give one.")
        try:
            found[named[0]] = float(match[2])
        except ValueError as error:
            raise SpecError(f"{quoted(match[2])} is not a number.") from error
    return tuple(found.get(key, 1.0) for key in checkpoints) if found else ()
