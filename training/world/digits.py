"""Handwritten digits: smooth, wobbly pen strokes, mostly chalk on black, sometimes ink on coloured paper.

A digit is written in one of several forms (a seven with or without a bar). A hand slants, stretches and bends
a form's strokes, a spline joins their points and a round pen with changing pressure follows the spline.
"""

import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .digit_strokes import FORMS, Form
from .labelled_image import SIZE, Concept, LabelledImage, SyntheticTask
from .palette import PALETTE, Colour, ground, jitter, pick
from .pen import Point

DIGITS = (
    Concept("zero", "Null"),
    Concept("one", "Eins"),
    Concept("two", "Zwei"),
    Concept("three", "Drei"),
    Concept("four", "Vier"),
    Concept("five", "Fünf"),
    Concept("six", "Sechs"),
    Concept("seven", "Sieben"),
    Concept("eight", "Acht"),
    Concept("nine", "Neun"),
)

_STEPS = 6
_SUPERSAMPLING = 2
_TIMES = np.linspace(0.0, 1.0, _STEPS, endpoint=False)
_CATMULL_ROM = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]], dtype=np.float64)
_BLEND = np.stack([np.ones_like(_TIMES), _TIMES, _TIMES**2, _TIMES**3], axis=1) @ _CATMULL_ROM


@dataclass(frozen=True)
class Hand:
    """How one digit is written; lengths in pixels of the finished image.

    Args:
        centre: where the middle of the digit lies.
        width: of the digit's box.
        height: of the digit's box.
        pen: diameter of the pen.
        slant: how far the top leans right, as a fraction of the height.
        turn: rotation in radians.
        wobble: size of the bends, as a fraction of the box.
        pressure: how much the pen's width changes on the way, 0 to 1.
    """

    centre: Point
    width: float
    height: float
    pen: float
    slant: float
    turn: float
    wobble: float
    pressure: float


def write(mask: Image.Image, form: Form, hand: Hand, rng: random.Random) -> None:
    """Write a form in white on a grey mask that is ``_SUPERSAMPLING`` times the image's size."""
    drawing = ImageDraw.Draw(mask)
    points = sorted({point for stroke in form for point in stroke})
    placed = dict(zip(points, _placed(points, hand, rng), strict=True))
    phase = rng.uniform(0.0, 2.0 * math.pi)
    for stroke in form:
        path = _spline(np.array([placed[point] for point in stroke]) * _SUPERSAMPLING)
        swell = np.sin(np.linspace(phase, phase + 0.7 * len(stroke), len(path)))
        radii = 0.5 * _SUPERSAMPLING * hand.pen * (1.0 + hand.pressure * swell)
        _follow(drawing, path.tolist(), radii.tolist())


def blank_mask() -> Image.Image:
    """Return the empty mask that ``write`` draws on."""
    side = SIZE * _SUPERSAMPLING
    return Image.new("L", (side, side))


def finished(mask: Image.Image) -> Image.Image:
    """Return the mask at the image's size, with soft edges."""
    return mask.reduce(_SUPERSAMPLING)


def _placed(points: list[Point], hand: Hand, rng: random.Random) -> list[Point]:
    """Bend the points by two slow waves and a small tremor, then slant, stretch, turn and move them."""
    bend_x, bend_y = rng.uniform(0.0, 6.28), rng.uniform(0.0, 6.28)
    cosine, sine = math.cos(hand.turn), math.sin(hand.turn)
    placed = []
    for x, y in points:
        bent_x = (
            x - 0.5 + hand.wobble * math.sin(bend_x + 4.0 * y + 1.5 * x) + rng.gauss(0.0, 0.28 * hand.wobble)
        )
        bent_y = (
            y - 0.5 + hand.wobble * math.sin(bend_y + 4.0 * x - 1.5 * y) + rng.gauss(0.0, 0.28 * hand.wobble)
        )
        right = bent_x * hand.width - bent_y * hand.slant * hand.height
        down = bent_y * hand.height
        placed.append(
            (hand.centre[0] + right * cosine - down * sine, hand.centre[1] + right * sine + down * cosine)
        )
    return placed


