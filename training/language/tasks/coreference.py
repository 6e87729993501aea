"""Coreference as in Winogrande: one word at the end decides whom "they" stands for."""

from collections.abc import Sequence
from random import Random

from evaluators.data.text_questions import TextQuestion
from training.language.lexicon import PEOPLE

SCHEMAS: Sequence[tuple[str, str, str]] = (
    ("fed", "kind", "hungry"),
    ("thanked", "grateful", "helpful"),
    ("paid", "rich", "poor"),
    ("woke", "early", "sleepy"),
    ("asked", "curious", "wise"),
    ("passed", "fast", "slow"),
    ("carried", "strong", "weak"),
    ("taught", "patient", "eager"),
    ("feared", "timid", "fierce"),
    ("followed", "loyal", "famous"),
    ("warned", "careful", "careless"),
    ("envied", "jealous", "lucky"),
)
"""A verb, what says something of its subject, and what of its object."""


def coreference(random: Random) -> TextQuestion:
    """Draw a sentence with the two names to choose from; a sixth of them are negated."""
    one, two = random.sample(PEOPLE, 2)
    verb, of_subject, of_object = random.choice(SCHEMAS)
    subject = random.random() < 0.5
    negated = random.random() < 1 / 6
    quality = of_subject if subject else of_object
    text = f"{one} {verb} {two} because they were {quality} . who was {'not ' if negated else ''}{quality} ?"
    return TextQuestion(text, (one, two), 0 if subject != negated else 1)
