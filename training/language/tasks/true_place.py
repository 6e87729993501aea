"""Reading: which sentence about a place is true by the text, in one step or in two."""

from random import Random

from evaluators.data.text_questions import TextQuestion
from training.language.tasks.asked_place import asked_place


def true_place(random: Random) -> TextQuestion:
    """Draw three or four sentences and four claims on one thing, each with another place."""
    asked = asked_place(random)
    text, _, question = asked.text.partition(" where is the ")
    thing = question.removesuffix(" ?")
    claims = tuple(f"the {thing} is in the {place}" for place in asked.choices)
    return TextQuestion(f"{text} where is the {thing} ?", claims, asked.answer)
