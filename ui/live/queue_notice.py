"""Beyond capacity: what a visitor sees whose turn lets itself be waited for."""

from __future__ import annotations

from evaluators.errors import Queued
from ui.live.live_panel import Value, answer
from ui.shell import markup


def in_line(line: Queued, version: int, key: str) -> Value:
    """What the page shows meanwhile: everything stays as it is, and a line says how long it takes."""
    return answer(version=version, state="waiting", key=key, slots={"line": markup.in_line(line)})
