"""Paraphrase: which of two sentences of the same words says the same; in the other, two words are swapped."""

from random import Random

from evaluators.data.text_questions import TextQuestion
from training.language.lexicon import COLOURS, PEOPLE, THINGS


def paraphrase(random: Random) -> TextQuestion:
    """Draw a sentence and two others to choose from."""
    form = random.randrange(3)
    one, two = random.sample(THINGS, 2)
    if form == 0:
        giver, taker = random.sample(PEOPLE, 2)
        said = f"{giver} gave the {one} to {taker}"
        same, other = f"{taker} got the {one} from {giver}", f"{giver} got the {one} from {taker}"
    elif form == 1:
        said = f"the {one} is left of the {two}"
        same, other = f"the {two} is right of the {one}", f"the {one} is right of the {two}"
    else:
        red, blue = random.sample(COLOURS, 2)
        said = f"a {red} {one} and a {blue} {two}"
        same, other = f"the {two} is {blue} . the {one} is {red}", f"the {two} is {red} . the {one} is {blue}"
    choices = [same, other]
    random.shuffle(choices)
    return TextQuestion(f"same meaning ? {said} .", tuple(choices), choices.index(same))
