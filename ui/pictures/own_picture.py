"""A visitor's own picture, and the class probabilities of the three models, which follow the controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from evaluators.data.image_decoding import decode_visitors
from evaluators.errors import SpecError
from evaluators.service.studio import Studio
from evaluators.specs.class_names import TEMPLATE, ClassNames
from evaluators.specs.edit_spec import EditSpec
from ui.address.address_bar import AddressBar
from ui.pictures.picture_words import OWN_WORDS
from ui.pictures.strip_panel import SUBJECT, Wanted, answering, scripted

SCRIPTS = ("../live/subject.js", "own_picture.js")
CLASSES_SHOWN = 6
SIDE = 256
"""Pixels of the canvas; the server fits it to the encoder as it fits a data set's images."""
PATIENCE = 5.0


def own_picture(
    studio: Studio, address: AddressBar, settings: Sequence[gr.components.Component], wanted: Wanted
) -> None:
    """Lay the section out in the current Blocks and wire it.

    Args:
        settings: components of the page whose values are passed to ``wanted``, model and checkpoint first.
        wanted: (studio as the visitor sees it, settings) -> the edit, and the two models beside it.
    """
    with gr.Accordion(OWN_WORDS["title"], open=False, elem_id="lx-own-box"):
        gr.Markdown(OWN_WORDS["help"], elem_classes="lx-small")
        fixed = {"words": {**OWN_WORDS, "template": TEMPLATE}, "side": SIDE}
        fixed |= {"subject": address.places(settings[:SUBJECT])}
        own = scripted("lx-own", "lx-own", SCRIPTS, fixed)
        answering(studio, own.ask, own, settings, wanted, own_json, "linesOwnPicture")


def own_json(studio: Studio, models: Sequence[EditSpec], asked: Any) -> dict[str, Any]:
    """Class probabilities of a picture as JSON.

    Args:
        models: pre-trained, fine-tuned and edited.
        asked: `image` (base64), `task` (a key, "typed", or "" for the checkpoint's own), `names`, `template`.
    Returns: `rows` of (class, probability under each model), those that pre-trained and fine-tuned find most
        probable first, so that rows stay in place while the edit moves; `tasks` to choose from; `title` of
        the checkpoint's own.
    Raises: SpecError, ImageError and as ``Studio.classify``.
    """
    try:
        image, task = asked["image"], asked["task"]
        typed = ClassNames.read(asked["names"], asked["template"]) if task == "typed" else None
    except KeyError as error:
        raise SpecError("The page sent no picture: reload it, and try again.") from error
    edit = models[-1]
    lab = studio.lab_of(edit.model)
    tasks = {one.key: one.title for one in lab.tasks(lab.resolve(edit).suite)}
    own = edit.targets[0]
    pixels = decode_visitors(image, lab.info.image_size)
    ticket = studio.ticket("own picture")
    wanted = typed or (task if task in tasks else own)
    found = studio.classify(models, pixels, wanted, ticket, PATIENCE)
    rows = [(name, *map(_rounded, row)) for name, *row in zip(found.classes, *found.models, strict=True)]
    first = max(rows, key=lambda row: row[-1])
    rows.sort(key=lambda row: -max(row[1], row[2]))
    shown = rows[:CLASSES_SHOWN] if first in rows[:CLASSES_SHOWN] else [*rows[: CLASSES_SHOWN - 1], first]
    others = [(key, title) for key, title in tasks.items() if key != own]
    return {"rows": shown, "tasks": others, "title": tasks.get(own, own)}


def _rounded(value: float) -> float:
    return round(value, 4)
