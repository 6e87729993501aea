"""Test questions with the answers of the pre-trained, the fine-tuned and the edited model, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import zip_longest
from typing import NamedTuple

from evaluators.data.task_list import LANGUAGE
from evaluators.data.text_questions import TextQuestion
from evaluators.labs.text_lab import TextLab
from evaluators.specs.evaluation import TARGET, Evaluation
from ui.language import language_text as words

SHOWN = 3
"""Questions of the target task; of the control tasks together it is twice as many, each in turn."""


class _Answered(NamedTuple):
    """A question and the places of the answers chosen."""

    title: str
    question: TextQuestion
    chosen: tuple[int, ...]

    @property
    def differ(self) -> bool:
        """Whether the models answer differently."""
        return len(set(self.chosen)) > 1


def example_table(lab: TextLab, models: Sequence[Evaluation | None]) -> str:
    """HTML of some questions; empty unless all three models' predictions are known.

    Args:
        models: pre-trained, fine-tuned and edited, evaluated on test.
    """
    known = [model for model in models if model is not None and model.predictions is not None]
    if len(known) < len(models):
        return ""
    target: list[_Answered] = []
    control: list[list[_Answered]] = []
    for index, task in enumerate(known[0].tasks):
        questions = lab.questions(next(one for one in lab.tasks(LANGUAGE) if one.key == task.key), "test")
        answers = zip(*(model.predicted(index) for model in known), strict=True)
        rows = [_Answered(task.title, one, chosen) for one, chosen in zip(questions, answers, strict=False)]
        first = sorted(rows, key=lambda row: not row.differ)[: 2 * SHOWN]
        if task.role == TARGET:
            target = first[:SHOWN]
        else:
            control.append(first)
    others = [row for round_of in zip_longest(*control) for row in round_of if row is not None]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in words.EXAMPLE_COLUMNS)
    body = "".join(map(_row, [*target, *others[: 2 * SHOWN]]))
    return (
        f'<div class="lx-scroll" tabindex="0"><table class="lx-table lx-answers">'
        f"<caption>{escape(words.EXAMPLES)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: _Answered) -> str:
    question = row.question
    cells = "".join(
        f"<td>{escape(question.choices[place])}{' ✓' if place == question.answer else ''}</td>"
        for place in row.chosen
    )
    right = escape(question.choices[question.answer])
    return (
        f'<tr><th scope="row">{escape(question.text)}</th><td>{escape(row.title)}</td><td>{right}</td>'
        f"{cells}</tr>"
    )
