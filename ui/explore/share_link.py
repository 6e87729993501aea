"""The link of the page Explore: its controls as short, readable query parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from evaluators.hub.visitor_checkpoint import OWN
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import FREE
from evaluators.zoo import ENCODERS
from lines_core.editing import OUTSIDE_RULES
from lines_core.schedules import SHAPES
from lines_core.untrusted_text import excerpt
from ui.address.page_link import MOST_SAID, no_number, unknown
from ui.explore import explore_text
from ui.explore.explore_controls import ALPHA_RANGE, BETA_RANGE, GAMMA_RANGE, MIX_RANGE, Controls
from ui.explore.free_form import FACTOR_RANGE, fits
from ui.explore.pins import pins_here
from ui.explore.presets import start_controls

NAMES: Mapping[str, str] = {
    "model": "model",
    "task": "checkpoint",
    "shape": "shape",
    "gamma": "gamma",
    "alpha": "alpha",
    "beta": "beta",
    "mix": "mix",
    "outside": "outside",
    "free": "free_form",
}
"""Name in the link -> field of `Controls`. If alpha or beta is there, the two are not tied; if
free is, it is the shape."""
PINS = "pins"
"""Name of the pins in the link, see `ui/explore/pins.py`."""

RANGES = {"gamma": GAMMA_RANGE, "alpha": ALPHA_RANGE, "beta": BETA_RANGE, "mix": MIX_RANGE}


def from_query(
    query: Mapping[str, str],
    known: Mapping[str, Sequence[str]],
    start: Controls | None = None,
    num_blocks: int = 0,
) -> tuple[Controls, list[str]]:
    """Controls as the link says, and a complaint in plain words for every entry that could not be followed.

    A wrong entry keeps the default and never stops the page from opening; foreign names are not ours to
    judge.

    Args:
        query: name -> text.
        known: field -> keys that exist, for model, checkpoint, shape and outside.
        start: what applies where the link is silent.
        num_blocks: L of the model, the number of factors of a free-form schedule.
    """
    controls = start or Controls()
    complaints = []
    for name, field in NAMES.items():
        if name not in query:
            continue
        said = query[name]
        if field in RANGES:
            low, high = RANGES[field]
            try:
                number = float(said)
            except ValueError:
                number = math.nan
            if not low <= number <= high:
                complaints.append(no_number(name, said, low, high))
                continue
            controls = replace(controls, **{field: number})  # type: ignore[arg-type]
            if field in ("alpha", "beta"):
                controls = replace(controls, tie=False)
        elif field == "free_form":
            if fits(said, num_blocks):
                controls = replace(controls, shape=FREE, free_form=said)
            else:
                low, high = FACTOR_RANGE
                complaints.append(
                    f"The link's free should be {num_blocks} numbers from {low:g} to {high:g}, one a block, "
                    f"separated by commas, decimals with a point, not “{excerpt(said, MOST_SAID)}”."
                )
        elif said in known[field]:
            controls = replace(controls, **{field: said})  # type: ignore[arg-type]
        else:
            complaints.append(unknown(name, said, known[field]))
    if controls.shape == FREE and not controls.free_form:
        if "free" not in query:
            complaints.append("The link's shape is free, but it has no factors free=….")
        controls = replace(controls, shape=(start or Controls()).shape)
    return controls, complaints


def chosen(studio: Studio, query: Mapping[str, str], deleted: bool = False) -> tuple[str, str, list[str]]:
    """Model and checkpoint of a link to any page, and what could not be followed.

    What the link does not say, or says wrongly, is the first model, and the first checkpoint of the model.

    Args:
        deleted: whether this tab had added checkpoints that are deleted by now.
    """
    models = [model.key for model in studio.models()]
    elsewhere = ENCODERS.get(query.get("model", "")) if query.get("model") not in models else None
    if elsewhere is not None:
        first = studio.checkpoints(models[0])[0].key
        return models[0], first, [explore_text.not_loaded(elsewhere.title)]
    said = {name: query[name] for name in ("model", "task") if name in query}
    model = said.get("model", "") if said.get("model") in models else models[0]
    checkpoints = [one.key for one in studio.checkpoints(model)]
    start = replace(Controls(), model=models[0], checkpoint=checkpoints[0])
    gone = said.get("task", "").startswith(OWN) and said["task"] not in checkpoints
    if gone:
        del said["task"]
    controls, complaints = from_query(said, {"model": models, "checkpoint": checkpoints}, start)
    if gone:
        complaints.append(explore_text.EXPIRED if deleted else explore_text.ANOTHERS)
    return controls.model, controls.checkpoint, complaints


def read_controls(
    studio: Studio, query: Mapping[str, str], model: str, checkpoint: str
) -> tuple[list[object], list[str]]:
    """Values of the controls in the order of `Controls`, then the pins, and complaints."""
    said = {name: entry for name, entry in query.items() if name not in ("model", "task")}
    known = {"shape": [*SHAPES, FREE], "outside": list(OUTSIDE_RULES)}
    start = start_controls(studio, replace(Controls(), model=model, checkpoint=checkpoint))
    num_blocks = next(one.num_blocks for one in studio.models() if one.key == model)
    controls, complaints = from_query(said, known, start, num_blocks)
    pins, wrong = pins_here(studio, query.get(PINS, ""))
    return [*controls.values(), pins], [*complaints, *wrong]
