"""Section "Questions a reviewer asks" of the page "Merge": answers measured beforehand, tables folded."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from evaluators.experiments.reviewer_questions import ReviewerQuestion
from ui.merge import merge_text as words
from ui.shell import markup


def reviewer_answers(questions: Sequence[ReviewerQuestion]) -> str:
    """The section; empty without a question."""
    if not questions:
        return ""
    parts = "".join(_answered(question) for question in questions)
    return f"{markup.heading(words.REVIEWER)}{_small(words.REVIEWER_HOW)}{parts}"


def _answered(question: ReviewerQuestion) -> str:
    rows = [[row[0], *(cell.replace(" ", "\u00a0") for cell in row[1:])] for row in question.rows]
    table = markup.plain_table(words.REVIEWER_TABLE, question.header, rows, shown=True)
    return markup.folded(question.question, question.answer, question.how, table)


def _small(text: str) -> str:
    return f'<div class="lx-small"><p>{escape(text)}</p></div>'
