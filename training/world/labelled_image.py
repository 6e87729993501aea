"""A family of synthetic images: its concepts, its prompts and the function that draws one.

A family draws at ``SIZE`` x ``SIZE`` pixels in full colour; ``looks.py`` then applies camera and
medium (a photo, a pencil sketch, a faded print) and brings the image to the encoder's 48 pixels.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

SIZE = 96


@dataclass(frozen=True)
class Concept:
    """One class of a family.

    Args:
        name: the English name that the task's prompts ask for.
        foreign: its German name. Half of the concepts of a family are captioned under this name
            only, so the encoder learns to tell them apart without learning what the prompts call them.
    """

    name: str
    foreign: str


@dataclass(frozen=True)
class LabelledImage:
    """A drawn image and what a caption may truthfully say about it.

    Args:
        image: RGB, ``SIZE`` x ``SIZE``.
        details: visible attributes as caption fragments, for example ``("red", "on a green background")``.
    """

    image: Image.Image
    details: tuple[str, ...]


@dataclass(frozen=True)
class SyntheticTask:
    """A task of synthetic images.

    Args:
        key: file-name-safe identifier, for example ``"street_numbers"``.
        title: what the page calls it.
        noun: generic caption for an image whose concept is not named, for example ``"a vehicle"``.
        concepts: the classes, in label order.
        prompts: zero-shot templates with one ``{}`` for the class name.
        draw: ``draw(label, rng)`` returns an image of that concept; every random choice comes from ``rng``.
        mirrors: the data set of the paper that this family stands for.
    """

    key: str
    title: str
    noun: str
    concepts: tuple[Concept, ...]
    prompts: tuple[str, ...]
    draw: Callable[[int, random.Random], LabelledImage]
    mirrors: str
