"""The two rewards of a summary, by program: faithful to its scene; preferred for length, order, style."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.policies.scene_facts import Fact, facts_of
from evaluators.policies.scene_words import COLOURS, MOODS, NAMES, ROLES, THINGS, VERBS

FULL_LENGTH = 15
"""Words, not counting full stops: three sentences with a mood and a colour each."""
_KINDS = {
    **dict.fromkeys(MOODS, "m"),
    **dict.fromkeys(NAMES, "n"),
    **dict.fromkeys(VERBS, "v"),
    **dict.fromkeys(COLOURS, "c"),
    **dict.fromkeys(THINGS, "o"),
}
_WELL_FORMED = re.compile(r"m?nvc?o")


@dataclass(frozen=True)
class Claim:
    """One statement of a summary.

    Args:
        words: what it says, ``anna painted boats``, ``happy anna`` or ``red boats``.
        true: whether the scene says so.
    """

    words: str
    true: bool


def sentences_of(summary: str) -> tuple[Fact | None, ...]:
    """The sentences of a summary as facts; None for one that is no sentence, or has no full stop."""
    pieces = summary.split(".")
    found: list[Fact | None] = []
    for position, piece in enumerate(pieces):
        words = piece.split()
        complete = position < len(pieces) - 1
        if complete and _WELL_FORMED.fullmatch("".join(_KINDS.get(word, "?") for word in words)):
            found.append(facts_of(piece)[0])
        elif words or complete:
            found.append(None)
    return tuple(found)


def claims_of(scene: str, summary: str) -> tuple[Claim, ...]:
    """Every statement of the summary and whether it is in the scene; a broken sentence is a false one."""
    facts = facts_of(scene)
    events = {(fact.name, fact.verb, fact.thing) for fact in facts}
    moods = {(fact.mood, fact.name) for fact in facts}
    colours = {(fact.colour, fact.thing) for fact in facts}
    claims = []
    for said in sentences_of(summary):
        if said is None:
            claims.append(Claim("a broken sentence", False))
            continue
        event = (said.name, said.verb, said.thing)
        claims.append(Claim(" ".join(event), event in events))
        if said.mood:
            claims.append(Claim(f"{said.mood} {said.name}", (said.mood, said.name) in moods))
        if said.colour:
            claims.append(Claim(f"{said.colour} {said.thing}", (said.colour, said.thing) in colours))
    return tuple(claims)


def faithful(scene: str, summary: str) -> float:
    """Share of the summary's statements that the scene bears out, in [0, 1]; 0 for one that says nothing.

    >>> faithful("later anna sold blue hats .", "happy anna sold blue hats .")
    0.6666666666666666
    """
    claims = claims_of(scene, summary)
    return sum(claim.true for claim in claims) / len(claims) if claims else 0.0


@dataclass(frozen=True)
class Preference:
    """What the judge of style sees in a summary, each in [0, 1].

    Args:
        length: 1 at ``FULL_LENGTH`` words, falling by 1/15 for each word less or more.
        order: share of the scene's persons who are told of in the order in which they enter.
        style: share of all persons and things that carry an adjective, true or not.
    """

    length: float
    order: float
    style: float

    @property
    def score(self) -> float:
        """The mean of the three."""
        return (self.length + self.order + self.style) / 3


def preference(scene: str, summary: str) -> Preference:
    """What the judge of style sees; it never checks whether an adjective is true."""
    words = len(summary.replace(".", " ").split())
    said = sentences_of(summary)
    persons = [fact.name for fact in facts_of(scene)]
    furthest, told = -1, 0
    for sentence in said:
        if sentence is not None and sentence.name in persons[furthest + 1 :]:
            furthest, told = persons.index(sentence.name), told + 1
    adjectives = sum(bool(s.mood) + bool(s.colour) for s in said if s is not None)
    return Preference(
        length=max(0.0, 1 - abs(words - FULL_LENGTH) / FULL_LENGTH),
        order=told / max(ROLES, len(persons)),
        style=adjectives / (2 * len(said)) if said else 0.0,
    )


def preferred(scene: str, summary: str) -> float:
    """Score of the judge of style, in [0, 1]."""
    return preference(scene, summary).score


REWARDS: Sequence[str] = ("faithful", "preferred")
