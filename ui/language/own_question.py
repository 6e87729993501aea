"""A visitor's own question: which of its answers the three models prefer. Nothing of it is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from evaluators.data.typed_question import typed_question
from evaluators.service.studio import Studio
from ui.language import language_text as words
from ui.language.language_answers import edit_subject, text_lab, text_models
from ui.shell import markup, text
from ui.shell.error_messages import message_of

PATIENCE = 10.0
STALE = (
    """(said) => (said || "").replace('<div class="lx-asked">', '<div class="lx-asked lx-asked-before">')"""
)
"""Marks the answers in the browser once what they were asked with has changed."""
MOST_UNKNOWN = 8
"""Unknown words that are named."""


def own_answers(studio: Studio, controls: Sequence[Any], question: object, choices: object) -> str:
    """HTML of what the pre-trained, the fine-tuned and the edited model prefer, and of what was asked.

    Never raises.

    Args:
        controls: model, task, part and gamma, as for ``text_models``.
        question, choices: as typed, untrusted.
    """
    try:
        lab = text_lab(studio, controls[0])
        asked, specs = typed_question(question, choices, bool(lab.words)), text_models(controls)
        ticket = studio.ticket("own question")
        found = studio.rank(specs, [asked], ticket, PATIENCE)
        subject = words.ASKED.format(subject=edit_subject(studio, specs[-1]), question=asked.text)
    except Exception as problem:  # noqa: BLE001 -- a listener answers, whatever happened
        return markup.trouble(message_of(problem))
    shares = [softmax(model[0]) for model in found]
    rows = [
        [answer, *(text.percent(model[place]) for model in shares)]
        for place, answer in enumerate(asked.choices)
    ]
    table = markup.plain_table(words.ANSWERS, ("Answer", *words.EXAMPLE_COLUMNS[3:]), rows, shown=True)
    unknown = lab.unknown_words(" ".join((asked.text, *asked.choices)))
    if unknown:
        named = ", ".join(unknown[:MOST_UNKNOWN]) + (" …" if len(unknown) > MOST_UNKNOWN else "")
        table += f'<p class="lx-status" role="status">{escape(words.UNKNOWN.format(words=named))}</p>'
    return (
        f'<div class="lx-asked"><p class="lx-subject">{escape(subject)}</p>'
        f'<p class="lx-asked-old" role="status">{escape(words.ASK_AGAIN)}</p>'
        f'{table}<p class="lx-small">{escape(words.SHARES)}</p></div>'
    )


def softmax(scores: Sequence[float]) -> list[float]:
    """Share of each answer, exp(s) / sum exp(s), of scores that are mean log-likelihoods of a token."""
    most = max(scores)
    weights = [math.exp(score - most) for score in scores]
    return [weight / sum(weights) for weight in weights]
