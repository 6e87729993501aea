"""Drawings of land use from straight above: one small function per use.

Local coordinates reach from -1.42 to 1.42, so that a turned image is still filled to its corners.
"""

import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from .labelled_image import Concept
from .palette import Colour, jitter
from .pen import Pen, Point, shade

REACH = 1.42
ROOFS: tuple[Colour, ...] = ((178, 92, 70), (152, 78, 60), (196, 128, 98), (124, 112, 108))


@dataclass(frozen=True)
class Land:
    """The colours of a region: what grows, what lies bare, what is wet, what is paved."""

    words: str
    plain: Colour
    tree: Colour
    soil: Colour
    water: Colour
    paved: Colour


SEASONS: tuple[Land, ...] = (
    Land("in summer", (112, 146, 82), (52, 98, 52), (164, 134, 92), (44, 94, 140), (150, 150, 150)),
    Land("in a dry season", (172, 158, 104), (98, 112, 58), (188, 156, 112), (66, 122, 138), (142, 138, 136)),
    Land("in autumn", (142, 134, 76), (158, 98, 46), (138, 106, 74), (50, 88, 116), (134, 134, 138)),
    Land("in winter", (222, 226, 230), (104, 124, 116), (190, 182, 172), (62, 100, 128), (124, 126, 132)),
)


def _winding(rng: random.Random, wander: float, offset: float = 0.0) -> list[Point]:
    """Return a smooth line from edge to edge."""
    phase, second = rng.uniform(0, math.tau), rng.uniform(0, math.tau)
    wave, bend = rng.uniform(1.6, 2.8), rng.uniform(3.5, 5.5)
    line = []
    for step in range(17):
        x = -REACH + step * REACH / 8
        y = offset + wander * (math.sin(wave * x + phase) + 0.4 * math.sin(bend * x + second))
        line.append((x, y))
    return line


def _blob(rng: random.Random, centre: Point, radius: float, uneven: float) -> list[Point]:
    """Return a rounded irregular outline."""
    waves = [(order, rng.uniform(0, uneven) / order, rng.uniform(0, math.tau)) for order in (2, 3, 5)]
    outline = []
    for step in range(28):
        turn = math.tau * step / 28
        reach = radius * (1 + sum(height * math.sin(order * turn + phase) for order, height, phase in waves))
        outline.append((centre[0] + reach * math.cos(turn), centre[1] + reach * math.sin(turn)))
    return outline


def _trees(pen: Pen, rng: random.Random, land: Land, count: int) -> None:
    for _ in range(count):
        x, y, radius = rng.uniform(-REACH, REACH), rng.uniform(-REACH, REACH), rng.uniform(0.05, 0.11)
        pen.disc(x, y, radius, shade(land.tree, rng.uniform(0.75, 1.1)))


def _river(pen: Pen, rng: random.Random, land: Land) -> None:
    _trees(pen, rng, land, rng.randint(0, 40))
    course = _winding(rng, rng.uniform(0.18, 0.34), rng.uniform(-0.35, 0.35))
    width = rng.uniform(0.2, 0.42)
    pen.line(course, shade(land.soil, 1.15), width + 0.12)
    pen.line(course, land.water, width)


def _highway(pen: Pen, rng: random.Random, land: Land) -> None:
    _trees(pen, rng, land, rng.randint(0, 26))
    course = _winding(rng, rng.uniform(0.0, 0.1), rng.uniform(-0.3, 0.3))
    width = rng.uniform(0.3, 0.4)
    if rng.random() < 0.4:
        crossing = rng.uniform(-0.5, 0.5)
        pen.line(((crossing - 0.1, -REACH), (crossing + 0.1, REACH)), land.paved, 0.17)
    pen.line(course, (236, 236, 228), width + 0.06)
    pen.line(course, shade(land.paved, 0.66), width)
    pen.line(course, (240, 222, 130), 0.06)
    for x, y in course[:: rng.randint(2, 3)]:
        lane = rng.choice((-0.25, 0.25)) * width
        car = jitter(rng.choice(((220, 60, 54), (244, 244, 240), (60, 110, 200))), rng, 20)
        pen.box(x - 0.07, y + lane - 0.035, x + 0.07, y + lane + 0.035, car)


def _residential(pen: Pen, rng: random.Random, land: Land) -> None:
    block, houses = rng.uniform(0.62, 0.8), ROOFS[rng.randrange(4)]
    start = -REACH - rng.uniform(0, block)
    rows = math.ceil((REACH - start) / block)
    for row in range(rows):
        middle = start + row * block
        pen.line(((-REACH, middle), (REACH, middle)), land.paved, 0.12)
        pen.line(((middle, -REACH), (middle, REACH)), land.paved, 0.12)
    for row in range(rows):
        for column in range(rows):
            _houses(pen, rng, (start + column * block, start + row * block), block, houses)


