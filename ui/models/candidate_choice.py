"""Which model of a visitor's file is meant, if it holds several: asked as soon as the file is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from lines_core.checkpoints import open_checkpoint
from lines_core.errors import CheckpointError
from ui.models import models_text as words


def candidate_radio() -> gr.Radio:
    """The choice, hidden until a file with several models is there."""
    return gr.Radio([], label=words.OWN["choice"], visible=False, elem_id="lx-own-choice")


def offered(candidates: Sequence[str]) -> Any:
    """Update of the choice: these models, none of them chosen; hidden if there is nothing to choose."""
    several = candidates if len(candidates) > 1 else ()
    choices = [(name or words.OWN["top"], name) for name in several]
    return gr.update(choices=choices, value=None, visible=bool(choices))


def offer_candidates(path: str | None) -> Any:
    """The listener that offers the models of an uploaded file; a problem is said when the file is added."""
    try:
        return offered(open_checkpoint(path).candidates if path else ())
    except CheckpointError:
        return offered(())
