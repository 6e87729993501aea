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
    return f'{markup.heading(words.REVIEWER)}<p class="lx-small">{escape(words.REVIEWER_HOW)}</p>{parts}'


def _answered(question: ReviewerQuestion) -> str:
    table = markup.plain_table(question.how, question.header, question.rows, shown=True)
    return (
        f'<details class="lx-report"><summary><b>{escape(question.question)}</b> '
        f"<span>{escape(question.answer)}</span></summary>"
        f'<div class="lx-scroll" tabindex="0">{table}</div></details>'
    )
