"""Reading as a question with one word for an answer, which only pre-training has: where is it?"""

from random import Random

from evaluators.data.text_questions import TextQuestion
from training.language.lexicon import PEOPLE, PLACES, THINGS


def asked_place(random: Random) -> TextQuestion:
    """Draw three sentences and a question with four places to choose from, one of them not in the text."""
    people, things = random.sample(PEOPLE, 2), random.sample(THINGS, 3)
    places = random.sample(PLACES, 4)
    if random.random() < 0.3:
        held = random.randrange(2)
        sentences = [
            f"{people[0]} is in the {places[0]} .",
            f"{people[1]} is in the {places[1]} .",
            f"the {things[2]} is in the {places[2]} .",
            f"{people[held]} has the {things[0]} .",
        ]
        asked, answer = things[0], places[held]
    else:
        where = random.randrange(3)
        subjects = (f"the {things[0]}", f"the {things[1]}", f"the {things[2]}")
        sentences = [f"{s} is in the {p} ." for s, p in zip(subjects, places, strict=False)]
        asked, answer = things[where], places[where]
    random.shuffle(sentences)
    random.shuffle(places)
    return TextQuestion(
        f"read : {' '.join(sentences)} where is the {asked} ?", tuple(places), places.index(answer)
    )
