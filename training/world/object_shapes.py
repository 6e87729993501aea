"""How each everyday object looks: one small function per object, in a frame of 100 x 100 units.

Each takes the pen, the body colour and the random source; the proportions vary from draw to draw.
This file draws nature and the plainest signs, ``object_tools.py`` the things people make.
"""

import math
import random
from collections.abc import Callable

from .palette import Colour
from .view_pen import GOLD, INK, LEAF, WHITE, WOOD, ViewPen, curve, shadow, tint

Shape = Callable[[ViewPen, Colour, random.Random], None]


def apple(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    low = rng.uniform(30, 36)
    pen.oval(36, 56, 25, low, body)
    pen.oval(64, 56, 25, low, body)
    pen.oval(50, 62, 26, 29, body)
    pen.oval(50, 29, 9, 5, shadow(body, 0.45))
    pen.line(((50, 30), (52, 18), (57, 9)), WOOD, 5)
    pen.polygon(((55, 19), (66, 8), (82, 8), (73, 20)), LEAF)
    pen.oval(28, 46, 6, 11, tint(body, 0.55))


def fish(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    fat = rng.uniform(19, 26)
    pen.polygon(((66, 50), (96, 26), (89, 50), (96, 74)), shadow(body, 0.2))
    pen.polygon(((36, 50 - fat * 0.8), (52, 14), (64, 50 - fat * 0.6)), shadow(body, 0.3))
    pen.oval(43, 50, 36, fat, body)
    pen.oval(46, 59, 26, fat * 0.45, tint(body, 0.35))
    for place in (44, 56):
        pen.arc(place - 8, 50, 9, fat * 0.7, -60, 60, shadow(body, 0.35), 3)
    pen.oval(22, 44, 6.5, 6.5, WHITE)
    pen.oval(21, 44, 3.5, 3.5, INK)


def cat(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    ear = rng.uniform(4, 14)
    for side in (-1, 1):
        pen.polygon(((50 + side * 6, 34), (50 + side * 33, ear), (50 + side * 37, 54)), body)
        pen.polygon(((50 + side * 17, 30), (50 + side * 29, ear + 10), (50 + side * 32, 40)), tint(body, 0.6))
    pen.oval(50, 57, 38, 33, body)
    pen.oval(50, 72, 20, 15, tint(body, 0.65))
    for side in (-1, 1):
        pen.oval(50 + side * 17, 50, 8.5, 9, (226, 226, 120))
        pen.oval(50 + side * 17, 50, 3.2, 8, INK)
        for rise in (-5, 5):
            pen.line(((50 + side * 16, 70), (50 + side * 46, 68 + rise)), shadow(body, 0.65), 2)
    pen.polygon(((44, 63), (56, 63), (50, 70)), (206, 92, 110))
    pen.arc(50, 70, 8, 8, 20, 160, INK, 2.5)


def tree(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    thick = rng.uniform(5, 8)
    pen.polygon(((50 - thick, 46), (50 + thick, 46), (54 + thick, 95), (46 - thick, 95)), WOOD)
    pen.line(((50, 62), (66, 48)), WOOD, 5)
    for x, y, radius in ((30, 46, 20), (70, 46, 20), (50, 28, 24), (50, 46, 22)):
        pen.oval(x + rng.uniform(-3, 3), y, radius, radius, body)
    for x, y, radius in ((40, 24, 10), (27, 42, 8)):
        pen.oval(x, y, radius, radius * 0.8, tint(body, 0.25))
    for x, y in ((64, 54), (46, 57)):
        pen.oval(x, y, 9, 6, shadow(body, 0.25))


def mushroom(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    stem = rng.uniform(10, 15)
    cream = (240, 226, 200)
    pen.polygon(((50 - stem, 50), (50 + stem, 50), (54 + stem, 90), (46 - stem, 90)), cream)
    pen.oval(50, 90, stem + 4, 5, cream)
    pen.oval(50, 55, 42, 9, shadow(cream, 0.25))
    pen.oval(50, 54, 44, rng.uniform(38, 46), body, 180, 360)
    for x, y, radius in ((50, 26, 7), (27, 42, 6), (72, 41, 7), (50, 45, 4.5)):
        pen.oval(x, y, radius, radius * 0.85, WHITE)


def flower(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    pen.line(((50, 40), (52, 68), (49, 97)), LEAF, 5)
    pen.polygon(((51, 84), (70, 66), (84, 68), (72, 82)), LEAF)
    pen.polygon(((50, 90), (32, 72), (18, 75), (30, 88)), shadow(LEAF, 0.2))
    petals = rng.randint(5, 8)
    start = rng.uniform(0, 6.3)
    for number in range(petals):
        angle = start + number * math.tau / petals
        pen.oval(50 + 20 * math.cos(angle), 33 + 20 * math.sin(angle), 11.5, 11.5, body)
    pen.oval(50, 33, 12, 12, GOLD if body[2] > 90 or body[1] < 120 else (120, 70, 40))


def butterfly(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    spread = rng.uniform(0.85, 1.1)
    for side in (-spread, spread):
        wing = ((0, 44), (10, 14), (34, 6), (45, 20), (38, 44), (20, 52))
        pen.polygon([(50 + side * x, y) for x, y in wing], body)
        hind = ((0, 50), (26, 52), (36, 66), (28, 88), (14, 80))
        pen.polygon([(50 + side * x, y) for x, y in hind], shadow(body, 0.2))
        pen.oval(50 + side * 29, 25, 8, 8, tint(body, 0.65))
        pen.oval(50 + side * 22, 68, 6, 7, tint(body, 0.65))
        pen.line(((50, 26), (50 + side * 6, 14), (50 + side * 13, 6)), INK, 2.5)
    pen.oval(50, 50, 4.5, 29, INK)


def snail(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    skin = (206, 178, 130)
    pen.polygon(
        ((6, 88), (12, 80), (66, 74), (78, 46), (90, 46), (93, 58), (82, 86), (76, 90), (10, 90)), skin
    )
    pen.line(((82, 50), (78, 30)), skin, 4)
    pen.line(((88, 50), (93, 30)), skin, 4)
    pen.oval(78, 28, 4, 4, INK)
    pen.oval(93, 28, 4, 4, INK)
    pen.oval(42, 52, 32, 31, body)
    turns = rng.uniform(2.0, 2.5)
    steps = [step / 26 for step in range(27)]
    coil = [
        (42 + 29 * s * math.cos(s * turns * math.tau), 52 + 28 * s * math.sin(s * turns * math.tau))
        for s in steps
    ]
    pen.line(coil, shadow(body, 0.5), 4.5)


def cactus(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    left, right = rng.uniform(34, 46), rng.uniform(28, 42)
    pen.line(((50, 16), (50, 76)), body, 22)
    pen.line(((46, left + 20), (21, left + 18), (21, left - 4)), body, 12)
    pen.line(((54, right + 20), (79, right + 18), (79, right - 8)), body, 12)
    for x in (45, 55):
        pen.line(((x, 16), (x, 72)), shadow(body, 0.35), 2)
    pen.polygon(((28, 72), (72, 72), (66, 97), (34, 97)), (186, 96, 62))
    pen.box(25, 69, 75, 77, (206, 114, 76))
    if rng.random() < 0.5:
        pen.oval(50, 6, 8, 6, (236, 110, 160))


def heart(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    tip = rng.uniform(84, 94)
    pen.polygon([*curve(29, 36, 23, 22, 150, 340), *curve(71, 36, 23, 22, 200, 390), (50, tip)], body)
    pen.arc(30, 37, 14, 13, 170, 260, tint(body, 0.6), 5)


def star(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    waist = rng.uniform(18, 22)
    points = []
    for number in range(10):
        radius = 48 if number % 2 == 0 else waist
        angle = number * math.pi / 5 - math.pi / 2
        points.append((50 + radius * math.cos(angle), 53 + radius * math.sin(angle)))
    pen.polygon(points, body)
    for number in range(0, 10, 2):
        pen.polygon((points[number], points[number + 1], (50, 53)), shadow(body, 0.22))


def house(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    roof = shadow(body, 0.5) if rng.random() < 0.5 else (150, 66, 52)
    chimney = rng.uniform(66, 72)
    pen.box(chimney, 14, chimney + 10, 42, shadow(roof, 0.3))
    pen.box(16, 44, 84, 93, body)
    pen.polygon(((50, 6), (95, 47), (5, 47)), roof)
    pen.box(43, 64, 60, 93, shadow(body, 0.65))
    for x in (23, 67):
        pen.box(x, 56, x + 12, 70, (250, 236, 160))
    pen.oval(50, 33, 6, 6, (250, 236, 160))


NATURE: dict[str, Shape] = {
    "apple": apple,
    "fish": fish,
    "cat": cat,
    "tree": tree,
    "mushroom": mushroom,
    "flower": flower,
    "butterfly": butterfly,
    "snail": snail,
    "cactus": cactus,
    "heart": heart,
    "star": star,
    "house": house,
}
