"""Beyond capacity: a visitor whose turn lets itself be waited for is told how long the line is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from evaluators.errors import InLine
from evaluators.evaluation import Evaluation
from evaluators.spec import EditSpec
from evaluators.studio import Studio
from ui import markup
from ui.live import Value, answer

AT_ONCE = 0.6
"""Seconds that a moving slider waits for a turn. The browser sends the next position when it has an answer to
the last, so a longer wait would spend the turn on a place that the visitor has left."""
PATIENCE = 1.0
"""Seconds without a turn after which the page says so; then it does after twice as long, three times, ..."""


def patiently(studio: Studio, spec: EditSpec, visitor: str) -> Iterator[Evaluation | InLine]:
    """The answers of ``Studio.stream``, and between them how long the line is whenever it lasts."""
    for times in count(1):
        try:
            yield from studio.stream(spec, visitor, patience=times * PATIENCE)
            return
        except InLine as line:
            yield line


def in_line(line: InLine, version: int, key: str) -> Value:
    """What the page shows meanwhile: everything stays as it is, and a line says how long it takes."""
    return answer(version=version, state="waiting", key=key, slots={"line": markup.in_line(line)})
