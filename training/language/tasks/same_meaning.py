"""Paraphrase as a question of yes or no, which only pre-training has: such a swap is hard to see."""

from random import Random

from evaluators.data.text_questions import TextQuestion
from training.language.lexicon import COLOURS, PEOPLE, PLACES, THINGS

YES_NO = ("yes", "no")


def same_meaning(random: Random) -> TextQuestion:
    """Draw a pair; half of the pairs mean the same."""
    same = random.random() < 0.5
    form = random.randrange(3)
    if form == 0:
        giver, taker = random.sample(PEOPLE, 2)
        thing = random.choice(THINGS)
        one = _given(giver, taker, thing, random)
        two = _given(*((giver, taker) if same else (taker, giver)), thing, random)
    elif form == 1:
        first, second = random.sample(THINGS, 2)
        one = _beside(first, second, random)
        two = _beside(*((first, second) if same else (second, first)), random)
    else:
        (a, b), (c, d), place = random.sample(THINGS, 2), random.sample(COLOURS, 2), random.choice(PLACES)
        one = _coloured((c, a), (d, b), place)
        two = _coloured((d, b), (c, a), place) if same else _coloured((c, b), (d, a), place)
    return TextQuestion(f"same meaning ? {one} . {two} .", YES_NO, 0 if same else 1)


def _given(giver: str, taker: str, thing: str, random: Random) -> str:
    return random.choice(
        (
            f"{giver} gave the {thing} to {taker}",
            f"{taker} got the {thing} from {giver}",
            f"the {thing} was given to {taker} by {giver}",
        )
    )


def _beside(first: str, second: str, random: Random) -> str:
    return random.choice((f"the {first} is left of the {second}", f"the {second} is right of the {first}"))


def _coloured(first: tuple[str, str], second: tuple[str, str], place: str) -> str:
    return f"the {first[0]} {first[1]} and the {second[0]} {second[1]} are in the {place}"
