"""Entailment: whether a claim follows from two sentences and from what things are."""

from random import Random

from evaluators.data.text_questions import TextQuestion
from training.language.lexicon import KIND_OF, KINDS, MATERIAL_OF, MATERIALS, PEOPLE, THINGS
from training.language.tasks.same_meaning import YES_NO


def _broader(thing: str, random: Random) -> tuple[str, str]:
    """A claim that is true of a thing, and one of the same form that is not."""
    if thing in MATERIAL_OF and random.random() < 0.4:
        material = MATERIAL_OF[thing]
        return (
            f"something of {material}",
            f"something of {random.choice([m for m in MATERIALS if m != material])}",
        )
    kind = KIND_OF[thing]
    return f"a {kind}", f"a {random.choice([other for other in KINDS if other != kind])}"


def entailment(random: Random) -> TextQuestion:
    """Draw a text and a claim; half of the claims follow, and most others are true of the other person."""
    people = random.sample(PEOPLE, 2)
    things = random.sample(THINGS, 2)
    texts = [f"{person} has a {thing} ." for person, thing in zip(people, things, strict=True)]
    whom = random.randrange(2)
    true, false = _broader(things[whom], random)
    follows = random.random() < 0.5
    if not follows and random.random() < 0.6:
        other, _ = _broader(things[1 - whom], random)
        false = (
            false
            if other == true or other.split()[-1] in (KIND_OF[things[whom]], MATERIAL_OF.get(things[whom]))
            else other
        )
    claim = f"{people[whom]} has {true if follows else false}"
    return TextQuestion(f"does it follow ? {' '.join(texts)} claim : {claim} .", YES_NO, 0 if follows else 1)
