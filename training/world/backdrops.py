"""Backdrops of vehicles and signs: sky, road, sea, meadow, street, foliage or a plain colour."""

import random
from dataclasses import dataclass

from PIL import Image

from .labelled_image import SIZE
from .palette import Colour, ground, jitter, pick
from .pen import Pen, shade


@dataclass(frozen=True)
class Backdrop:
    """A background, what a caption says of it, and the colour a thing before it must stand out from."""

    words: str
    image: Image.Image
    colour: Colour


def plain(rng: random.Random) -> Backdrop:
    """Return a ground of one named colour."""
    name, rgb = pick(rng)
    rgb = jitter(rgb, rng, 24)
    article = "an" if name[0] in "aeiou" else "a"
    return Backdrop(f"on {article} {name} background", ground(rng, rgb), rgb)


def _clouds(image: Image.Image, rng: random.Random, colour: Colour) -> None:
    pen = Pen(image, (0, 0), 1)
    for _ in range(rng.randint(0, 3)):
        x, y, size = rng.uniform(0, SIZE), rng.uniform(0, SIZE), rng.uniform(5, 12)
        for offset in (-1.1, 0.0, 1.1):
            pen.disc(x + offset * size, y, size * (1 - 0.3 * abs(offset)), colour)


def sky(rng: random.Random) -> Backdrop:
    """Return a grey or a blue sky, often with clouds."""
    if rng.random() < 0.3:
        grey = jitter((182, 188, 194), rng, 40)
        return Backdrop("in front of a grey sky", ground(rng, grey), grey)
    blue = jitter(rng.choice(((120, 176, 230), (84, 140, 206), (164, 204, 238))), rng, 24)
    image = ground(rng, blue)
    _clouds(image, rng, shade(blue, 1.6))
    return Backdrop("in front of a blue sky", image, blue)


def _banded(rng: random.Random, upper: Colour, lower: Colour, horizon: float) -> Image.Image:
    image = ground(rng, upper)
    image.paste(ground(rng, lower).crop((0, 0, SIZE, SIZE - round(horizon))), (0, round(horizon)))
    return image


def road(rng: random.Random) -> Backdrop:
    """Return tarmac with a dashed line before a pale wall."""
    tarmac = jitter((118, 120, 126), rng, 24)
    edge = rng.uniform(44, 62)
    image = _banded(rng, jitter((206, 196, 184), rng, 50), tarmac, edge)
    dashes = Pen(image, (rng.uniform(-16, 0), edge + (SIZE - edge) * 0.6), 1)
    for index in range(5):
        dashes.box(index * 28, 0, index * 28 + 15, 4, (238, 238, 230))
    return Backdrop("in front of a road", image, tarmac)


def sea(rng: random.Random) -> Backdrop:
    """Return water with ripples under a pale sky."""
    water = jitter((58, 128, 172), rng, 36)
    edge = rng.uniform(34, 60)
    image = _banded(rng, jitter((196, 222, 238), rng, 24), water, edge)
    pen = Pen(image, (0, edge), 1)
    for _ in range(7):
        x, y = rng.uniform(-4, SIZE), rng.uniform(6, SIZE - edge)
        pen.line(((x, y), (x + 10, y)), shade(water, 1.35), 2)
    return Backdrop("by the sea", image, water)


def meadow(rng: random.Random) -> Backdrop:
    """Return grass under a pale sky."""
    grass = jitter((118, 172, 84), rng, 36)
    image = _banded(rng, jitter((196, 222, 240), rng, 30), grass, rng.uniform(30, 62))
    return Backdrop("in a meadow", image, grass)


def street(rng: random.Random) -> Backdrop:
    """Return house fronts with windows along a road."""
    air = jitter((190, 208, 222), rng, 30)
    image = ground(rng, air)
    pen = Pen(image, (0, 0), 1)
    left, floor = rng.uniform(-25, 0), rng.uniform(70, 84)
    while left < SIZE:
        width, top = rng.uniform(24, 44), rng.uniform(-20, 34)
        wall = jitter(
            rng.choice(((176, 112, 92), (206, 188, 156), (150, 152, 160), (214, 204, 190))), rng, 30
        )
        pen.box(left, top, left + width, floor, wall)
        for x in range(round(left) + 4, round(left + width) - 6, 11):
            for y in range(round(top) + 6, round(floor) - 10, 16):
                pen.box(x, y, x + 6, y + 9, shade(wall, 0.6))
        left += width
    pen.box(0, floor, SIZE, SIZE, jitter((104, 106, 112), rng, 24))
    return Backdrop("in a street", image, air)


def foliage(rng: random.Random) -> Backdrop:
    """Return leaves, green or autumnal."""
    autumn = rng.random() < 0.3
    leaf = jitter((176, 120, 54) if autumn else (74, 122, 60), rng, 36)
    image = ground(rng, shade(leaf, 0.8))
    pen = Pen(image, (0, 0), 1)
    for _ in range(34):
        radius = rng.uniform(4, 11)
        pen.disc(rng.uniform(0, SIZE), rng.uniform(0, SIZE), radius, shade(leaf, rng.uniform(0.65, 1.15)))
    words = "in front of autumn leaves" if autumn else "in front of green leaves"
    return Backdrop(words, image, leaf)
