"""Weights of the merged models as a visitor writes them: "House numbers 0.5, Faces 2"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from evaluators.errors import SpecError
from evaluators.specs.merge_spec import task_of
from lines_core.untrusted_text import first_names, quoted

LONGEST = 4000
SEPARATED = "decimals take a point, and a comma separates two weights"
_SEVERAL = re.compile(r"[;|/]|[\d.]\s")
"""In the name of an entry: it is more than one."""
_ENTRY = re.compile(r"(.*[^\s=:])[\s=:]+([-+]?[\d.]+(?:e[-+]?\d+)?)", re.ASCII | re.IGNORECASE)


def read_weights(
    text: object, checkpoints: Sequence[str], titles: Mapping[str, str] = MappingProxyType({})
) -> tuple[float, ...]:
    """The weight of each checkpoint; 1 for those that the text does not name, none at all if it is empty.

    Args:
        text: entries with commas or line breaks, each a title, the name of a task or of a checkpoint, and a
            number. Capitals do not matter.
        checkpoints: keys of those that are merged.
        titles: of the checkpoints on the page, by key.
    Raises: SpecError for an entry of another form, a name that is none of them or of several, a name twice.

    >>> read_weights("House numbers 0.5\\nfaces=2", ["svhn", "tall.faces"], {"svhn": "House numbers"})
    (0.5, 2.0)
    >>> read_weights("House numbers 0.5, faces=2", ["svhn", "tall.faces"], {"svhn": "House numbers"})
    (0.5, 2.0)
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        raise SpecError(f"Weights are a short text such as Digits 0.5, Faces 2, got {quoted(text)}.")
    found: dict[str, float] = {}
    for entry in filter(None, map(str.strip, re.split(r"[,\n]", text))):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise SpecError(
                f"A weight is a name and a number, such as digits 0.5, got {quoted(entry)}: {SEPARATED}."
            )
        said = match[1].casefold()
        named = [
            key
            for key in checkpoints
            if said in (key.casefold(), task_of(key).casefold(), titles.get(key, key).casefold())
        ]
        if len(named) != 1:
            names = first_names([titles.get(key, task_of(key)) for key in checkpoints])
            more = f" ({SEPARATED})" if _SEVERAL.search(match[1]) else ""
            raise SpecError(f"{quoted(match[1])} is not one of the ticked models: {names}{more}.")
        if named[0] in found:
            raise SpecError(f"{quoted(match[1])} has two weights: give one.")
        try:
            found[named[0]] = float(match[2])
        except ValueError as error:
            raise SpecError(f"{quoted(match[2])} is not a number.") from error
    return tuple(found.get(key, 1.0) for key in checkpoints) if found else ()
