"""Eight feelings on a face, drawn with big brows and mouths so that they read at 48 pixels.

Skin, hair, glasses, hats, head shape, tilt and ground vary freely and say nothing about the feeling.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import ImageDraw

from .labelled_image import Concept, LabelledImage, SyntheticTask
from .palette import Colour, ground, jitter, pick
from .view_pen import INK, WHITE, View, ViewPen, mix, shadow

SKINS: tuple[Colour, ...] = (
    (252, 222, 196),
    (240, 196, 160),
    (222, 168, 124),
    (190, 132, 92),
    (150, 98, 64),
    (112, 72, 50),
    (250, 208, 80),
)
HAIRS: dict[str, Colour] = {
    "black": (34, 28, 30),
    "brown": (104, 64, 38),
    "blond": (232, 196, 104),
    "red": (184, 78, 36),
    "grey": (168, 168, 172),
}
MOUTH: Colour = (112, 24, 36)
TONGUE: Colour = (226, 98, 110)


@dataclass(frozen=True)
class FaceShape:
    """The parts of a face that do not depend on its feeling."""

    skin: Colour
    line: Colour
    brow: Colour
    eye_gap: float
    eye_line: float
    wide: float
    high: float


def draw_face(label: int, rng: random.Random) -> LabelledImage:
    """Draw a face with the feeling ``CONCEPTS[label]``."""
    ground_name, ground_rgb = pick(rng)
    image = ground(rng, jitter(ground_rgb, rng, 24))
    skin = jitter(rng.choice(SKINS), rng, 16)
    hair_name, hair = rng.choice(list(HAIRS.items()))
    dark = sum(skin) < 360
    head = FaceShape(
        skin=skin,
        line=INK if not dark else (16, 10, 12),
        brow=mix(hair, INK, 0.6) if not dark else (20, 12, 12),
        eye_gap=rng.uniform(14.5, 18),
        eye_line=rng.uniform(42, 47),
        wide=rng.uniform(34, 41),
        high=rng.uniform(40, 44),
    )
    view = View(
        size=rng.uniform(0.86, 1.04),
        middle=(0.5 + rng.uniform(-0.05, 0.05), 0.5 + rng.uniform(-0.04, 0.04)),
        angle=rng.gauss(0, 6),
        mirrored=rng.random() < 0.5,
    )
    pen = ViewPen(ImageDraw.Draw(image), view)
    details = [f"on a {ground_name} background"]
    style = rng.choice(("bald", "short", "long", "curly"))
    _back_hair(pen, head, hair, style)
    _skull(pen, head)
    if style != "bald":
        _front_hair(pen, head, hair, style)
        details.insert(0, f"with {hair_name} hair")
    FEELINGS[label].draw(pen, head, rng)
    if rng.random() < 0.22:
        _glasses(pen, head)
        details.append("with glasses")
    if rng.random() < 0.2:
        hat_name, hat = pick(rng, avoid=ground_rgb)
        _hat(pen, head, jitter(hat, rng, 20))
        details = [
            f"with a {hat_name} hat",
            *(detail for detail in details if style != "short" or "hair" not in detail),
        ]
    return LabelledImage(image, tuple(details))


def _back_hair(pen: ViewPen, head: FaceShape, hair: Colour, style: str) -> None:
    if style == "long":
        pen.oval(50, 46, head.wide + 7, head.high + 1, hair)
        pen.box(43 - head.wide, 46, 57 + head.wide, 96, hair)
    elif style == "curly":
        for x, y in ((-1, 34), (-0.85, 20), (-0.45, 8), (0, 5), (0.45, 8), (0.85, 20), (1, 34)):
            pen.oval(50 + x * head.wide, y, 13, 13, hair)


def _skull(pen: ViewPen, head: FaceShape) -> None:
    for side in (-1, 1):
        pen.oval(50 + side * head.wide, 52, 6, 8, shadow(head.skin, 0.12))
    pen.oval(50, 52, head.wide + 1.5, head.high + 1.5, shadow(head.skin, 0.4))
    pen.oval(50, 52, head.wide, head.high, head.skin)
    pen.oval(50, 58, 4, 3.5, shadow(head.skin, 0.22))


def _front_hair(pen: ViewPen, head: FaceShape, hair: Colour, style: str) -> None:
    if style == "short":
        pen.oval(50, 50, head.wide + 2, head.high + 4, hair, 205, 335)
    else:
        pen.oval(50, 50, head.wide + 1, head.high + 2, hair, 212, 328)


def _glasses(pen: ViewPen, head: FaceShape) -> None:
    for side in (-1, 1):
        pen.arc(50 + side * head.eye_gap, head.eye_line + 1, 12, 11, 0, 360, head.line, 2)
    pen.line(((50 - head.eye_gap + 12, head.eye_line), (50 + head.eye_gap - 12, head.eye_line)), head.line, 2)


def _hat(pen: ViewPen, head: FaceShape, colour: Colour) -> None:
    pen.polygon(((24, 20), (28, -6), (72, -6), (76, 20)), colour)
    pen.box(25, 12, 75, 20, shadow(colour, 0.45))
    pen.oval(50, 21, head.wide + 6, 5, shadow(colour, 0.15))


def _eyes(pen: ViewPen, head: FaceShape, high: float, pupil: float, look: float = 0) -> None:
    for side in (-1, 1):
        _eye(pen, head, side, high, pupil, look)


def _eye(pen: ViewPen, head: FaceShape, side: int, high: float, pupil: float, look: float = 0) -> None:
    x = 50 + side * head.eye_gap
    pen.oval(x, head.eye_line, 8.5, high + 1, head.line)
    pen.oval(x, head.eye_line + 0.5, 7.5, high, WHITE)
    pen.oval(x, head.eye_line + 0.5 + look, pupil, min(pupil, high), INK)


def _closed_eye(pen: ViewPen, head: FaceShape, side: int, upward: bool) -> None:
    x = 50 + side * head.eye_gap
    if upward:
        pen.arc(x, head.eye_line + 5, 10, 9, 195, 345, head.line, 4.5)
    else:
        pen.arc(x, head.eye_line - 4, 10, 8, 15, 165, head.line, 4.5)


def _brows(pen: ViewPen, head: FaceShape, inner: float, outer: float, width: float = 5) -> None:
    """Brows whose inner and outer ends lie this far above the eyes."""
    for side in (-1, 1):
        x = 50 + side * head.eye_gap
        start = (x - side * 10, head.eye_line - inner)
        pen.line((start, (x + side * 10, head.eye_line - outer)), head.brow, width)


def happy(pen: ViewPen, head: FaceShape, rng: random.Random) -> None:
    if rng.random() < 0.4:
        _closed_eye(pen, head, -1, True)
        _closed_eye(pen, head, 1, True)
    else:
        _eyes(pen, head, 9, 5)
    _brows(pen, head, 17, 15, 4)
    wide, deep = rng.uniform(22, 27), rng.uniform(17, 22)
    pen.oval(50, 64, wide, deep, MOUTH, 0, 180)
    pen.oval(50, 63, wide - 2, deep * 0.42, WHITE, 0, 180)
    pen.oval(50, 64 + deep * 0.75, wide * 0.4, deep * 0.2, TONGUE)


def sad(pen: ViewPen, head: FaceShape, rng: random.Random) -> None:
    _eyes(pen, head, 7, 5, 2)
    _brows(pen, head, 18, 9)
    pen.arc(50, 88, rng.uniform(17, 21), rng.uniform(13, 17), 195, 345, MOUTH, 6)
    if rng.random() < 0.7:
        x = 50 - head.eye_gap
        pen.oval(x - 2, head.eye_line + 19, 5, 7, (90, 170, 240))
        pen.polygon(
            ((x - 6.5, head.eye_line + 17), (x - 2, head.eye_line + 7), (x + 2.5, head.eye_line + 17)),
            (90, 170, 240),
        )


def angry(pen: ViewPen, head: FaceShape, rng: random.Random) -> None:
    _eyes(pen, head, 7, 4.5)
    _brows(pen, head, 4, 17, 7.5)
    for x in (-3, 3):
        pen.line(((50 + x, head.eye_line - 9), (50 + x, head.eye_line - 2)), shadow(head.skin, 0.5), 2)
    if rng.random() < 0.5:
        pen.box(30, 68, 70, 84, MOUTH)
        pen.box(32, 70, 68, 82, WHITE)
        for x in (41, 50, 59):
            pen.line(((x, 70), (x, 82)), MOUTH, 2)
        pen.line(((32, 76), (68, 76)), MOUTH, 2)
    else:
        pen.polygon(((28, 84), (36, 71), (64, 71), (72, 84), (62, 79), (38, 79)), MOUTH)


def surprised(pen: ViewPen, head: FaceShape, rng: random.Random) -> None:
    _eyes(pen, head, 12, 4)
    for side in (-1, 1):
        pen.arc(50 + side * head.eye_gap, head.eye_line - 13, 10, 7, 200, 340, head.brow, 4)
    wide = rng.uniform(9, 13)
    pen.oval(50, 77, wide + 2, rng.uniform(14, 17), shadow(head.skin, 0.45))
    pen.oval(50, 77, wide, 13, MOUTH)


def neutral(pen: ViewPen, head: FaceShape, rng: random.Random) -> None:
    _eyes(pen, head, 7.5, 4.5)
    _brows(pen, head, 14, 14, 4)
    half = rng.uniform(14, 20)
    pen.line(((50 - half, 76), (50 + half, 76)), MOUTH, 5)


def sleepy(pen: ViewPen, head: FaceShape, rng: random.Random) -> None:
    for side in (-1, 1):
        _closed_eye(pen, head, side, False)
    _brows(pen, head, 13, 11, 3)
    pen.oval(50, 77, rng.uniform(6, 8), rng.uniform(5, 7), MOUTH)
    if rng.random() < 0.6:
        x, y, size = 79, 12, 13
        letter = ((x, y), (x + size, y), (x, y + size), (x + size, y + size))
        pen.line(letter, INK, 7)
        pen.line(letter, WHITE, 3)


def winking(pen: ViewPen, head: FaceShape, rng: random.Random) -> None:
    _eye(pen, head, -1, 9.5, 5)
    x = 50 + head.eye_gap
    pen.line(((x - 10, head.eye_line + 2), (x, head.eye_line - 3), (x + 10, head.eye_line + 2)), head.line, 5)
    pen.line(((40 - head.eye_gap, head.eye_line - 16), (60 - head.eye_gap, head.eye_line - 18)), head.brow, 5)
    pen.line(((x - 10, head.eye_line - 9), (x + 10, head.eye_line - 10)), head.brow, 5)
    lift = rng.uniform(8, 12)
    pen.line(((30, 73), (42, 79), (56, 78), (68, 74 - lift)), MOUTH, 5.5)


def disgusted(pen: ViewPen, head: FaceShape, rng: random.Random) -> None:
    _eyes(pen, head, 4, 3.5)
    _brows(pen, head, 6, 10, 6)
    for y in (53, 58):
        pen.line(((44, y), (50, y - 3), (56, y)), shadow(head.skin, 0.5), 2)
    high = rng.uniform(5, 7)
    wave = [(28 + step * 7.4, 74 + high * (1 if step % 2 else -1)) for step in range(7)]
    pen.line(wave, MOUTH, 5)
    if rng.random() < 0.6:
        pen.oval(54, 77, 8, 15, MOUTH, 0, 180)
        pen.oval(54, 77, 6.5, 13, TONGUE, 0, 180)


@dataclass(frozen=True)
class Feeling:
    """A concept and the function that puts it on a head."""

    name: str
    foreign: str
    draw: Callable[[ViewPen, FaceShape, random.Random], None]


FEELINGS = (
    Feeling("happy", "fröhlich", happy),
    Feeling("sad", "traurig", sad),
    Feeling("angry", "wütend", angry),
    Feeling("surprised", "überrascht", surprised),
    Feeling("neutral", "gleichgültig", neutral),
    Feeling("sleepy", "schläfrig", sleepy),
    Feeling("winking", "zwinkernd", winking),
    Feeling("disgusted", "angeekelt", disgusted),
)

FAMILY = SyntheticTask(
    key="faces",
    title="Facial expressions",
    noun="a face",
    concepts=tuple(Concept(feeling.name, feeling.foreign) for feeling in FEELINGS),
    prompts=("a {} face.", "a drawing of a {} face.", "a person who looks {}."),
    draw=draw_face,
    mirrors="FER2013",
)