def _houses(pen: Pen, rng: random.Random, corner: Point, block: float, roof: Colour) -> None:
    plot = (block - 0.12) / 2
    for down in (0, 1):
        for across in (0, 1):
            x = corner[0] + 0.06 + plot * (across + 0.5)
            y = corner[1] + 0.06 + plot * (down + 0.5)
            if abs(x) > REACH or abs(y) > REACH or rng.random() < 0.1:
                continue
            wide, high = plot * rng.uniform(0.28, 0.4), plot * rng.uniform(0.26, 0.36)
            tile = shade(roof, rng.uniform(0.85, 1.15))
            pen.box(x - wide, y - high, x + wide, y, shade(tile, 1.25))
            pen.box(x - wide, y, x + wide, y + high, shade(tile, 0.8))


def _forest(pen: Pen, rng: random.Random, land: Land) -> None:
    pen.box(-REACH, -REACH, REACH, REACH, shade(land.tree, 0.62))
    size = rng.uniform(0.09, 0.15)
    for _ in range(110):
        x, y, radius = rng.uniform(-1.3, 1.3), rng.uniform(-1.3, 1.3), size * rng.uniform(0.7, 1.2)
        crown = shade(land.tree, rng.uniform(0.72, 1.02))
        pen.disc(x, y, radius, crown)
        pen.disc(x - radius * 0.2, y - radius * 0.2, radius * 0.5, shade(crown, 1.16))


def _cuts(rng: random.Random) -> list[float]:
    cuts = [-REACH]
    while cuts[-1] < REACH:
        cuts.append(cuts[-1] + rng.uniform(0.5, 1.0))
    return cuts


def _crop_fields(pen: Pen, rng: random.Random, land: Land) -> None:
    crops = (land.plain, land.soil, shade(land.tree, 1.2), (218, 190, 96), (154, 178, 86), (126, 92, 62))
    rows = _cuts(rng)
    for top, bottom in itertools.pairwise(rows):
        columns = _cuts(rng)
        for left, right in itertools.pairwise(columns):
            crop = jitter(rng.choice(crops), rng, 20)
            pen.box(left, top, right - 0.03, bottom - 0.03, crop)
            if rng.random() < 0.5:
                for furrow in range(1, int((bottom - top) / 0.12)):
                    y = top + furrow * 0.12
                    pen.line(((left, y), (right - 0.04, y)), shade(crop, 0.82), 0.03)


def _lake(pen: Pen, rng: random.Random, land: Land) -> None:
    _trees(pen, rng, land, rng.randint(10, 50))
    shore = _blob(rng, (rng.uniform(-0.25, 0.25), rng.uniform(-0.25, 0.25)), rng.uniform(0.48, 0.72), 0.34)
    pen.shape(shore, land.water)
    pen.line([*shore, shore[0]], shade(land.soil, 1.2), 0.07)


def _desert(pen: Pen, rng: random.Random, land: Land) -> None:
    sand = jitter(rng.choice(((222, 186, 128), (212, 160, 106), (232, 206, 158))), rng, 24)
    pen.box(-REACH, -REACH, REACH, REACH, sand)
    gap, wander = rng.uniform(0.24, 0.4), rng.uniform(0.06, 0.14)
    ridge = _winding(rng, wander)
    for index in range(int(2 * REACH / gap) + 2):
        offset = -REACH + index * gap + rng.uniform(-0.04, 0.04)
        pen.line([(x, y + offset + 0.07) for x, y in ridge], shade(sand, 0.84), rng.uniform(0.07, 0.13))
        pen.line([(x, y + offset) for x, y in ridge], shade(sand, 1.4), rng.uniform(0.03, 0.06))


def _industrial(pen: Pen, rng: random.Random, land: Land) -> None:
    pen.box(-REACH, -REACH, REACH, REACH, shade(land.paved, 0.72))
    pitch = rng.uniform(0.66, 0.9)
    steps = math.ceil(REACH / pitch)
    for row in range(-steps, steps + 1):
        for column in range(-steps, steps + 1):
            x, y = column * pitch + rng.uniform(-0.06, 0.06), row * pitch + rng.uniform(-0.06, 0.06)
            (_tank if rng.random() < 0.2 else _hall)(pen, rng, (x, y), pitch)


def _tank(pen: Pen, rng: random.Random, centre: Point, pitch: float) -> None:
    radius = pitch * rng.uniform(0.24, 0.36)
    pen.disc(centre[0] + 0.05, centre[1] + 0.05, radius, (62, 62, 66))
    pen.disc(*centre, radius, (232, 232, 228))
    pen.disc(*centre, radius * 0.3, (190, 190, 192))


def _hall(pen: Pen, rng: random.Random, centre: Point, pitch: float) -> None:
    wide, high = pitch * rng.uniform(0.3, 0.42), pitch * rng.uniform(0.26, 0.4)
    x, y = centre
    roof = jitter(rng.choice(((226, 228, 232), (176, 188, 204), (200, 196, 190))), rng, 24)
    pen.box(x - wide + 0.06, y - high + 0.06, x + wide + 0.06, y + high + 0.06, (58, 58, 62))
    pen.box(x - wide, y - high, x + wide, y + high, roof)
    for share in (-0.5, 0.0, 0.5):
        pen.line(((x + wide * share, y - high), (x + wide * share, y + high)), shade(roof, 0.78), 0.04)