def _spline(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a dense path through the points (a Catmull-Rom spline, straight at its ends)."""
    first, last = 2.0 * points[0] - points[1], 2.0 * points[-1] - points[-2]
    padded = np.concatenate([first[None], points, last[None]])
    spans = np.stack([padded[i : len(padded) - 3 + i] for i in range(4)], axis=1)
    path = (_BLEND @ spans).reshape(-1, 2)
    return np.concatenate([path, points[-1:]])


def _follow(drawing: ImageDraw.ImageDraw, path: list[list[float]], radii: list[float]) -> None:
    """Draw the pen's trace: a line between neighbours on the path and a round dab at each."""
    previous: list[float] | None = None
    for (x, y), radius in zip(path, radii, strict=True):
        if previous is not None:
            drawing.line((previous[0], previous[1], x, y), fill=255, width=max(1, round(2.0 * radius)))
        drawing.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        previous = [x, y]


def _random_hand(rng: random.Random, label: int) -> Hand:
    height = rng.uniform(44.0, 74.0)
    pen = rng.choice((rng.uniform(3.5, 6.0), rng.uniform(5.5, 9.0), rng.uniform(8.0, 11.0)))
    slack = (SIZE - height) / 2 - 8.0
    return Hand(
        centre=(SIZE / 2 + rng.uniform(-slack, slack), SIZE / 2 + rng.uniform(-slack, slack)),
        width=height * rng.uniform(0.5, 0.78),
        height=height,
        pen=min(pen, height * 0.14),
        slant=rng.gauss(0.12, 0.14),
        turn=rng.gauss(0.0, 0.07 if label in (6, 7, 9) else 0.09),
        wobble=rng.uniform(0.012, 0.045),
        pressure=rng.uniform(0.0, 0.28),
    )


def _colours(rng: random.Random) -> tuple[tuple[str, Colour], tuple[str, Colour], str]:
    """Return ink, ground and what the ground is: seven times in ten light on dark, else ink on paper."""
    if rng.random() < 0.7:
        name = (
            "white" if rng.random() < 0.6 else rng.choice(("yellow", "pink", "beige", "orange", "turquoise"))
        )
        dark: tuple[str, Colour] = ("black", PALETTE["black"])
        if rng.random() < 0.3:
            dark = rng.choice(
                (("dark green", (22, 56, 44)), ("dark blue", (20, 30, 72)), ("dark grey", (58, 60, 64)))
            )
        return (name, PALETTE[name]), dark, "background" if rng.random() < 0.5 else "board"
    paper = rng.choice(("white", "beige", "yellow", "pink", "turquoise", "grey", "orange"))
    name = rng.choice(("black", "blue", "brown", "purple", "black"))
    if paper == "white" and rng.random() < 0.3:
        name, _ = pick(rng, PALETTE[paper])
    return (name, PALETTE[name]), (paper, PALETTE[paper]), "paper"


def _rule(image: Image.Image, rgb: Colour, rng: random.Random) -> str:
    """Print faint lines on the paper, as in a school book, and return what to call it."""
    drawing = ImageDraw.Draw(image)
    gap, start = rng.randint(11, 19), rng.randint(0, 10)
    pale: Colour = (rgb[0] * 7 // 8, rgb[1] * 8 // 9, min(255, rgb[2] * 19 // 20))
    squared = rng.random() < 0.5
    for position in range(start, SIZE, gap):
        drawing.line((0, position, SIZE, position), fill=pale)
        if squared:
            drawing.line((position, 0, position, SIZE), fill=pale)
    return "squared paper" if squared else "lined paper"


def draw(label: int, rng: random.Random) -> LabelledImage:
    """Write one digit."""
    (ink_name, ink), (ground_name, base), material = _colours(rng)
    base = jitter(base, rng, 14)
    image = ground(rng, base)
    if material == "paper" and rng.random() < 0.4:
        material = _rule(image, base, rng)
    hand = _random_hand(rng, label)
    mask = blank_mask()
    write(mask, rng.choice(FORMS[label]), hand, rng)
    image.paste(jitter(ink, rng, 16), mask=finished(mask))
    details = [f"in {ink_name}", f"on {_article(ground_name, material)}"]
    if hand.pen > 8.0:
        details.append("with a thick pen")
    elif hand.pen < 5.0:
        details.append("with a thin pen")
    return LabelledImage(image, tuple(details))


def _article(colour: str, material: str) -> str:
    if material.endswith("paper"):
        return f"{colour} {material}"
    return f"{'an' if colour[0] in 'aeiou' else 'a'} {colour} {material}"


FAMILY = SyntheticTask(
    key="digits",
    title="Handwritten digits",
    noun="a handwritten digit",
    concepts=DIGITS,
    prompts=(
        "a handwritten {}.",
        "the handwritten digit {}.",
        "a drawing of the digit {}.",
        'the number "{}".',
    ),
    draw=draw,
    mirrors="MNIST",
)
