"""Vehicles in any colour before any backdrop, so that neither gives the class away; mirrors Stanford Cars."""

import random

from .backdrops import meadow, plain, road, sea, sky
from .labelled_image import SIZE, LabelledImage, SyntheticTask
from .palette import PALETTE, Colour, contrast, jitter, pick
from .pen import Pen
from .vehicle_shapes import DRAWERS, Look

SCENES = (sky, road, sea, meadow)


def draw(label: int, rng: random.Random) -> LabelledImage:
    """Return an image of the vehicle ``label``."""
    _, drawer, largest_tilt = DRAWERS[label]
    backdrop = plain(rng) if rng.random() < 0.35 else rng.choice(SCENES)(rng)
    name, body = pick(rng, backdrop.colour)
    look = Look(jitter(body, rng, 24), jitter(_trim(rng, body, backdrop.colour), rng, 24), _glass(rng, body))
    size = rng.uniform(27, 43)
    slack = max(0.0, SIZE / 2 - size) + 3
    centre = (SIZE / 2 + rng.uniform(-slack, slack), SIZE / 2 + rng.uniform(-slack, slack))
    tilt = rng.uniform(-largest_tilt, largest_tilt)
    drawer(Pen(backdrop.image, centre, size, tilt, mirrored=rng.random() < 0.5), rng, look)
    details = (name, backdrop.words)
    return LabelledImage(backdrop.image, (*details, "small") if size < 31 else details)


def _trim(rng: random.Random, body: Colour, behind: Colour) -> Colour:
    """Return a second colour that stands out from the body and, where one exists, from the background."""
    apart = [rgb for rgb in PALETTE.values() if min(contrast(rgb, body), contrast(rgb, behind)) > 90.0]
    return rng.choice(apart) if apart else pick(rng, body)[1]


def _glass(rng: random.Random, body: Colour) -> Colour:
    pale = 0.3 * body[0] + 0.59 * body[1] + 0.11 * body[2] > 165
    return jitter((70, 96, 124) if pale else (202, 226, 238), rng, 24)


FAMILY = SyntheticTask(
    key="vehicles",
    title="Vehicles",
    noun="a vehicle",
    concepts=tuple(concept for concept, _, _ in DRAWERS),
    prompts=("a picture of a {}.", "a photo of the {}.", "a {}, a type of vehicle."),
    draw=draw,
    mirrors="Stanford Cars",
)
