"""The families of synthetic images, and how pre-training shows them: every medium, a loose camera."""

import random
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from training.world import (
    digits,
    faces,
    objects,
    satellite,
    scenes,
    street_numbers,
    textures,
    traffic_signs,
    vehicles,
)
from training.world.labelled_image import LabelledImage, SyntheticTask
from training.world.looks import LOOKS, Camera, take

FAMILIES: Mapping[str, SyntheticTask] = {
    module.FAMILY.key: module.FAMILY
    for module in (
        digits, street_numbers, textures, satellite, traffic_signs, vehicles, scenes, faces, objects,
    )
}  # fmt: skip
TASKS: tuple[str, ...] = tuple(key for key in FAMILIES if key != "objects")

WEB = Camera(rotation=18, zoom=0.22, shift=0.09, looks=("photo",) * (len(LOOKS) // 2) + tuple(LOOKS))


def web_draw(family: SyntheticTask, label: int, rng: random.Random) -> LabelledImage:
    """As the family draws it, but objects also from odd sides and in clutter now and then."""
    if family.key != "objects":
        return family.draw(label, rng)
    return objects.draw_object(label, rng, odd_view=rng.random() < 0.3, clutter=rng.choice([0, 0, 1, 2, 3]))


def web_sample(key: str, label: int, rng: random.Random) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """An image as pre-training sees it: any look, a looser camera."""
    image = web_draw(FAMILIES[key], label, rng)
    return take(image.image, WEB, rng), image.details
