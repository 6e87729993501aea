"""Multiple choice: which of four things has a property, directly or through what it is made of."""

from random import Random

from evaluators.data.text_questions import TextQuestion
from training.language.lexicon import BEHAVIOUR, KIND_OF, MATERIAL_OF, THINGS


def properties(thing: str) -> tuple[str, ...]:
    """What is true of a thing, as phrases after "which"."""
    kind, material = KIND_OF[thing], MATERIAL_OF.get(thing)
    found = [f"is a {kind}"]
    if kind in BEHAVIOUR:
        found.append(BEHAVIOUR[kind])
    if material:
        found += [f"is made of {material}", BEHAVIOUR[material]]
    return tuple(found)


def multiple_choice(random: Random) -> TextQuestion:
    """Draw a property and four things, one of which has it."""
    right = random.choice(THINGS)
    asked = random.choice(properties(right))
    others = [thing for thing in THINGS if asked not in properties(thing)]
    choices = [right, *random.sample(others, 3)]
    random.shuffle(choices)
    return TextQuestion(f"which {asked} ? {' , '.join(choices)}", tuple(choices), choices.index(right))
