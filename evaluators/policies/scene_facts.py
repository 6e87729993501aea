"""What a scene says: facts read sentence by sentence, and scenes drawn from seeds."""

import random
from dataclasses import dataclass

from evaluators.policies.scene_words import (
    COLOURS,
    ENDINGS,
    FILLERS,
    MOODS,
    NAMES,
    OPENINGS,
    PLACES,
    ROLES,
    THINGS,
    TIMES,
    VERBS,
    WEATHER,
)

GIVEN = 0.4
"""Chance that a scene tells the mood of a person, and as much for the colour of things."""


@dataclass(frozen=True)
class Fact:
    """Someone did something with things; mood and colour are empty where nothing is said of them."""

    name: str
    verb: str
    thing: str
    mood: str = ""
    colour: str = ""

    def sentence(self) -> str:
        """As a summary puts it, ``happy anna painted red boats .``"""
        words = (self.mood, self.name, self.verb, self.colour, self.thing, ".")
        return " ".join(word for word in words if word)


def facts_of(text: str) -> tuple[Fact, ...]:
    """The facts of a scene: one for each sentence with exactly one name, one verb and one thing.

    >>> facts_of("later shy anna sold blue hats near the mill . nobody looked up .")
    (Fact(name='anna', verb='sold', thing='hats', mood='shy', colour='blue'),)
    """
    found = []
    for sentence in text.split("."):
        words = sentence.split()
        parts = [[w for w in words if w in kind] for kind in (NAMES, VERBS, THINGS, MOODS, COLOURS)]
        if all(len(part) == 1 for part in parts[:3]) and all(len(part) <= 1 for part in parts[3:]):
            found.append(Fact(*("".join(part) for part in parts)))
    return tuple(found)


def draw_scene(split: str, number: int) -> str:
    """Scene ``number`` of a split, 30 to 75 words; the same on every machine.

    Args:
        split: "train", "val" or "test"; scenes of different splits are drawn independently.
        number: from 0.
    """
    draw = random.Random(f"{split} {number}")
    places = draw.sample(PLACES, ROLES + 1)
    opening = draw.choice(OPENINGS).format(weather=draw.choice(WEATHER), place=places[0])
    told = [opening]
    for role, place in zip(draw.sample(range(ROLES), ROLES), places[1:], strict=True):
        name, verb, thing = (draw.choice(words[role::ROLES]) for words in (NAMES, VERBS, THINGS))
        mood = f"{draw.choice(MOODS[role::ROLES])} " if draw.random() < GIVEN else ""
        colour = f"{draw.choice(COLOURS[role::ROLES])} " if draw.random() < GIVEN else ""
        time, ending = draw.choice(TIMES), draw.choice(ENDINGS)
        told.append(f"{time} {mood}{name} {verb} {colour}{thing} {ending.format(place=place)}")
        if draw.random() < 0.3:
            told.append(draw.choice(FILLERS).strip())
    return " ".join(told)
