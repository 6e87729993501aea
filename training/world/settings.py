"""The data sets of the lab: a family, its own camera and, for the shifted sets, its own drawing function.

The eight tasks mirror the paper's; ``objects`` stands for ImageNet, and five shifted sets for its relatives.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world import objects
from training.world.catalogue import FAMILIES
from training.world.labelled_image import LabelledImage, SyntheticTask
from training.world.looks import Camera, take


@dataclass(frozen=True)
class Setting:
    """One data set.

    Args:
        key: file-name-safe identifier.
        title: what the page calls it.
        family: whose concepts are its classes.
        camera: how its images are taken.
        draw: how its images are drawn; usually ``family.draw``.
        blurb: one sentence about its images.
        mirrors: the public data set that it stands for.
    """

    key: str
    title: str
    family: SyntheticTask
    camera: Camera
    draw: Callable[[int, random.Random], LabelledImage]
    blurb: str
    mirrors: str

    def sample(self, label: int, rng: random.Random) -> NDArray[np.uint8]:
        """An image of the label, uint8 (48, 48, 3)."""
        return take(self.draw(label, rng).image, self.camera, rng)


def _task(key: str, camera: Camera, blurb: str) -> Setting:
    family = FAMILIES[key]
    return Setting(key, family.title, family, camera, family.draw, blurb, family.mirrors)


def _odd_view(label: int, rng: random.Random) -> LabelledImage:
    return objects.draw_object(label, rng, odd_view=True)


def _cluttered(label: int, rng: random.Random) -> LabelledImage:
    return objects.draw_object(label, rng, clutter=rng.randint(3, 6))


OBJECTS = objects.FAMILY
BAD_LIGHT = ("photo", "night", "grainy", "blurred")
RENDITIONS = ("blueprint", "poster", "negative", "two_inks", "mosaic", "false_colour")
SETTINGS: Mapping[str, Setting] = {
    setting.key: setting
    for setting in (
        _task("digits", Camera(10, 0.12, 0.05), "Digits written by hand, chalk on black and ink on paper."),
        _task("street_numbers", Camera(8, 0.15, 0.06, ("photo", "blurred")), "The middle digit of a number."),
        _task("textures", Camera(20, 0.2, 0.08, ("photo", "faded")), "Patterns that fill the frame."),
        _task("satellite", Camera(0, 0.12, 0.06, ("photo", "blurred", "tinted")), "Land seen from above."),
        _task("traffic_signs", Camera(10, 0.2, 0.08, ("photo", "blurred")), "Signs in all weathers."),
        _task("vehicles", Camera(8, 0.18, 0.08), "Things that drive, float and fly."),
        _task("scenes", Camera(4, 0.12, 0.06, ("photo", "sepia", "faded")), "Places, as photo or postcard."),
        _task("faces", Camera(12, 0.18, 0.07, ("grey",)), "Eight moods in black and white."),
        _task("objects", Camera(8, 0.15, 0.06), "Everyday things in a clean view."),
        Setting(
            "objects_sketch",
            "Objects: sketches",
            OBJECTS,
            Camera(8, 0.15, 0.06, ("sketch",)),
            OBJECTS.draw,
            "The same things as pencil lines.",
            "ImageNet-Sketch",
        ),
        Setting(
            "objects_hard",
            "Objects: hard and cluttered",
            OBJECTS,
            Camera(12, 0.2, 0.08, BAD_LIGHT),
            _cluttered,
            "Half hidden, among other shapes, in bad light.",
            "ImageNet-A",
        ),
        Setting(
            "objects_renditions",
            "Objects: renditions",
            OBJECTS,
            Camera(10, 0.15, 0.06, RENDITIONS),
            OBJECTS.draw,
            "Posters, blueprints, mosaics.",
            "ImageNet-R",
        ),
        Setting(
            "objects_views",
            "Objects: odd views",
            OBJECTS,
            Camera(20, 0.25, 0.1),
            _odd_view,
            "Turned, foreshortened, on unusual grounds.",
            "ObjectNet",
        ),
        Setting(
            "objects_fresh",
            "Objects: fresh draw",
            OBJECTS,
            Camera(12, 0.22, 0.09, ("photo", "photo", "tinted", "faded")),
            OBJECTS.draw,
            "The same things by another camera.",
            "ImageNetV2",
        ),
    )
}
SHIFTS: tuple[str, ...] = tuple(key for key in SETTINGS if key.startswith("objects_"))
