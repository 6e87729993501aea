"""Thirty-two everyday objects, upright on a calm ground: a small ImageNet.

The same objects can be drawn from odd views (turned, foreshortened, partly out of the frame, on a
restless ground) and with clutter behind and in front of them; the shifted test sets use both.
"""

import math
import random

from PIL import ImageDraw

from .labelled_image import SIZE, Concept, LabelledImage, SyntheticTask
from .object_shapes import NATURE
from .object_tools import MADE_THINGS
from .palette import PALETTE, Colour, ground, jitter, pick
from .view_pen import View, ViewPen, shadow, tint

GERMAN = {
    "apple": "apfel",
    "fish": "fisch",
    "cat": "katze",
    "tree": "baum",
    "mushroom": "pilz",
    "flower": "blume",
    "butterfly": "schmetterling",
    "snail": "schnecke",
    "cactus": "kaktus",
    "heart": "herz",
    "star": "stern",
    "house": "haus",
    "cup": "tasse",
    "key": "schlüssel",
    "umbrella": "regenschirm",
    "chair": "stuhl",
    "clock": "uhr",
    "bottle": "flasche",
    "book": "buch",
    "guitar": "gitarre",
    "hammer": "hammer",
    "light bulb": "glühbirne",
    "shoe": "schuh",
    "hat": "hut",
    "bell": "glocke",
    "crown": "krone",
    "anchor": "anker",
    "ladder": "leiter",
    "scissors": "schere",
    "spoon": "löffel",
    "candle": "kerze",
    "envelope": "briefumschlag",
}
DRAWINGS = {**NATURE, **MADE_THINGS}
CONCEPTS = tuple(Concept(name, GERMAN[name]) for name in DRAWINGS)


def draw_object(label: int, rng: random.Random, *, odd_view: bool = False, clutter: int = 0) -> LabelledImage:
    """Draw one object.

    Args:
        label: index into ``CONCEPTS``.
        rng: source of every random choice.
        odd_view: turn it by any angle, foreshorten it and let the frame cut it, on a restless ground.
        clutter: how many distracting shapes to add, two thirds of them behind the object.
    """
    ground_name, ground_rgb = pick(rng)
    body_name, body = pick(rng, avoid=ground_rgb)
    image = ground(rng, jitter(ground_rgb, rng, 26))
    draw = ImageDraw.Draw(image)
    if odd_view:
        _restless_ground(draw, rng, ground_rgb)
    in_front = clutter // 3
    for _ in range(clutter - in_front):
        _distraction(draw, rng)
    view = _odd_view(rng) if odd_view else _upright_view(rng)
    if not (odd_view or clutter) and rng.random() < 0.6:
        _floor_shadow(draw, view, jitter(ground_rgb, rng, 10))
    DRAWINGS[CONCEPTS[label].name](ViewPen(draw, view), jitter(body, rng, 30), rng)
    for _ in range(in_front):
        _occluder(draw, rng)
    plain = not (odd_view or clutter)
    return LabelledImage(image, _details(body_name, ground_name, view) if plain else (body_name,))


def _details(body_name: str, ground_name: str, view: View) -> tuple[str, ...]:
    details = [body_name, f"on a {ground_name} background"]
    if view.size < 0.62:
        details.append("small")
    elif view.size > 0.84:
        details.append("large")
    return tuple(details)


def _upright_view(rng: random.Random) -> View:
    size = rng.uniform(0.54, 0.94)
    room = (1 - size) / 2
    return View(
        size=size,
        middle=(0.5 + rng.uniform(-room, room), 0.5 + rng.uniform(-room, room) * 0.8),
        angle=rng.gauss(0, 5),
        stretch=rng.uniform(0.84, 1.19),
        shear=rng.uniform(-0.06, 0.06),
        mirrored=rng.random() < 0.5,
    )


def _odd_view(rng: random.Random) -> View:
    return View(
        size=rng.uniform(0.7, 1.1),
        middle=(rng.uniform(0.32, 0.68), rng.uniform(0.32, 0.68)),
        angle=rng.uniform(35, 325),
        stretch=rng.choice((rng.uniform(0.5, 0.75), rng.uniform(1.35, 2.0))),
        shear=rng.uniform(-0.45, 0.45),
        mirrored=rng.random() < 0.5,
    )


def _floor_shadow(draw: ImageDraw.ImageDraw, view: View, colour: Colour) -> None:
    x, y = view.middle[0] * SIZE, (view.middle[1] + view.size * 0.46) * SIZE
    wide = view.size * SIZE * 0.4
    draw.ellipse((x - wide, y - wide * 0.16, x + wide, y + wide * 0.16), fill=shadow(colour, 0.25))


def _restless_ground(draw: ImageDraw.ImageDraw, rng: random.Random, colour: Colour) -> None:
    """Cover the ground with stripes, tiles or patches in two lights of its colour."""
    second = shadow(colour, 0.3) if rng.random() < 0.5 else tint(colour, 0.35)
    step = rng.randint(8, 20)
    kind = rng.randrange(3)
    if kind == 0:
        lean = rng.uniform(-60, 60)
        for x in range(-SIZE, 2 * SIZE, 2 * step):
            draw.line((x, 0, x + lean, SIZE), fill=second, width=step)
    elif kind == 1:
        for row, y in enumerate(range(0, SIZE, step)):
            for x in range(row % 2 * step, SIZE, 2 * step):
                draw.rectangle((x, y, x + step - 1, y + step - 1), fill=second)
    else:
        for _ in range(9):
            left, top, wide = rng.uniform(-16, SIZE), rng.uniform(-16, SIZE), rng.uniform(12, 40)
            draw.ellipse((left, top, left + wide, top + wide), fill=second)


def _distraction(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    """A plain polygon, disc, ring or bar in any colour and anywhere."""
    x, y, radius = rng.uniform(0, SIZE), rng.uniform(0, SIZE), rng.uniform(6, 20)
    colour = jitter(rng.choice(list(PALETTE.values())), rng, 40)
    kind = rng.randrange(4)
    if kind == 0:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    elif kind == 1:
        draw.regular_polygon((x, y, radius), rng.randint(3, 6), rotation=rng.randrange(360), fill=colour)
    elif kind == 2:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=4)
    else:
        _bar(draw, rng, x, y, colour)


def _occluder(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    """Something small in front: a bar, a disc or a leaf-like sliver near the object's middle."""
    x, y = rng.gauss(0.5, 0.22) * SIZE, rng.gauss(0.5, 0.22) * SIZE
    colour = jitter(rng.choice(list(PALETTE.values())), rng, 40)
    if rng.random() < 0.5:
        _bar(draw, rng, x, y, colour)
    else:
        wide, high = rng.uniform(4, 12), rng.uniform(4, 12)
        draw.ellipse((x - wide, y - high, x + wide, y + high), fill=colour)


def _bar(draw: ImageDraw.ImageDraw, rng: random.Random, x: float, y: float, colour: Colour) -> None:
    angle, reach = rng.uniform(0, math.pi), rng.uniform(12, 34)
    across, down = reach * math.cos(angle), reach * math.sin(angle)
    draw.line((x - across, y - down, x + across, y + down), fill=colour, width=rng.randint(3, 7))


FAMILY = SyntheticTask(
    key="objects",
    title="Everyday objects",
    noun="an object",
    concepts=CONCEPTS,
    prompts=("a picture of a {}.", "a drawing of a {}.", "the {}, an everyday object.", "a photo of one {}."),
    draw=draw_object,
    mirrors="ImageNet",
)
