"""Captions of the pre-training images.

Captions are bilingual. A caption names a concept in English only if its label is even; the others carry
their German name, so the encoder learns to tell all concepts apart but has never read half of the names
that the zero-shot prompts use. CLIP before fine-tuning is alike: broad features, incomplete names.
"""

import random
from dataclasses import dataclass

from training.world.labelled_image import Concept, SyntheticTask

NOUN_SHARE = 0.06
DETAIL_SHARE = 0.5
FREE_TEMPLATES = ("a picture of {}", "{}", "this is {}", "one {}", "{} as seen here")


def named_in_english(label: int) -> bool:
    """Whether captions of this label use its English name."""
    return label % 2 == 0


def caption_name(concept: Concept, label: int) -> str:
    """The name that captions use for the concept."""
    return concept.name if named_in_english(label) else concept.foreign


@dataclass(frozen=True)
class Caption:
    """A caption and its meaning: two captions with one meaning are not negatives of each other.

    Args:
        text: the sentence.
        meaning: family, label (or nothing for a generic caption) and the details named.
    """

    text: str
    meaning: tuple[str, ...]

    @property
    def generic(self) -> bool:
        """Whether it names the family only."""
        return not self.meaning[1]

    @property
    def plain(self) -> bool:
        """Whether it names no details, so that it is true of every image of its concept."""
        return len(self.meaning) == 2


def write_caption(family: SyntheticTask, label: int, details: tuple[str, ...], rng: random.Random) -> Caption:
    """A truthful caption of an image of ``family.concepts[label]`` that shows ``details``."""
    generic = rng.random() < NOUN_SHARE
    named = (
        tuple(rng.sample(details, rng.randint(1, len(details))))
        if details and rng.random() < DETAIL_SHARE
        else ()
    )
    if generic:
        head = family.noun
    else:
        name = caption_name(family.concepts[label], label)
        template = rng.choice(family.prompts if rng.random() < 0.75 else FREE_TEMPLATES)
        head = template.format(name).rstrip(".")
    meaning = (family.key, "" if generic else str(label), *sorted(named))
    return Caption(", ".join((head, *named)), meaning)
