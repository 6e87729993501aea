"""Satellite images: land use seen from straight above, in any orientation; mirrors EuroSAT and RESISC45."""

import math
import random

import numpy as np
from PIL import Image

from .labelled_image import SIZE, LabelledImage, SyntheticTask
from .land_uses import SEASONS, USES, Land
from .palette import ground, jitter
from .pen import Pen

SEASONLESS = frozenset({"desert", "harbour", "industrial buildings"})


def _region(rng: random.Random) -> Land:
    [season] = rng.choices(SEASONS, weights=(4, 3, 3, 2))
    colours = (season.plain, season.tree, season.soil, season.water, season.paved)
    plain, tree, soil, water, paved = (jitter(colour, rng, 26) for colour in colours)
    return Land(season.words, plain, tree, soil, water, paved)


def _clouds(image: Image.Image, rng: random.Random) -> Image.Image:
    """Return the image under a few thin clouds."""
    noise = np.random.default_rng(rng.getrandbits(64)).random((5, 5))
    veil = (np.clip(noise - 0.45, 0.0, 1.0) * 320.0).astype(np.uint8)
    mask = Image.fromarray(veil, "L").resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return Image.composite(Image.new("RGB", (SIZE, SIZE), (246, 246, 248)), image, mask)


def draw(label: int, rng: random.Random) -> LabelledImage:
    """Return an image of the land use ``label``."""
    concept, drawer = USES[label]
    land = _region(rng)
    image = ground(rng, land.plain)
    size = SIZE / 2 * rng.uniform(1.0, 1.3)
    turn = rng.choice((0.0, 0.5, 1.0, 1.5)) * math.pi + rng.gauss(0, 0.25)
    drawer(Pen(image, (SIZE / 2, SIZE / 2), size, turn, mirrored=rng.random() < 0.5), rng, land)
    details = [] if concept.name in SEASONLESS else [land.words]
    if rng.random() < 0.15:
        image = _clouds(image, rng)
        details.append("under thin clouds")
    if not details or rng.random() < 0.3:
        details.append("seen from above")
    return LabelledImage(image, tuple(details))


FAMILY = SyntheticTask(
    key="satellite",
    title="Satellite images",
    noun="a satellite picture",
    concepts=tuple(concept for concept, _ in USES),
    prompts=("a satellite picture of {}.", "an aerial photo of {}.", "{} seen from above."),
    draw=draw,
    mirrors="EuroSAT and RESISC45",
)
