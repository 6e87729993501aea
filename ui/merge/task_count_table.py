"""The table of merges of 8, 14 and 20 tasks, as it ships: does LiNeS help more, the more tasks are merged?"""

from __future__ import annotations

from html import escape

from evaluators.experiments.outside_rules import OutsideRules
from evaluators.experiments.task_counts import TaskCount, TaskCounts
from lines_core.merging import METHODS
from ui.merge import merge_text as words
from ui.merge.outside_words import cause, default_verdict, rule_table
from ui.shell import markup
from ui.shell.difference_words import change_words
from ui.shell.text import percent


def task_count_table(counts: TaskCounts, rules: OutsideRules) -> str:
    """HTML of the table under its heading and the answer; nothing if nothing was measured.

    Args:
        rules: what LiNeS changes image by image, and under other rules for the weights in no block.
    """
    if len(counts.sets) < 2:
        return ""
    methods = [row.method for row in counts.sets[0].rows]
    head = ("Method", *(f"{count.tasks} tasks" for count in counts.sets))
    cells = [
        [METHODS[method].title, *(_cell(count, method, rules) for count in counts.sets)] for method in methods
    ]
    table = markup.plain_table(words.COUNT_TABLE, head, cells, shown=True)
    return (
        f"{markup.heading(words.COUNT_TITLE)}{markup.finding(escape(words.count_answer(counts, rules)))}"
        f'<div class="lx-scroll" tabindex="0">{table}</div><p class="lx-small">{escape(words.COUNT_NOTE)}</p>'
        f"{_outside(counts, rules)}"
    )


def _outside(counts: TaskCounts, rules: OutsideRules) -> str:
    """A table and two paragraphs on the weights outside the blocks; nothing if nothing was measured."""
    if not rules.sets or rules.own is None:
        return ""
    last, questions = rules.sets[-1], counts.questions
    why, default = (
        f'<p class="lx-small">{escape(one)}</p>' for one in (cause(rules, questions), default_verdict(rules))
    )
    table = rule_table(last, counts.usual, questions)
    return f'{why}<div class="lx-scroll" tabindex="0">{table}</div>{default}'


def _cell(count: TaskCount, method: str, rules: OutsideRules) -> str:
    row, change = count.row(method), change_words(rules.lines_gain(count, method))
    return f"{percent(row.plain.mean)} → {percent(row.lines.mean)}: {change}"
