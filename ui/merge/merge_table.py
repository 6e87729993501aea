"""The table of merging methods with LiNeS and without, as it ships: the question of section 5.2, answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from evaluators.experiments.level_control import LevelControl
from evaluators.experiments.merge_search import Score
from evaluators.experiments.outside_rules import OutsideRules
from evaluators.experiments.table2 import Table2Row
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.specs.paired_counts import Change
from evaluators.zoo.published_merges import published_words
from lines_core.merging import METHODS
from ui.merge import merge_text as words
from ui.merge.depth_words import depth_cell, mean_alone
from ui.merge.merge_answers import Gain
from ui.shell import markup
from ui.shell.difference_words import against_words, difference_words
from ui.shell.text import percent


def merge_table(rows: Sequence[Table2Row], controls: Mapping[str, LevelControl]) -> str:
    """HTML of the table under its heading and the answer; nothing if there are no rows.

    Args:
        controls: level factors beside LiNeS, by method; without any the table has no columns for them.
    """
    if not rows:
        return ""
    head = [*words.TABLE_HEAD, *(words.LEVEL_HEAD if controls else ()), words.PUBLISHED_HEAD]
    cells = [
        [
            *row_cells(row)[:-1],
            changed_words(row, controls),
            *(level_cells(controls.get(row.method)) if controls else ()),
            published_words(row.method) or "–",
        ]
        for row in rows
    ]
    table = markup.plain_table(words.TABLE, head, cells, shown=True)
    notes = (words.TABLE_NOTE, words.LEVEL_NOTE if controls else "", mean_alone(controls))
    return (
        f"{markup.heading(words.TABLE_TITLE)}{markup.finding(escape(words.table_answer(rows, controls)))}"
        f'<div class="lx-scroll" tabindex="0">{table}</div>'
        + "".join(f'<p class="lx-small">{escape(note)}</p>' for note in notes if note)
    )


def level_cells(control: LevelControl | None) -> tuple[str, str]:
    """The score of the level factor that validation chose, and how much better LiNeS is."""
    if control is None:
        return "–", "–"
    level = control.chosen
    return f"{merged_score(level.score)}, λ\u00a0{level.scale:.3g}", depth_cell(level)


def changed_words(row: Table2Row, controls: Mapping[str, LevelControl]) -> str:
    """What LiNeS changes, image by image as the verdict does; independent without any control."""
    if not controls:
        return row_cells(row)[-1]
    control = controls.get(row.method)
    gain = control and control.gain_of(row)
    return against_words(gain, "plain") if gain else words.NOT_PAIRED


def paired_gain(controls: Mapping[str, LevelControl], rules: OutsideRules) -> Gain:
    """What LiNeS changes in a row of a model's table, image by image; None where no pairs of it ship."""

    def gain(model: str, row: Table2Row) -> Change | None:
        if model == TINY_CLIP:
            control = controls.get(row.method)
            return control.gain_of(row) if control else None
        return next(
            (
                one.gain(row.method)
                for one in rules.sets
                if one.model == model
                and row.method in one.methods
                and (one.merge(row.method).alpha, one.merge(row.method).beta) == (row.alpha, row.beta)
                and one.merge(row.method, lines=False).alpha == row.scale
            ),
            None,
        )

    return gain


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