def _orchard(pen: Pen, rng: random.Random, land: Land) -> None:
    pen.box(-REACH, -REACH, REACH, REACH, shade(land.soil, 1.1))
    pitch = rng.uniform(0.24, 0.33)
    steps = int(1.36 / pitch)
    radius = pitch * rng.uniform(0.3, 0.38)
    for row in range(-steps, steps + 1):
        for column in range(-steps, steps + 1):
            pen.disc(column * pitch, row * pitch, radius, shade(land.tree, 0.85))


def _harbour(pen: Pen, rng: random.Random, land: Land) -> None:
    pen.box(-REACH, -REACH, REACH, REACH, land.water)
    quay = rng.uniform(-0.8, -0.5)
    pen.box(-REACH, -REACH, quay, REACH, shade(land.paved, 1.2))
    pitch = rng.uniform(0.56, 0.72)
    for index in range(-2, 3):
        y = index * pitch
        pen.box(quay, y - 0.06, rng.uniform(0.7, 1.1), y + 0.06, (206, 194, 172))
        for berth in range(5):
            for side in (-1, 1):
                if rng.random() < 0.8:
                    _boat(pen, rng, (quay + 0.2 + berth * 0.3, y + side * 0.17))


def _boat(pen: Pen, rng: random.Random, centre: Point) -> None:
    x, y = centre
    hull = rng.choice(((248, 248, 246), (248, 248, 246), (206, 74, 62), (240, 206, 110)))
    turn = 1 if rng.random() < 0.5 else -1
    pen.shape(
        (
            (x - 0.07, y - turn * 0.09),
            (x + 0.07, y - turn * 0.09),
            (x + 0.07, y + turn * 0.03),
            (x, y + turn * 0.12),
            (x - 0.07, y + turn * 0.03),
        ),
        hull,
    )


def _airport(pen: Pen, rng: random.Random, land: Land) -> None:
    offset, width = rng.uniform(-0.3, 0.1), rng.uniform(0.3, 0.38)
    pen.box(-REACH, offset - width / 2, REACH, offset + width / 2, (78, 80, 86))
    for dash in range(-6, 7):
        pen.box(dash * 0.24 - 0.07, offset - 0.03, dash * 0.24 + 0.07, offset + 0.03, (246, 246, 244))
    apron = offset + 0.42
    pen.box(-0.9, apron, 0.9, apron + 0.5, (178, 178, 178))
    for side in (-0.7, 0.7):
        pen.line(((side, offset), (side, apron + 0.1)), (178, 178, 178), 0.14)
    for x in (-0.55, 0.0, 0.55):
        _parked_plane(pen, (x + rng.uniform(-0.05, 0.05), apron + 0.25))


def _parked_plane(pen: Pen, centre: Point) -> None:
    x, y = centre
    white = (252, 252, 252)
    pen.box(x - 0.035, y - 0.2, x + 0.035, y + 0.2, white)
    pen.shape(((x, y - 0.1), (x + 0.21, y + 0.06), (x, y + 0.04), (x - 0.21, y + 0.06)), white)
    pen.box(x - 0.09, y + 0.14, x + 0.09, y + 0.2, white)


def _island(pen: Pen, rng: random.Random, land: Land) -> None:
    pen.box(-REACH, -REACH, REACH, REACH, land.water)
    centre = (rng.uniform(-0.25, 0.25), rng.uniform(-0.25, 0.25))
    coast = _blob(rng, centre, rng.uniform(0.42, 0.66), 0.36)
    pen.line([*coast, coast[0]], shade(land.water, 1.4), 0.22)
    pen.shape(coast, (236, 216, 166))
    x, y = centre
    pen.shape([(x + (across - x) * 0.8, y + (down - y) * 0.8) for across, down in coast], land.plain)
    for across, down in coast[:: rng.randint(2, 4)]:
        share = rng.uniform(0.2, 0.6)
        pen.disc(x + (across - x) * share, y + (down - y) * share, 0.07, land.tree)


USES: tuple[tuple[Concept, Callable[[Pen, random.Random, Land], None]], ...] = (
    (Concept("river", "fluss"), _river),
    (Concept("highway", "autobahn"), _highway),
    (Concept("residential blocks", "wohngebiet"), _residential),
    (Concept("forest", "wald"), _forest),
    (Concept("crop fields", "äcker"), _crop_fields),
    (Concept("lake", "see"), _lake),
    (Concept("desert", "wüste"), _desert),
    (Concept("industrial buildings", "industriegebiet"), _industrial),
    (Concept("orchard", "obstgarten"), _orchard),
    (Concept("harbour", "hafen"), _harbour),
    (Concept("airport", "flughafen"), _airport),
    (Concept("island", "insel"), _island),
)
