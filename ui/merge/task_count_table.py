"""The table of merges of 8, 14 and 20 tasks, as it ships: does LiNeS help more, the more tasks are merged?"""

from __future__ import annotations

from html import escape

from evaluators.experiments.task_counts import Change, TaskCount, TaskCounts
from lines_core.merging import METHODS
from ui.merge import merge_text as words
from ui.shell import markup
from ui.shell.text import percent


def task_count_table(counts: TaskCounts) -> str:
    """HTML of the table under its heading and the answer; nothing if nothing was measured."""
    if len(counts.sets) < 2:
        return ""
    methods = [row.method for row in counts.sets[0].rows]
    head = ("Method", *(f"{count.tasks} tasks" for count in counts.sets))
    cells = [[METHODS[method].title, *(_cell(count, method) for count in counts.sets)] for method in methods]
    table = markup.plain_table(words.COUNT_TABLE, head, cells, shown=True)
    return (
        f"{markup.heading(words.COUNT_TITLE)}{markup.finding(escape(words.count_answer(counts)))}"
        f'<div class="lx-scroll" tabindex="0">{table}</div><p class="lx-small">{escape(words.COUNT_NOTE)}</p>'
    )


def _cell(count: TaskCount, method: str) -> str:
    row = count.row(method)
    change = words.change_words(Change(row.lines.mean - row.plain.mean, row.gain_interval))
    return f"{percent(row.plain.mean)} → {percent(row.lines.mean)}: {change}"
