"""A visitor's own question: what the three models answer, and how sure each is. Nothing of it is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from evaluators.data.typed_question import typed_question
from evaluators.service.studio import Studio
from ui.language import language_text as words
from ui.language.language_answers import text_lab, text_models
from ui.shell import markup, text
from ui.shell.error_messages import message_of

PATIENCE = 10.0
MOST_UNKNOWN = 8
"""Unknown words that are named."""


def own_answers(studio: Studio, controls: Sequence[Any], question: object, choices: object) -> str:
    """HTML of the answers of the pre-trained, the fine-tuned and the edited model. Never raises.

    Args:
        controls: model, task, part and gamma, as for ``text_models``.
        question, choices: as typed, untrusted.
    """
    try:
        lab = text_lab(studio, controls[0])
        asked, specs = typed_question(question, choices, bool(lab.words)), text_models(controls)
        ticket = studio.ticket("own question")
        found = studio.rank(specs, [asked], ticket, PATIENCE)
    except Exception as problem:  # noqa: BLE001 -- a listener answers, whatever happened
        return markup.trouble(message_of(problem))
    chances = [softmax(model[0]) for model in found]
    rows = [
        [answer, *(text.percent(model[place]) for model in chances)]
        for place, answer in enumerate(asked.choices)
    ]
    table = markup.plain_table(words.ANSWERS, ("Answer", *words.EXAMPLE_COLUMNS[3:]), rows, shown=True)
    unknown = lab.unknown_words(" ".join((asked.text, *asked.choices)))
    if unknown:
        named = ", ".join(unknown[:MOST_UNKNOWN]) + (" …" if len(unknown) > MOST_UNKNOWN else "")
        table += f'<p class="lx-status" role="status">{escape(words.UNKNOWN.format(words=named))}</p>'
    return table


def softmax(scores: Sequence[float]) -> list[float]:
    """Chance of each answer, exp(s) / sum exp(s), of scores that are mean log-likelihoods of a token."""
    most = max(scores)
    weights = [math.exp(score - most) for score in scores]
    return [weight / sum(weights) for weight in weights]
