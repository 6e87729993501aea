"""The share link: the controls as a short, readable query string, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from lines_core.untrusted_text import excerpt, first_of
from ui.explore.explore_controls import ALPHA_RANGE, BETA_RANGE, GAMMA_RANGE, MIX_RANGE, Controls

NAMES: Mapping[str, str] = {
    "model": "model",
    "task": "checkpoint",
    "shape": "shape",
    "gamma": "gamma",
    "alpha": "alpha",
    "beta": "beta",
    "mix": "mix",
    "outside": "outside",
}
"""Name in the link -> field of `Controls`. That alpha or beta is there says that the two are not tied."""

MOST_SAID = 60
"""Characters of a wrong entry that the complaint about it repeats."""

RANGES = {"gamma": GAMMA_RANGE, "alpha": ALPHA_RANGE, "beta": BETA_RANGE, "mix": MIX_RANGE}


def to_query(controls: Controls) -> str:
    """The link's query without "?": the task and the slider always, everything else when it is not the
    default.

    >>> to_query(Controls(gamma=0.3))
    'task=digits&gamma=0.3'
    """
    start = Controls()
    skipped = {"alpha", "beta"} if controls.tie else {"gamma"}
    always = {"checkpoint", "gamma", "alpha", "beta"}
    said = {}
    for name, field in NAMES.items():
        value = getattr(controls, field)
        if field not in skipped and (field in always or value != getattr(start, field)):
            said[name] = f"{value:g}" if isinstance(value, int | float) else value
    return urlencode(said)


def from_query(
    query: Mapping[str, str], known: Mapping[str, Sequence[str]], start: Controls | None = None
) -> tuple[Controls, list[str]]:
    """Controls as the link says, and a complaint in plain words for every entry that could not be followed.

    A wrong entry keeps the default and never stops the page from opening; foreign names are not ours to
    judge.

    Args:
        query: name -> text.
        known: field -> keys that exist, for model, checkpoint, shape and outside.
        start: what applies where the link is silent.
    """
    controls = start or Controls()
    complaints = []
    for name, field in NAMES.items():
        if name not in query:
            continue
        said = query[name]
        shown = excerpt(said, MOST_SAID)
        if field in RANGES:
            low, high = RANGES[field]
            try:
                number = float(said)
            except ValueError:
                number = math.nan
            if not low <= number <= high:
                complaints.append(
                    f"The link's {name} should be a number from {low:g} to {high:g}, not “{shown}”."
                )
                continue
            controls = replace(controls, **{field: number})  # type: ignore[arg-type]
            if field in ("alpha", "beta"):
                controls = replace(controls, tie=False)
        elif said in known[field]:
            controls = replace(controls, **{field: said})  # type: ignore[arg-type]
        else:
            complaints.append(f"The link's {name} “{shown}” is not one of {first_of(known[field], 12)}.")
    return controls, complaints
