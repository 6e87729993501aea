"""Quantities: a rule that ties two amounts, a comparison, and what follows from both."""

from random import Random

from evaluators.data.text_questions import TextQuestion
from training.language.lexicon import AMOUNTS, PEOPLE


def quantities(random: Random) -> TextQuestion:
    """Draw a rule, a comparison of two people and a question with the two names to choose from."""
    one, two = random.sample(PEOPLE, 2)
    cause, effect = random.sample(AMOUNTS, 2)
    rises = random.random() < 0.5
    rule = f"more {cause} means {'more' if rises else 'less'} {effect} ."
    text = f"{rule} {one} has more {cause} than {two} . who has more {effect} ?"
    return TextQuestion(text, (one, two), 0 if rises else 1)
