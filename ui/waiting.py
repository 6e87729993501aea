"""Beyond capacity: a visitor whose turn lets itself be waited for is told how long the line is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evaluators.errors import InLine
from evaluators.evaluation import Evaluation
from ui import markup
from ui.live import Value, answer

PATIENCE = 1.0
"""Seconds without a turn after which the page says so, and then again and again."""


def patiently(ask: Callable[[], Iterator[Evaluation]]) -> Iterator[Evaluation | InLine]:
    """The answers of a stream, and between them how long the line is whenever it lasts.

    Args:
        ask: begins the stream, with ``patience``; is called again after each wait, when it goes on where it
            was.
    """
    while True:
        try:
            yield from ask()
            return
        except InLine as line:
            yield line


def in_line(line: InLine, version: int, key: str) -> Value:
    """What the page shows meanwhile: everything stays as it is, and a line says how long it takes."""
    return answer(version=version, state="waiting", key=key, slots={"line": markup.in_line(line)})
