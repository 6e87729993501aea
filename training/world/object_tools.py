"""How tools, furniture and clothing look: one small function per object, in a frame of 100 x 100 units.

Same convention as ``object_shapes.py``: pen, body colour, random source.
"""

import math
import random

from .object_shapes import Shape
from .palette import Colour
from .view_pen import GOLD, INK, STEEL, WHITE, WOOD, ViewPen, curve, shadow, tint


def cup(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    taper = rng.uniform(2, 9)
    pen.arc(70, 55, 20, 18, -95, 95, shadow(body, 0.2), 8)
    pen.polygon(((14, 24), (72, 24), (72 - taper, 84), (14 + taper, 84)), body)
    pen.oval(43, 84, 29 - taper, 6, body)
    pen.oval(43, 24, 29, 8, tint(body, 0.45))
    pen.oval(43, 25, 24, 5.5, (92, 56, 34))
    pen.box(20 + taper / 2, 40, 25 + taper / 2, 76, tint(body, 0.4))


def key(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    bow = rng.uniform(15, 18)
    pen.arc(22, 50, bow, bow, 0, 360, body, 10)
    pen.line(((22 + bow, 50), (94, 50)), body, 10)
    pen.box(72, 50, 79, 70, body)
    pen.box(86, 50, 93, 70 + rng.uniform(0, 6), body)


def umbrella(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    pen.line(((50, 8), (50, 84)), shadow(WOOD, 0.3), 4.5)
    pen.arc(41, 84, 9, 10, 0, 180, shadow(WOOD, 0.3), 4.5)
    high = rng.uniform(38, 44)
    pen.oval(50, 54, 46, high, body, 180, 360)
    for x in (11.5, 34.5):
        pen.polygon([(50, 54 - high), *curve(x + 11.5, 54, 11.5, high, 250, 180)], shadow(body, 0.0))
    pen.polygon([(50, 54 - high), (27, 54), (50, 50), (73, 54)], tint(body, 0.45))
    for x in (15.3, 38, 61.5, 84.7):
        pen.oval(x, 55, 8, 5, shadow(body, 0.3), 180, 360)


def chair(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    seat = rng.uniform(52, 58)
    dark = shadow(body, 0.35)
    for x in (36, 80):
        pen.line(((x, seat), (x, 86)), dark, 5)
    for x in (22, 66):
        pen.line(((x, seat + 6), (x, 96)), body, 6.5)
    pen.polygon(((20, seat + 8), (32, seat - 5), (84, seat - 5), (70, seat + 8)), tint(body, 0.2))
    pen.line(((22, 6), (22, seat + 6)), body, 6.5)
    pen.line(((36, 2), (36, seat)), body, 6.5)
    for y in (8, 22, 36):
        pen.polygon(((22, y + 2), (36, y - 4), (36, y + 4), (22, y + 10)), dark)


def clock(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    pen.oval(50, 50, 46, 46, body)
    pen.oval(50, 50, 36, 36, WHITE)
    for number in range(12):
        angle = number * math.tau / 12
        wide = 3.4 if number % 3 == 0 else 2
        pen.oval(50 + 30 * math.cos(angle), 50 + 30 * math.sin(angle), wide, wide, INK)
    for reach, width in ((16, 5.5), (25, 3.5)):
        angle = rng.uniform(0, math.tau)
        pen.line(((50, 50), (50 + reach * math.cos(angle), 50 + reach * math.sin(angle))), INK, width)
    pen.oval(50, 50, 4, 4, shadow(body, 0.2))


def bottle(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    wide = rng.uniform(15, 21)
    pen.polygon(
        (
            (43, 10),
            (57, 10),
            (57, 32),
            (50 + wide, 46),
            (50 + wide, 96),
            (50 - wide, 96),
            (50 - wide, 46),
            (43, 32),
        ),
        body,
    )
    pen.box(42, 3, 58, 12, (192, 150, 100))
    pen.box(50 - wide, 56, 50 + wide, 80, WHITE)
    pen.box(50 - wide * 0.5, 65, 50 + wide * 0.5, 70, shadow(body, 0.2))
    pen.line(((45, 16), (45, 34), (54 - wide, 47), (54 - wide, 54)), tint(body, 0.55), 3)


def book(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    dip = rng.uniform(6, 12)
    pen.polygon(((3, 24), (50, 30), (97, 24), (97, 82), (50, 90), (3, 82)), body)
    pen.polygon(((8, 18), (30, 14), (50, 18 + dip), (50, 84), (30, 74), (8, 77)), WHITE)
    pen.polygon(((92, 18), (70, 14), (50, 18 + dip), (50, 84), (70, 74), (92, 77)), shadow(WHITE, 0.08))
    pen.line(((50, 18 + dip), (50, 84)), shadow(WHITE, 0.5), 2.5)
    for y in (32, 43, 54, 65):
        pen.line(((14, y - 2), (42, y + 3)), (140, 140, 150), 2.5)
        pen.line(((58, y + 3), (86, y - 2)), (140, 140, 150), 2.5)


def guitar(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    waist = rng.uniform(17, 21)
    pen.box(46, 10, 54, 60, shadow(WOOD, 0.35))
    pen.polygon(((44, 2), (56, 2), (58, 16), (42, 16)), shadow(WOOD, 0.6))
    pen.oval(50, 54, waist, 16, body)
    pen.oval(50, 77, 27, 21, body)
    pen.box(50 - waist + 4, 54, 50 + waist - 4, 72, body)
    pen.oval(50, 62, 8.5, 8.5, shadow(body, 0.75))
    pen.box(40, 82, 60, 86, shadow(body, 0.6))
    pen.line(((50, 4), (50, 84)), tint(body, 0.7), 1.5)


def hammer(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    pen.line(((50, 26), (50, 94)), body, rng.uniform(9, 12))
    pen.line(((50, 72), (50, 93)), shadow(body, 0.4), 12)
    pen.polygon(((40, 10), (62, 10), (62, 34), (40, 34)), STEEL)
    pen.box(68, 7, 84, 37, shadow(STEEL, 0.25))
    pen.box(60, 14, 70, 30, shadow(STEEL, 0.1))
    pen.polygon(((42, 10), (24, 12), (8, 30), (26, 26), (42, 32)), shadow(STEEL, 0.15))


def light_bulb(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    glass = rng.uniform(27, 31)
    pen.polygon(((50 - glass * 0.85, 52), (50 + glass * 0.85, 52), (62, 74), (38, 74)), body)
    pen.oval(50, 37, glass, 31, body)
    pen.oval(42, 28, 10, 12, tint(body, 0.7))
    pen.line(((44, 72), (40, 46), (47, 54), (53, 46), (60, 54), (56, 72)), shadow(body, 0.6), 2.5)
    for y in (75, 82, 89):
        pen.line(((39, y), (61, y + 2)), shadow(STEEL, 0.3 if y == 82 else 0.05), 7)
    pen.oval(50, 95, 7, 4, INK)


def shoe(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    top = rng.uniform(16, 26)
    pen.polygon(((8, top), (42, top), (50, 46), (72, 54), (92, 64), (96, 78), (8, 78)), body)
    pen.polygon(((5, 76), (97, 76), (96, 88), (5, 88)), WHITE)
    pen.oval(25, top, 17, 5, shadow(body, 0.5))
    for step in range(3):
        x, y = 45 + step * 9, 42 + step * 6
        pen.line(((x - 6, y + 8), (x + 4, y - 2)), WHITE, 3.5)
    pen.oval(94, 77, 16, 13, tint(body, 0.4), 180, 270)


def hat(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    crown_top = rng.uniform(10, 22)
    band = WHITE if sum(body) < 330 else (70, 40, 50)
    pen.oval(50, 78, 47, 11, shadow(body, 0.25))
    pen.polygon(((22, crown_top), (78, crown_top), (74, 77), (26, 77)), body)
    pen.oval(50, 77, 24, 6, body)
    pen.oval(50, crown_top, 28, 6, tint(body, 0.2))
    pen.polygon(((25, 60), (75, 60), (74, 74), (26, 74)), band)


def bell(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    flare = rng.uniform(32, 40)
    pen.arc(50, 11, 7, 7, 0, 360, shadow(body, 0.4), 5)
    pen.oval(50, 86, 10, 9, shadow(body, 0.55))
    side = [(24, 30), (26, 55), (flare - 8, 70), (flare + 6, 82)]
    left = [(50 - x * 0.95, y) for x, y in side]
    right = [(50 + x * 0.95, y) for x, y in reversed(side)]
    pen.polygon([*left, *right, *curve(50, 32, 23, 18, 0, -180)], body)
    pen.line((left[-1], right[0]), shadow(body, 0.3), 6)
    pen.line(((36, 32), (35, 58), (30, 70)), tint(body, 0.6), 5)


def crown(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    tip = rng.uniform(12, 24)
    pen.polygon(((8, 26), (28, 54), (50, tip), (72, 54), (92, 26), (84, 84), (16, 84)), body)
    pen.box(15, 72, 85, 86, shadow(body, 0.3))
    for x, y in ((8, 24), (50, tip), (92, 24)):
        pen.oval(x, y, 6, 6, tint(body, 0.45))
    for x, colour in ((30, (214, 60, 80)), (50, (70, 130, 220)), (70, (70, 180, 110))):
        pen.oval(x, 79, 5.5, 5, colour)


def anchor(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    wide = rng.uniform(33, 39)
    pen.arc(50, 14, 8, 8, 0, 360, body, 6)
    pen.line(((50, 22), (50, 90)), body, 9)
    pen.line(((28, 33), (72, 33)), body, 8)
    pen.arc(50, 56, wide, 34, 10, 170, body, 9)
    for side in (-1, 1):
        tip = 50 + side * wide
        pen.polygon(((tip - 11, 66), (tip + 11, 66), (tip + side * 3, 44)), body)


def ladder(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    narrow = rng.uniform(0, 8)
    pen.line(((26 + narrow, 4), (24, 96)), body, 7)
    pen.line(((74 - narrow, 4), (76, 96)), body, 7)
    rungs = rng.randint(5, 6)
    for number in range(rungs):
        y = 13 + number * 74 / (rungs - 1)
        pen.line(((27, y), (73, y)), shadow(body, 0.2), 5.5)


def scissors(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    gape = rng.uniform(10, 20)
    for side in (-1, 1):
        pen.polygon(
            ((50 - side * 6, 62), (50 + side * gape, 4), (50 + side * (gape + 7), 12), (50 + side * 5, 62)),
            STEEL,
        )
        pen.line(((50 + side * 2, 56), (50 - side * 16, 72)), body, 7)
        pen.arc(50 - side * 23, 81, 13, 14, 0, 360, body, 7.5)
    pen.oval(50, 57, 4, 4, INK)


def spoon(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    wide = rng.uniform(15, 19)
    pen.line(((50, 44), (50, 92)), body, 7)
    pen.line(((50, 80), (50, 92)), body, 10)
    pen.oval(50, 26, wide, 24, body)
    pen.oval(51, 27, wide - 6, 16, shadow(body, 0.3))
    pen.arc(50, 26, wide - 4, 20, 170, 260, tint(body, 0.7), 3)


def candle(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    top = rng.uniform(38, 46)
    pen.oval(50, 90, 34, 8, shadow(GOLD, 0.35))
    pen.arc(82, 88, 9, 7, 0, 360, shadow(GOLD, 0.35), 4)
    pen.box(37, top, 63, 90, body)
    pen.oval(50, top, 13, 4, tint(body, 0.45))
    pen.box(41, top + 4, 45, 84, tint(body, 0.4))
    pen.line(((50, top), (50, top - 8)), INK, 2.5)
    pen.polygon([*curve(50, top - 13, 10, 10, -20, 200), (50 + rng.uniform(-5, 5), top - 40)], (250, 150, 40))
    pen.oval(50, top - 12, 5, 7, (255, 240, 150))


def envelope(pen: ViewPen, body: Colour, rng: random.Random) -> None:
    fold = rng.uniform(52, 62)
    pen.box(4, 22, 96, 80, body)
    pen.line(((5, 79), (38, 50)), shadow(body, 0.35), 3)
    pen.line(((95, 79), (62, 50)), shadow(body, 0.35), 3)
    pen.polygon(((4, 22), (96, 22), (50, fold)), tint(body, 0.35))
    pen.line(((4, 22), (50, fold), (96, 22)), shadow(body, 0.45), 3.5)
    pen.oval(50, fold - 3, 7, 7, (200, 50, 60) if body[0] < 170 else (60, 70, 150))


MADE_THINGS: dict[str, Shape] = {
    "cup": cup,
    "key": key,
    "umbrella": umbrella,
    "chair": chair,
    "clock": clock,
    "bottle": bottle,
    "book": book,
    "guitar": guitar,
    "hammer": hammer,
    "light bulb": light_bulb,
    "shoe": shoe,
    "hat": hat,
    "bell": bell,
    "crown": crown,
    "anchor": anchor,
    "ladder": ladder,
    "scissors": scissors,
    "spoon": spoon,
    "candle": candle,
    "envelope": envelope,
}
