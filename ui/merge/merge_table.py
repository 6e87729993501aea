"""The table of merging methods with LiNeS and without, as it ships: the question of section 5.2, answered."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from evaluators.experiments.merge_search import Score
from evaluators.experiments.table2 import Table2Row
from evaluators.zoo.published_merges import published_words
from lines_core.merging import METHODS
from ui.merge import merge_text as words
from ui.shell import markup
from ui.shell.difference_words import difference_words
from ui.shell.text import percent


def merge_table(rows: Sequence[Table2Row]) -> str:
    """HTML of the table under its heading and the answer; nothing if there are no rows."""
    if not rows:
        return ""
    cells = [[*row_cells(row), published_words(row.method) or "–"] for row in rows]
    table = markup.plain_table(words.TABLE, words.TABLE_HEAD, cells, shown=True)
    return (
        f"{markup.heading(words.TABLE_TITLE)}{markup.finding(escape(words.table_answer(rows)))}"
        f'<div class="lx-scroll" tabindex="0">{table}</div><p class="lx-small">{escape(words.TABLE_NOTE)}</p>'
    )


def row_cells(row: Table2Row) -> tuple[str, str, str, str]:
    """The method, its score plain and with LiNeS, each with its coefficient, and the difference."""
    return (
        METHODS[row.method].title,
        f"{merged_score(row.plain)}, λ\u00a0{row.scale:g}",
        f"{merged_score(row.lines)}, α\u00a0{row.alpha:.3g}, β\u00a0{row.beta:g}",
        difference_words(row.plain.tasks, row.lines.tasks, "plain"),
    )


def merged_score(score: Score) -> str:
    """Mean accuracy with its interval."""
    low, high = score.interval
    return f"{percent(score.mean)} ({100 * low:.1f} to {100 * high:.1f})"
