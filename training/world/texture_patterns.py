"""Patterns of textures: a signed tone for each pixel of a turned and gently bent plane.

0 is the ground colour, +1 the first colour and -1 the second, which is the first in two-coloured textures.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from .labelled_image import SIZE, Concept

Field: TypeAlias = NDArray[np.float32]

_TAU = np.float32(2.0 * math.pi)
_AXIS: Field = np.arange(SIZE, dtype=np.float32) - np.float32(SIZE / 2 - 0.5)
RIGHT: Field = np.tile(_AXIS, (SIZE, 1))
DOWN: Field = np.ascontiguousarray(RIGHT.T)


@dataclass(frozen=True)
class Plane:
    """The turned and gently bent coordinates, in pixels from the middle, that a pattern is drawn in."""

    along: Field
    across: Field
    rng: random.Random

    def noise(self, cells: int) -> Field:
        """Return soft noise between 0 and 1 with about ``cells`` blotches a side."""
        return _noise(self.rng, cells)


def _noise(rng: random.Random, cells: int) -> Field:
    coarse = np.random.default_rng(rng.getrandbits(64)).random((cells, cells), dtype=np.float32)
    return np.asarray(
        Image.fromarray(coarse).resize((SIZE, SIZE), Image.Resampling.BICUBIC), dtype=np.float32
    )


def random_plane(rng: random.Random, angle: float, bend: float) -> Plane:
    cosine, sine = math.cos(angle), math.sin(angle)
    right, down = RIGHT, DOWN
    if bend > 0.0:
        right = right + bend * (_noise(rng, 3) - 0.5)
        down = down + bend * (_noise(rng, 3) - 0.5)
    shift_right, shift_down = rng.uniform(-30.0, 30.0), rng.uniform(-30.0, 30.0)
    along = cosine * right + sine * down + shift_right
    across = cosine * down - sine * right + shift_down
    return Plane(along.astype(np.float32), across.astype(np.float32), rng)


def as_field(values: ArrayLike) -> Field:
    return np.asarray(values, dtype=np.float32)


def _edge(distance: ArrayLike, softness: float = 1.4) -> Field:
    """Return 1 where the signed distance in pixels is positive, 0 elsewhere, with a soft edge."""
    return as_field(np.clip(as_field(distance) / np.float32(softness) + np.float32(0.5), 0.0, 1.0))


def _fold(position: Field, period: float) -> Field:
    """Return the distance to the nearest multiple of the period."""
    return as_field(np.abs(position - np.round(position / np.float32(period)) * np.float32(period)))


def _sign(position: Field, period: float) -> Field:
    """Return +1 and -1 in turn for the cells around the multiples of the period."""
    return as_field(1.0 - 2.0 * np.mod(np.round(position / np.float32(period)), 2.0))


def _bands(position: Field, period: float, share: float) -> Field:
    """Return bands of alternating colour that cover ``share`` of the plane."""
    return _edge(period * share / 2 - _fold(position, period)) * _sign(position, period)


def _striped(plane: Plane) -> Field:
    return _bands(plane.along, plane.rng.uniform(9.0, 22.0), plane.rng.uniform(0.35, 0.6))


def _checkered(plane: Plane) -> Field:
    cell = plane.rng.uniform(9.0, 19.0)
    first = np.clip((cell / 2 - _fold(plane.along, 2 * cell)) / 0.7, -1.0, 1.0)
    second = np.clip((cell / 2 - _fold(plane.across, 2 * cell)) / 0.7, -1.0, 1.0)
    return as_field(0.5 - 0.5 * first * second)


def _dotted(plane: Plane) -> Field:
    period = plane.rng.uniform(13.0, 25.0)
    radius = period * plane.rng.uniform(0.22, 0.36)
    along = plane.along
    if plane.rng.random() < 0.5:
        along = along + np.where(_sign(plane.across, period) > 0, np.float32(period / 2), np.float32(0.0))
    distance = np.hypot(_fold(along, period), _fold(plane.across, period))
    return _edge(radius - distance) * _sign(along, period)


def _grid(plane: Plane) -> Field:
    period, width = plane.rng.uniform(12.0, 22.0), plane.rng.uniform(1.3, 2.6)
    upright = _edge(width - _fold(plane.along, period))
    level = _edge(width - _fold(plane.across, period * plane.rng.uniform(0.85, 1.15)))
    return as_field(np.where(upright >= level, upright, -level))


def _wavy(plane: Plane) -> Field:
    period, length = plane.rng.uniform(11.0, 19.0), plane.rng.uniform(26.0, 44.0)
    swing = length * plane.rng.uniform(0.13, 0.2)
    return _bands(
        plane.along + swing * np.sin(plane.across * (_TAU / length)), period, plane.rng.uniform(0.35, 0.55)
    )


def _zigzag(plane: Plane) -> Field:
    period, length = plane.rng.uniform(13.0, 21.0), plane.rng.uniform(20.0, 34.0)
    return _bands(
        plane.along + plane.rng.uniform(0.85, 1.25) * _fold(plane.across, length),
        period,
        plane.rng.uniform(0.35, 0.55),
    )


def _marbled(plane: Plane) -> Field:
    warp = plane.noise(4) * plane.rng.uniform(2.4, 4.0) + plane.noise(9) * 0.9
    wave = np.sin(_TAU * (plane.along / plane.rng.uniform(50.0, 90.0) + warp * np.float32(0.6)))
    veins = np.float32(1.0) - np.abs(wave)
    tone = veins**3 + 0.35 * (plane.noise(5) - 0.5)
    return as_field(np.clip(tone, 0.0, 1.0) * np.sign(plane.noise(3) - 0.5))


def _seeds(rng: random.Random, per_side: int) -> list[tuple[float, float]]:
    """Return one random point in each square of a board a little larger than the image."""
    pitch = 1.3 * SIZE / per_side
    half = per_side / 2
    return [
        ((column - half + rng.uniform(0.08, 0.92)) * pitch, (row - half + rng.uniform(0.08, 0.92)) * pitch)
        for row in range(per_side)
        for column in range(per_side)
    ]


def _cracked(plane: Plane) -> Field:
    bent = (plane.noise(14) - 0.5) * np.float32(5.0)
    nearest = np.full((SIZE, SIZE), 1e4, dtype=np.float32)
    second = nearest
    for x, y in _seeds(plane.rng, plane.rng.randint(4, 5)):
        distance = np.sqrt(np.square(_AXIS - np.float32(x)) + np.square(_AXIS - np.float32(y))[:, None])
        second = np.minimum(second, np.maximum(nearest, distance))
        nearest = np.minimum(nearest, distance)
    return _edge(plane.rng.uniform(2.2, 4.0) - (second - nearest) - bent * np.float32(0.35))


def _bubbly(plane: Plane) -> Field:
    """Overlapping glassy bubbles, each with a rim and a bright spot."""
    rng = plane.rng
    canvas = Image.new("L", (2 * SIZE, 2 * SIZE), 128)
    drawing = ImageDraw.Draw(canvas)
    for _ in range(rng.randint(22, 34)):
        x, y, radius = (
            rng.uniform(0, 2 * SIZE),
            rng.uniform(0, 2 * SIZE),
            rng.choice((9, 13, 18, 26)) * rng.uniform(0.8, 1.2),
        )
        tone = rng.choice((1, -1))
        box = (x - radius, y - radius, x + radius, y + radius)
        drawing.ellipse(
            box, fill=128 + 42 * tone, outline=128 + 127 * tone, width=max(3, round(radius * 0.2))
        )
        spot, offset = radius * 0.2, radius * 0.4
        drawing.ellipse(
            (x - offset - spot, y - offset - spot, x - offset + spot, y - offset + spot),
            fill=128 + 127 * tone,
        )
    return as_field((np.asarray(canvas.reduce(2), dtype=np.float32) - 128.0) / 127.0)


def _spiralled(plane: Plane) -> Field:
    rng = plane.rng
    right, down = RIGHT - rng.uniform(-16.0, 16.0), DOWN - rng.uniform(-16.0, 16.0)
    radius = np.hypot(right, down)
    angle = np.arctan2(down, right) / _TAU
    arms, turn = rng.choice((1, 1, 2)), rng.choice((-1.0, 1.0))
    period = rng.uniform(11.0, 19.0)
    position = radius + np.float32(arms * turn * period) * angle + np.float32(rng.uniform(0.0, period))
    return np.abs(_bands(position.astype(np.float32), period, rng.uniform(0.35, 0.55)))


def _bricked(plane: Plane) -> Field:
    height, joint = plane.rng.uniform(10.0, 17.0), plane.rng.uniform(0.9, 1.7)
    length = height * plane.rng.uniform(1.9, 2.6)
    row = np.round(plane.across / np.float32(height))
    along = as_field(plane.along + np.mod(row, 2.0) * np.float32(length / 2))
    level = height / 2 - _fold(plane.across, height) - joint
    upright = length / 2 - _fold(along, length) - joint
    brick = np.round(along / np.float32(length))
    shade = 0.8 + 0.2 * np.sin(row * 12.9 + brick * 78.2)
    odd = np.where(np.sin(row * 39.3 + brick * 11.1) > 0.55, -1.0, 1.0)
    return as_field(_edge(np.minimum(level, upright)) * shade * odd)


def _speckled(plane: Plane) -> Field:
    cells = plane.rng.randint(30, 46)
    share = plane.rng.uniform(0.74, 0.82)
    return _edge(plane.noise(cells) - share, 0.16) - _edge(plane.noise(cells) - share, 0.16)


def _blotchy(plane: Plane) -> Field:
    detail = 0.16 * (plane.noise(13) - 0.5)
    first = _edge(plane.noise(plane.rng.randint(5, 6)) + detail - 0.58, 0.07)
    second = _edge(plane.noise(plane.rng.randint(5, 6)) + detail - 0.64, 0.07)
    return as_field(np.where(first > 0.3, first, -second))


def _woven(plane: Plane) -> Field:
    """A basket weave: bundles of threads that pass over and under each other, dark where they dive."""
    cell, threads = plane.rng.uniform(16.0, 25.0), plane.rng.choice((2, 3))
    column, row = np.round(plane.along / np.float32(cell)), np.round(plane.across / np.float32(cell))
    over = np.mod(column + row, 2.0) > 0.5
    along, across = plane.along - column * np.float32(cell), plane.across - row * np.float32(cell)
    along_thread, across_thread = np.where(over, along, across), np.where(over, across, along)
    rounding = 1.0 - 0.55 * np.square(across_thread / np.float32(cell / 2))
    ribs = np.abs(np.sin((along_thread / np.float32(cell) + 0.5) * np.float32(math.pi * threads)))
    return as_field(np.minimum(1.0, 1.5 * ribs) * rounding * np.where(over, 1.0, -1.0))


def _scaly(plane: Plane) -> Field:
    """Rows of round scales, each covering the row below it."""
    width = plane.rng.uniform(19.0, 30.0)
    step, radius = width * 0.5, width * 0.56
    best: Field = np.full((SIZE, SIZE), -1.0, dtype=np.float32)
    base = np.floor(plane.across / np.float32(step))
    for back in (1.0, 0.0, -1.0):
        row = base - np.float32(back)
        along = _fold(plane.along + np.mod(row, 2.0) * np.float32(width / 2), width)
        distance = np.hypot(along, plane.across - row * np.float32(step))
        scale = np.where(distance > radius - 2.0, 0.0, 0.35 + 0.65 * distance / radius) * (
            1.0 - 2.0 * np.mod(row, 2.0)
        )
        best = as_field(np.where((distance < radius) & (plane.across >= row * np.float32(step)), scale, best))
    return as_field(best)


def _honeycombed(plane: Plane) -> Field:
    size, wall = plane.rng.uniform(14.0, 24.0), plane.rng.uniform(1.2, 2.4)
    tall = size * math.sqrt(3.0)
    walls = []
    for shift in (0.0, 0.5):
        along = _fold(plane.along + np.float32(shift * size), size)
        across = _fold(plane.across + np.float32(shift * tall), tall)
        walls.append(np.maximum(along, 0.5 * along + np.float32(math.sqrt(3.0) / 2) * across))
    nearest = np.minimum(walls[0], walls[1])
    return _edge(nearest - (size / 2 - wall))


@dataclass(frozen=True)
class Texture:
    """A pattern with its names.

    Args:
        concept: English and German name.
        pattern: returns the signed tone of each pixel.
        turn: how far the pattern may be rotated either way, in degrees.
        third: whether a third colour shows.
    """

    concept: Concept
    pattern: Callable[[Plane], Field]
    turn: float
    third: bool


TEXTURES = (
    Texture(Concept("striped", "gestreift"), _striped, 90.0, True),
    Texture(Concept("checkered", "kariert"), _checkered, 45.0, False),
    Texture(Concept("dotted", "gepunktet"), _dotted, 45.0, True),
    Texture(Concept("grid", "gegittert"), _grid, 45.0, True),
    Texture(Concept("wavy", "gewellt"), _wavy, 90.0, True),
    Texture(Concept("zigzag", "gezackt"), _zigzag, 90.0, True),
    Texture(Concept("marbled", "marmoriert"), _marbled, 180.0, True),
    Texture(Concept("cracked", "rissig"), _cracked, 180.0, False),
    Texture(Concept("bubbly", "blasig"), _bubbly, 0.0, True),
    Texture(Concept("spiralled", "spiralförmig"), _spiralled, 0.0, False),
    Texture(Concept("bricked", "gemauert"), _bricked, 12.0, True),
    Texture(Concept("speckled", "gesprenkelt"), _speckled, 0.0, True),
    Texture(Concept("woven", "geflochten"), _woven, 45.0, True),
    Texture(Concept("scaly", "schuppig"), _scaly, 25.0, True),
    Texture(Concept("honeycombed", "wabenförmig"), _honeycombed, 45.0, False),
    Texture(Concept("blotchy", "fleckig"), _blotchy, 0.0, True),
)
