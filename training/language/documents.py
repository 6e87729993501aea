"""Plain text of the world for pre-training: facts, and what is seen or told, said twice in other words."""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from training.language.lexicon import (
    AMOUNTS,
    BEHAVIOUR,
    COLOURS,
    KIND_OF,
    MATERIAL_OF,
    NEEDS,
    PEOPLE,
    PLACES,
    THINGS,
)
from training.language.tasks.coreference import SCHEMAS


class Document(NamedTuple):
    """A text in two parts; the second follows from the first, or from what is always true."""

    given: str
    follows: str


def fact(random: Random) -> Document:
    """What is always true: kinds, materials and what they do."""
    thing = random.choice(THINGS)
    kind, material = KIND_OF[thing], MATERIAL_OF.get(thing)
    found = [f"is a {kind}"]
    if kind in BEHAVIOUR:
        found.append(BEHAVIOUR[kind])
    if material:
        found += [f"is made of {material}", BEHAVIOUR[material]]
    random.shuffle(found)
    return Document(f"a {thing}", " . it ".join(found) + " .")


def caption(random: Random) -> Document:
    """What is seen: things with colours, beside each other or at a place."""
    first, second = random.sample(THINGS, 2)
    one, two = random.sample(COLOURS, 2)
    here, there = random.sample(PLACES, 2)
    return random.choice(
        (
            Document(
                f"a {one} {first} and a {two} {second} .", f"the {second} is {two} . the {first} is {one} ."
            ),
            Document(f"the {first} is left of the {second} .", f"the {second} is right of the {first} ."),
            Document(
                f"the {first} is in the {here} . the {second} is in the {there} .",
                f"in the {there} is the {second} . in the {here} is the {first} .",
            ),
        )
    )


def tale(random: Random) -> Document:
    """What happens to two people: what they lack, hold, give, and where they are."""
    one, two = random.sample(PEOPLE, 2)
    first, second = random.sample(THINGS, 2)
    here, there = random.sample(PLACES, 2)
    need, other = random.sample(sorted(NEEDS), 2)
    cause, effect = random.sample(AMOUNTS, 2)
    change = random.choice(("more", "less"))
    verb, of_subject, of_object = random.choice(SCHEMAS)
    return random.choice(
        (
            Document(
                f"{one} was {need} . {two} was {other} .",
                f"{two} {NEEDS[other][1]} . {one} {NEEDS[need][1]} .",
            ),
            Document(f"{one} was {need} .", f"{one} found the {NEEDS[need][0]} ."),
            Document(
                f"{one} has a {first} . {two} has a {second} .",
                f"{two} has a {KIND_OF[second]} . {one} has a {KIND_OF[first]} .",
            ),
            Document(
                f"{one} has the {first} . {one} is in the {here} .",
                f"the {first} is in the {here} .",
            ),
            Document(
                f"{one} is in the {here} . {two} is in the {there} .",
                f"in the {there} is {two} . in the {here} is {one} .",
            ),
            Document(f"{one} gave the {first} to {two} .", f"{two} got the {first} from {one} ."),
            Document(f"{one} was {of_subject} . {two} was {of_object} .", f"{one} {verb} {two} ."),
            Document(
                f"more {cause} means {change} {effect} . {one} has more {cause} than {two} .",
                f"{one} has {change} {effect} than {two} .",
            ),
        )
    )


KINDS_OF_TEXT: Sequence[Callable[[Random], Document]] = (fact, caption, tale, tale)
"""Drawn with equal chances."""
