"""Drawings of vehicles from the side (the airplane from above): one small function per vehicle."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from .labelled_image import Concept
from .palette import Colour
from .pen import Pen, arc, shade

RUBBER: Colour = (34, 34, 38)
STEEL: Colour = (176, 180, 186)
LAMP: Colour = (255, 236, 150)
TANK: Colour = (74, 76, 84)


@dataclass(frozen=True)
class Look:
    """The colours of one vehicle."""

    body: Colour
    trim: Colour
    glass: Colour


def _wheel(pen: Pen, x: float, y: float, radius: float) -> None:
    pen.disc(x, y, radius, RUBBER)
    pen.disc(x, y, radius * 0.48, STEEL)


def _spoked_wheel(pen: Pen, x: float, y: float, radius: float, thickness: float, colour: Colour) -> None:
    pen.ring(x, y, radius, colour, thickness)
    pen.disc(x, y, radius * 0.18, colour)


def _car(pen: Pen, rng: random.Random, look: Look) -> None:
    roof, wheel = rng.uniform(-0.56, -0.4), rng.uniform(0.2, 0.25)
    back, nose = rng.uniform(-0.85, -0.5), rng.uniform(0.4, 0.6)
    pen.shape(((back, -0.08), (back + 0.2, roof), (nose - 0.38, roof), (nose, -0.08)), look.body)
    pen.shape(
        ((-1, 0.0), (-0.94, -0.14), (nose, -0.12), (0.9, 0.0), (1, 0.14), (0.98, 0.32), (-0.98, 0.32)),
        look.body,
    )
    middle = (back + nose) / 2
    pen.shape(
        (
            (back + 0.15, -0.1),
            (back + 0.26, roof + 0.08),
            (middle - 0.04, roof + 0.08),
            (middle - 0.04, -0.1),
        ),
        look.glass,
    )
    pen.shape(
        (
            (middle + 0.04, -0.1),
            (middle + 0.04, roof + 0.08),
            (nose - 0.42, roof + 0.08),
            (nose - 0.12, -0.1),
        ),
        look.glass,
    )
    pen.line(((-0.95, 0.13), (0.95, 0.13)), shade(look.body, 0.75), 0.05)
    pen.disc(0.9, 0.08, 0.08, LAMP)
    _wheel(pen, -0.56, 0.32, wheel)
    _wheel(pen, 0.56, 0.32, wheel)


def _bus(pen: Pen, rng: random.Random, look: Look) -> None:
    top, windows = rng.uniform(-0.62, -0.46), rng.randint(4, 6)
    pen.shape(((-1, 0.36), (-1, top + 0.06), (-0.94, top), (0.9, top), (1, top + 0.12), (1, 0.36)), look.body)
    step = 1.5 / windows
    for index in range(windows):
        left = -0.92 + index * step
        pen.box(left, top + 0.14, left + step * 0.76, -0.1, look.glass)
    pen.box(0.64, top + 0.14, 0.82, 0.34, shade(look.glass, 0.8))
    pen.box(0.88, top + 0.14, 1, 0.0, look.glass)
    pen.line(((-1, 0.08), (0.62, 0.08)), look.trim, 0.09)
    _wheel(pen, rng.uniform(-0.66, -0.54), 0.37, 0.19)
    _wheel(pen, 0.46, 0.37, 0.19)


def _truck(pen: Pen, rng: random.Random, look: Look) -> None:
    top, split = rng.uniform(-0.72, -0.5), rng.uniform(0.28, 0.42)
    pen.box(-1, 0.22, 0.95, 0.34, TANK)
    pen.box(-1, top, split - 0.06, 0.24, look.trim)
    if rng.random() < 0.5:
        for x in (-0.7, -0.4, -0.1):
            pen.line(((x, top + 0.06), (x, 0.18)), shade(look.trim, 0.8), 0.04)
    else:
        pen.line(((-1, -0.16), (split - 0.06, -0.16)), look.body, 0.14)
    pen.shape(((split, 0.34), (split, -0.36), (0.78, -0.36), (0.92, 0.0), (1, 0.06), (1, 0.34)), look.body)
    pen.shape(((split + 0.16, -0.02), (split + 0.16, -0.27), (0.73, -0.27), (0.83, -0.02)), look.glass)
    pen.disc(0.95, 0.18, 0.07, LAMP)
    for x in (-0.78, -0.38, 0.66):
        _wheel(pen, x, 0.4, 0.2)


def _bicycle(pen: Pen, rng: random.Random, look: Look) -> None:
    wheel, seat = rng.uniform(0.38, 0.46), rng.uniform(-0.5, -0.36)
    back, front, pedals = (-0.55, 0.2), (0.55, 0.2), (-0.06, 0.22)
    for hub in (back, front):
        _spoked_wheel(pen, *hub, wheel, 0.07, shade(look.body, 0.7))
    saddle, head = (-0.22, seat), (0.36, -0.4)
    pen.line((back, saddle, pedals, back), look.body, 0.09)
    pen.line((saddle, (0.38, -0.3), pedals), look.body, 0.09)
    pen.line((front, head, (0.32, -0.56), (0.5, -0.62)), look.body, 0.09)
    pen.line(((-0.38, seat - 0.04), (-0.08, seat - 0.04)), RUBBER, 0.12)
    pen.disc(*pedals, 0.1, STEEL)


def _rails(pen: Pen) -> None:
    for step in range(-10, 11):
        pen.box(step * 0.3 - 0.07, 0.56, step * 0.3 + 0.07, 0.66, (92, 70, 52))
    pen.line(((-3.2, 0.55), (3.2, 0.55)), STEEL, 0.06)


def _wagon(pen: Pen, right: float, top: float, look: Look) -> None:
    pen.box(right - 1.1, top, right, 0.36, look.body)
    pen.line(((right - 1.1, 0.16), (right, 0.16)), look.trim, 0.09)
    for window in range(3):
        left = right - 1.02 + window * 0.34
        pen.box(left, top + 0.12, left + 0.24, top + 0.38, look.glass)
    for x in (right - 0.88, right - 0.22):
        _wheel(pen, x, 0.42, 0.13)
    pen.line(((right, 0.32), (right + 0.14, 0.32)), RUBBER, 0.07)


def _modern_engine(pen: Pen, top: float, look: Look) -> None:
    pen.shape(
        ((-0.2, 0.36), (-0.2, top), (0.5, top), (0.8, top + 0.22), (1.02, 0.2), (1.02, 0.36)), look.body
    )
    pen.shape(((0.46, top + 0.1), (0.56, top + 0.1), (0.8, top + 0.36), (0.46, top + 0.36)), look.glass)
    pen.box(-0.1, top + 0.12, 0.32, top + 0.36, look.glass)
    pen.line(((-0.2, 0.16), (1, 0.16)), look.trim, 0.09)
    for x in (0.04, 0.3, 0.72):
        _wheel(pen, x, 0.42, 0.13)


def _steam_engine(pen: Pen, top: float, look: Look) -> None:
    for x, radius in ((0.6, 0.1), (0.4, 0.14), (0.12, 0.17)):
        pen.disc(x, top - 0.4 - radius, radius, (236, 236, 238))
    pen.box(-0.2, top, 0.22, 0.36, look.body)
    pen.box(-0.26, top - 0.08, 0.28, top + 0.02, look.trim)
    pen.box(-0.1, top + 0.12, 0.12, top + 0.34, look.glass)
    pen.box(0.22, -0.2, 0.92, 0.26, look.body)
    pen.shape(((0.62, -0.18), (0.58, top - 0.14), (0.86, top - 0.14), (0.8, -0.18)), RUBBER)
    pen.shape(((0.8, 0.28), (0.96, 0.28), (1.12, 0.5), (0.8, 0.5)), look.trim)
    for x in (0.02, 0.36, 0.7):
        _wheel(pen, x, 0.36, 0.18)


def _train(pen: Pen, rng: random.Random, look: Look) -> None:
    top = rng.uniform(-0.5, -0.38)
    _rails(pen)
    for right in (-0.34, -1.58, -2.82):
        _wagon(pen, right, top, look)
    engine = _modern_engine if rng.random() < 0.5 else _steam_engine
    engine(pen, top, look)


def _airplane(pen: Pen, rng: random.Random, look: Look) -> None:
    sweep, span, width = rng.uniform(0.15, 0.5), rng.uniform(0.75, 1.0), rng.uniform(0.11, 0.16)
    for side in (-1, 1):
        pen.shape(
            ((0.3, 0), (0.12 - sweep, side * span), (-0.08 - sweep, side * span), (-0.16, 0)), look.trim
        )
        pen.shape(((-0.66, 0), (-0.88, side * 0.38), (-1.0, side * 0.38), (-0.92, 0)), look.trim)
        engine = 0.16 - sweep * 0.45
        pen.box(engine - 0.12, side * span * 0.45 - 0.06, engine + 0.16, side * span * 0.45 + 0.06, TANK)
    hull = [
        *arc((0.72, 0), (0.28, width), -90, 90, 8),
        (-0.6, width),
        (-1, 0.04),
        (-1, -0.04),
        (-0.6, -width),
    ]
    pen.shape(hull, look.body)
    pen.box(0.74, -width * 0.7, 0.84, width * 0.7, look.glass)
    pen.line(((-1, 0), (-0.7, 0)), look.trim, 0.06)


def _sailboat(pen: Pen, rng: random.Random, look: Look) -> None:
    mast, peak, boom = rng.uniform(-0.08, 0.14), rng.uniform(-1.05, -0.85), rng.uniform(-0.82, -0.6)
    pen.line(((mast, 0.45), (mast, peak - 0.05)), (98, 70, 48), 0.07)
    pen.shape(((mast - 0.06, peak), (boom, 0.3), (mast - 0.06, 0.3)), look.trim)
    pen.shape(((mast + 0.07, peak + 0.14), (0.72, 0.3), (mast + 0.07, 0.3)), shade(look.trim, 0.82))
    pen.shape(((-0.85, 0.42), (0.95, 0.42), (0.6, 0.8), (-0.65, 0.8)), look.body)
    pen.line(((-0.8, 0.5), (0.86, 0.5)), shade(look.body, 0.7), 0.06)


def _tractor(pen: Pen, rng: random.Random, look: Look) -> None:
    big, small = rng.uniform(0.42, 0.5), rng.uniform(0.2, 0.26)
    roof = rng.uniform(-0.86, -0.72)
    pen.shape(((-0.62, -0.1), (-0.52, roof), (0.02, roof), (0.1, -0.1)), look.glass)
    for x, foot in ((-0.56, -0.64), (0.05, 0.12)):
        pen.line(((x, roof), (foot, -0.08)), look.body, 0.08)
    pen.box(-0.66, roof - 0.1, 0.16, roof + 0.02, look.body)
    pen.shape(((-0.75, -0.14), (0.72, -0.14), (0.88, 0.0), (0.88, 0.34), (-0.6, 0.34)), look.body)
    for x in (0.58, 0.7):
        pen.line(((x, -0.02), (x, 0.22)), shade(look.body, 0.6), 0.05)
    pen.line(((0.42, -0.12), (0.42, -0.56)), TANK, 0.1)
    for x, radius in ((-0.46, big), (0.64, small)):
        pen.disc(x, 0.68 - radius, radius, RUBBER)
        pen.disc(x, 0.68 - radius, radius * 0.55, look.trim)


def _motorcycle(pen: Pen, rng: random.Random, look: Look) -> None:
    wheel = rng.uniform(0.31, 0.36)
    for x in (-0.62, 0.66):
        pen.disc(x, 0.28, wheel, RUBBER)
        pen.disc(x, 0.28, wheel * 0.5, STEEL)
    pen.line(((-0.62, 0.28), (-0.1, 0.32), (0.2, 0.1)), TANK, 0.12)
    pen.line(((0.66, 0.28), (0.36, -0.34), (0.12, -0.5)), STEEL, 0.1)
    pen.shape(((-0.28, 0.04), (0.26, 0.0), (0.2, 0.38), (-0.2, 0.42)), TANK)
    pen.shape(((-0.06, -0.06), (0.06, -0.32), (0.4, -0.34), (0.46, -0.16), (0.28, 0.04)), look.body)
    pen.shape(
        ((-0.98, -0.22), (-0.84, -0.3), (-0.4, -0.12), (0.02, -0.1), (-0.1, 0.1), (-0.5, 0.06)), look.body
    )
    pen.line(((-0.72, -0.24), (-0.4, -0.16), (0.0, -0.16)), RUBBER, 0.12)
    pen.line(((-0.1, 0.42), (-0.96, 0.4)), STEEL, 0.11)
    pen.disc(0.5, -0.28, 0.11, LAMP)


def _helicopter(pen: Pen, rng: random.Random, look: Look) -> None:
    dark = shade(look.body, 0.6)
    rotor, tail = rng.uniform(0.8, 1.05), rng.uniform(-0.24, -0.08)
    pen.shape(((0.0, -0.26), (-1.0, tail - 0.06), (-1.0, tail + 0.06), (0.0, 0.2)), look.body)
    pen.shape(((-0.84, tail), (-1.08, tail - 0.34), (-1.18, tail - 0.32), (-1.04, tail + 0.04)), look.trim)
    pen.shape(arc((0.28, 0.02), (0.56, 0.36), 0, 360, 20), look.body)
    pen.shape([(0.36, 0.06), *arc((0.3, 0.02), (0.5, 0.29), -78, 8, 6)], look.glass)
    pen.line(((0.2, -0.3), (0.2, -0.52)), dark, 0.09)
    pen.line(((0.2 - rotor, -0.53), (0.2 + rotor, -0.53)), dark, 0.08)
    for x in (0.04, 0.52):
        pen.line(((x, 0.32), (x, 0.56)), dark, 0.06)
    pen.line(((-0.28, 0.57), (0.74, 0.57), (0.86, 0.49)), dark, 0.07)


def _rocket(pen: Pen, rng: random.Random, look: Look) -> None:
    width, shoulder = rng.uniform(0.22, 0.32), rng.uniform(-0.55, -0.4)
    if rng.random() < 0.7:
        length = rng.uniform(1.0, 1.3)
        pen.shape(((-width * 0.7, 0.6), (0, length), (width * 0.7, 0.6)), (240, 130, 40))
        pen.shape(((-width * 0.35, 0.6), (0, length - 0.2), (width * 0.35, 0.6)), (252, 222, 90))
    for side in (-1, 1):
        pen.shape(((side * width, 0.1), (side * (width + 0.3), 0.7), (side * width * 0.7, 0.6)), look.trim)
    pen.shape(
        (
            (-width, shoulder),
            (width, shoulder),
            (width, 0.3),
            (width * 0.7, 0.62),
            (-width * 0.7, 0.62),
            (-width, 0.3),
        ),
        look.body,
    )
    pen.shape(
        ((-width, shoulder), (-width * 0.55, -0.8), (0, -1.05), (width * 0.55, -0.8), (width, shoulder)),
        look.trim,
    )
    pen.disc(0, -0.18, width * 0.6, shade(look.body, 0.6))
    pen.disc(0, -0.18, width * 0.42, look.glass)


def _balloon(pen: Pen, rng: random.Random, look: Look) -> None:
    wide, tall = rng.uniform(0.58, 0.74), rng.uniform(0.6, 0.7)
    for share, colour in ((1.0, look.body), (0.62, look.trim), (0.22, look.body)):
        dome = arc((0, -0.34), (wide * share, tall), 180, 360, 12)
        pen.shape([*dome, (0.24 * share, 0.56), (-0.24 * share, 0.56)], colour)
    for side in (-1, 1):
        pen.line(((side * 0.2, 0.54), (side * 0.14, 0.8)), (70, 52, 38), 0.04)
    pen.box(-0.17, 0.76, 0.17, 1.0, (140, 92, 54))
    pen.line(((-0.18, 0.77), (0.18, 0.77)), (92, 58, 34), 0.06)


DRAWERS: tuple[tuple[Concept, Callable[[Pen, random.Random, Look], None], float], ...] = (
    # concept, drawer, largest tilt in radians
    (Concept("car", "auto"), _car, 0.12),
    (Concept("bus", "omnibus"), _bus, 0.12),
    (Concept("truck", "lastwagen"), _truck, 0.12),
    (Concept("bicycle", "fahrrad"), _bicycle, 0.15),
    (Concept("train", "zug"), _train, 0.1),
    (Concept("airplane", "flugzeug"), _airplane, 0.7),
    (Concept("sailboat", "segelboot"), _sailboat, 0.15),
    (Concept("tractor", "traktor"), _tractor, 0.12),
    (Concept("motorcycle", "motorrad"), _motorcycle, 0.15),
    (Concept("helicopter", "hubschrauber"), _helicopter, 0.25),
    (Concept("rocket", "rakete"), _rocket, 0.6),
    (Concept("hot-air balloon", "heißluftballon"), _balloon, 0.15),
)
