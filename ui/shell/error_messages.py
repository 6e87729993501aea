"""Error messages for visitors: a toast at a button, part of the answer in a live handler."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from lines_core.errors import LinesError
from ui.shell import text

log = logging.getLogger("lines.ui")


@contextmanager
def as_toast() -> Iterator[None]:
    """For buttons and the public API: a LinesError becomes a gr.Error with the same words, and no traceback.

    Anything else is a bug and passes through, traceback and all.
    """
    try:
        yield
    except LinesError as problem:
        raise gr.Error(str(problem), print_exception=False) from problem


def message_of(problem: Exception) -> str:
    """What a live handler puts into its answer instead of raising.

    Raising would lose more than the message: Gradio then drops the slider's deferred last position.
    A LinesError speaks for itself; anything else is logged with its traceback and named in general words.
    """
    if isinstance(problem, LinesError):
        return str(problem)
    log.error("live handler failed", exc_info=problem)
    return text.UNEXPECTED
