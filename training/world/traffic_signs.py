"""European traffic signs on their pole, before the sky, a street or foliage: mirrors GTSRB.

Letters and digits are pen strokes, so no font is needed and every platform draws the same image.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .backdrops import foliage, sky, street
from .labelled_image import SIZE, Concept, LabelledImage, SyntheticTask
from .palette import Colour, jitter
from .pen import Pen, Point, arc, shade

Strokes = tuple[Sequence[Point], ...]

# Glyphs in a box of -0.5 to 0.5 across and -1 to 1 down.
GLYPHS: dict[str, Strokes] = {
    "0": (arc((0, 0), (0.5, 0.9), 0, 360, 16),),
    "3": (arc((0, -0.45), (0.45, 0.45), -150, 90, 9), arc((0, 0.45), (0.5, 0.48), -90, 150, 9)),
    "5": (((0.45, -0.9), (-0.35, -0.9), (-0.42, -0.12)), arc((-0.02, 0.34), (0.5, 0.56), -140, 145, 11)),
    "8": (arc((0, -0.45), (0.42, 0.45), 0, 360, 12), arc((0, 0.45), (0.5, 0.47), 0, 360, 12)),
    "S": (arc((0, -0.43), (0.45, 0.45), -30, -270, 8), arc((0, 0.45), (0.45, 0.45), -90, 150, 8)),
    "T": (((-0.5, -0.9), (0.5, -0.9)), ((0, -0.9), (0, 0.95))),
    "O": (arc((0, 0), (0.48, 0.9), 0, 360, 12),),
    "P": (
        ((-0.4, 0.95), (-0.4, -0.85), (0.05, -0.85)),
        arc((0.05, -0.38), (0.45, 0.48), -90, 90, 8),
        ((0.05, 0.1), (-0.4, 0.1)),
    ),
}


@dataclass(frozen=True)
class Paint:
    """The paints of one sign, faded and lit alike."""

    red: Colour
    blue: Colour
    white: Colour
    black: Colour
    yellow: Colour


def _write(pen: Pen, text: str, colour: Colour, height: float, pitch: float, width: float) -> None:
    for index, letter in enumerate(text):
        middle = (index - (len(text) - 1) / 2) * pitch
        for stroke in GLYPHS[letter]:
            pen.line([(middle + x * height, y * height) for x, y in stroke], colour, width)


def _regular(sides: int, radius: float, turn: float) -> list[Point]:
    angles = [turn + math.tau * side / sides for side in range(sides)]
    return [(radius * math.cos(angle), radius * math.sin(angle)) for angle in angles]


def _red_circle(pen: Pen, paint: Paint) -> None:
    pen.disc(0, 0, 1.0, paint.red)
    pen.disc(0, 0, 0.74, paint.white)


def _red_triangle(pen: Pen, paint: Paint) -> None:
    pen.shape(((0, -1.0), (1.08, 0.88), (-1.08, 0.88)), paint.red)
    pen.shape(((0, -0.52), (0.66, 0.64), (-0.66, 0.64)), paint.white)


def _blue_disc(pen: Pen, paint: Paint) -> None:
    pen.disc(0, 0, 1.0, paint.white)
    pen.disc(0, 0, 0.93, paint.blue)


def _blue_square(pen: Pen, paint: Paint) -> None:
    pen.box(-0.92, -0.92, 0.92, 0.92, paint.white)
    pen.box(-0.85, -0.85, 0.85, 0.85, paint.blue)


def _stop(pen: Pen, paint: Paint) -> None:
    pen.shape(_regular(8, 1.06, math.pi / 8), paint.white)
    pen.shape(_regular(8, 0.97, math.pi / 8), paint.red)
    _write(pen, "STOP", paint.white, 0.3, 0.42, 0.1)


def _yield(pen: Pen, paint: Paint) -> None:
    pen.shape(((0, 1.0), (1.08, -0.88), (-1.08, -0.88)), paint.red)
    pen.shape(((0, 0.46), (0.62, -0.62), (-0.62, -0.62)), paint.white)


def _no_entry(pen: Pen, paint: Paint) -> None:
    pen.disc(0, 0, 1.0, paint.red)
    pen.box(-0.72, -0.19, 0.72, 0.19, paint.white)


def _speed_limit(text: str) -> Callable[[Pen, Paint], None]:
    def limit(pen: Pen, paint: Paint) -> None:
        _red_circle(pen, paint)
        _write(pen, text, paint.black, 0.45, 0.62, 0.15)

    return limit


def _turn(side: float) -> Callable[[Pen, Paint], None]:
    def turn(pen: Pen, paint: Paint) -> None:
        _blue_disc(pen, paint)
        pen.line(((-side * 0.3, 0.62), (-side * 0.3, -0.12), (side * 0.2, -0.12)), paint.white, 0.24)
        pen.shape(((side * 0.16, -0.54), (side * 0.16, 0.3), (side * 0.7, -0.12)), paint.white)

    return turn


def _straight(pen: Pen, paint: Paint) -> None:
    _blue_disc(pen, paint)
    pen.box(-0.13, -0.2, 0.13, 0.68, paint.white)
    pen.shape(((0, -0.76), (0.46, -0.14), (-0.46, -0.14)), paint.white)


def _warning(pen: Pen, paint: Paint) -> None:
    _red_triangle(pen, paint)
    pen.shape(((-0.13, -0.22), (0.13, -0.22), (0.07, 0.28), (-0.07, 0.28)), paint.black)
    pen.disc(0, 0.46, 0.11, paint.black)


def _priority(pen: Pen, paint: Paint) -> None:
    pen.shape(_regular(4, 1.15, 0.0), paint.white)
    pen.shape(_regular(4, 0.78, 0.0), paint.yellow)


def _tiny_car(pen: Pen, x: float, colour: Colour) -> None:
    pen.box(x - 0.24, -0.06, x + 0.24, 0.2, colour)
    pen.box(x - 0.15, -0.24, x + 0.15, -0.02, colour)
    for wheel in (-0.16, 0.16):
        pen.disc(x + wheel, 0.24, 0.09, colour)


def _no_overtaking(pen: Pen, paint: Paint) -> None:
    _red_circle(pen, paint)
    _tiny_car(pen, -0.31, paint.red)
    _tiny_car(pen, 0.31, paint.black)


def _walker(pen: Pen, colour: Colour) -> None:
    pen.disc(0.05, -0.3, 0.13, colour)
    pen.line(((0.03, -0.2), (-0.03, 0.18)), colour, 0.2)
    pen.line(((-0.26, 0.52), (-0.04, 0.14), (0.2, 0.54)), colour, 0.13)
    pen.line(((-0.24, 0.06), (0.02, -0.14), (0.26, 0.06)), colour, 0.09)


def _pedestrians(pen: Pen, paint: Paint) -> None:
    _blue_square(pen, paint)
    pen.shape(((0, -0.76), (0.78, 0.68), (-0.78, 0.68)), paint.white)
    _walker(pen, paint.black)


def _parking(pen: Pen, paint: Paint) -> None:
    _blue_square(pen, paint)
    _write(pen, "P", paint.white, 0.6, 1.0, 0.24)


def _roundabout(pen: Pen, paint: Paint) -> None:
    _blue_disc(pen, paint)
    for start in (0, 120, 240):
        pen.line(arc((0, 0), (0.5, 0.5), start + 34, start + 100, 6), paint.white, 0.17)
        angle = math.radians(start + 22)
        tip = (0.54 * math.cos(angle - 0.22), 0.54 * math.sin(angle - 0.22))
        base = math.radians(start + 48)
        inner, outer = ((radius * math.cos(base), radius * math.sin(base)) for radius in (0.24, 0.78))
        pen.shape((tip, inner, outer), paint.white)


def _dead_end(pen: Pen, paint: Paint) -> None:
    _blue_square(pen, paint)
    pen.box(-0.14, -0.3, 0.14, 0.72, paint.white)
    pen.box(-0.6, -0.62, 0.6, -0.26, paint.white)
    pen.box(-0.54, -0.57, 0.54, -0.31, paint.red)


SIGNS: tuple[tuple[Concept, Callable[[Pen, Paint], None]], ...] = (
    (Concept("stop", "anhalten"), _stop),
    (Concept("yield", "vorfahrt gewähren"), _yield),
    (Concept("no entry", "einfahrt verboten"), _no_entry),
    (Concept("speed limit thirty", "tempo dreißig"), _speed_limit("30")),
    (Concept("speed limit fifty", "tempo fünfzig"), _speed_limit("50")),
    (Concept("speed limit eighty", "tempo achtzig"), _speed_limit("80")),
    (Concept("turn left", "links abbiegen"), _turn(-1.0)),
    (Concept("turn right", "rechts abbiegen"), _turn(1.0)),
    (Concept("straight ahead", "geradeaus"), _straight),
    (Concept("warning", "gefahrenstelle"), _warning),
    (Concept("priority road", "vorfahrtstraße"), _priority),
    (Concept("no overtaking", "überholverbot"), _no_overtaking),
    (Concept("pedestrian crossing", "fußgängerüberweg"), _pedestrians),
    (Concept("parking", "parkplatz"), _parking),
    (Concept("roundabout", "kreisverkehr"), _roundabout),
    (Concept("dead end", "sackgasse"), _dead_end),
)


def _paint(rng: random.Random) -> Paint:
    fade = rng.uniform(1.0, 1.18)
    colours = ((200, 30, 42), (28, 84, 176), (242, 242, 238), (26, 26, 30), (250, 196, 40))
    red, blue, white, black, yellow = (jitter(shade(colour, fade), rng, 22) for colour in colours)
    return Paint(red, blue, white, black, yellow)


def _rain(image: Image.Image, rng: random.Random) -> None:
    pen = Pen(image, (0, 0), 1)
    slant = rng.uniform(-4, 4)
    for _ in range(26):
        x, y = rng.uniform(0, SIZE), rng.uniform(-8, SIZE)
        pen.line(((x, y), (x + slant, y + rng.uniform(7, 12))), (206, 214, 224), 1)


def _dusk(image: Image.Image, rng: random.Random) -> Image.Image:
    light = np.array((0.62, 0.6, 0.78)) * rng.uniform(0.75, 1.0)
    return Image.fromarray((np.asarray(image) * light).astype(np.uint8), "RGB")


def draw(label: int, rng: random.Random) -> LabelledImage:
    """Return an image of the sign ``label``."""
    backdrop = rng.choice((sky, street, foliage))(rng)
    image = backdrop.image
    size = rng.uniform(23, 40)
    slack = SIZE / 2 - size
    centre = (SIZE / 2 + rng.uniform(-slack, slack) * 0.8, SIZE / 2 + rng.uniform(-slack, slack * 0.4))
    pen = Pen(image, centre, size, rng.gauss(0, 0.07), rng.uniform(0.82, 1.0))
    pole = jitter((150, 154, 158), rng, 40)
    pen.box(-0.09, 0, 0.09, 5, pole)
    pen.box(0.03, 0, 0.09, 5, shade(pole, 0.7))
    SIGNS[label][1](pen, _paint(rng))
    details = [backdrop.words]
    weather = rng.random()
    if weather < 0.14:
        _rain(image, rng)
        details.append("in the rain")
    elif weather < 0.3:
        image = _dusk(image, rng)
        details.append("at dusk")
    if size < 27:
        details.append("far away")
    return LabelledImage(image, tuple(details))


FAMILY = SyntheticTask(
    key="traffic_signs",
    title="Traffic signs",
    noun="a traffic sign",
    concepts=tuple(concept for concept, _ in SIGNS),
    prompts=('a picture of a "{}" traffic sign.', 'a "{}" road sign.', "a traffic sign that says {}."),
    draw=draw,
    mirrors="GTSRB",
)
