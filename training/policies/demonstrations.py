"""Summaries as people of different care and taste would write them: what the model learns from first."""

import random
from dataclasses import replace

from evaluators.policies.scene_facts import Fact, draw_scene, facts_of
from evaluators.policies.scene_words import COLOURS, MOODS, NAMES, ROLES

LENGTHS = (1, 2, 2, 3)
IN_ORDER = 0.7
MENTIONED = 0.5
"""Chance that a mood or colour of the scene is mentioned."""
INVENTED = 0.2
"""Chance that one is invented where the scene says nothing."""


def copied(number: int) -> tuple[str, str]:
    """Training scene ``number``, and some of its facts, whole, in any order."""
    scene = draw_scene("train", number)
    draw, facts = random.Random(number), facts_of(scene)
    return scene, " ".join(fact.sentence() for fact in draw.sample(facts, draw.randint(1, len(facts))))


def demonstration(number: int) -> tuple[str, str]:
    """Training scene ``number`` and one summary of it, 88 % of its statements true on average."""
    scene = draw_scene("train", number)
    draw = random.Random(f"demonstration {number}")
    facts = facts_of(scene)
    chosen = sorted(draw.sample(range(len(facts)), draw.choice(LENGTHS)))
    if draw.random() > IN_ORDER:
        draw.shuffle(chosen)
    return scene, " ".join(_told(facts[index], draw).sentence() for index in chosen)


def _told(fact: Fact, draw: random.Random) -> Fact:
    role = NAMES.index(fact.name) % ROLES
    mood, colour = _word(fact.mood, MOODS[role::ROLES], draw), _word(fact.colour, COLOURS[role::ROLES], draw)
    return replace(fact, mood=mood, colour=colour)


def _word(given: str, words: tuple[str, ...], draw: random.Random) -> str:
    if draw.random() >= (MENTIONED if given else INVENTED):
        return ""
    return given or draw.choice(words)
