"""Camera and medium: from a 96-pixel drawing to the 48-pixel image that the encoder sees.

Every look occurs in pre-training for every family, as the web shows everything as photo, sketch and
faded print: a fine-tuned task therefore asks for meaning, not for a new kind of edge detector.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.world.labelled_image import SIZE

PIXELS = 48

Pixels = NDArray[np.float32]  # (PIXELS, PIXELS, 3), in [0, 255]
Look = Callable[[Pixels, random.Random], Pixels]


def _noise(rng: random.Random, scale: float) -> Pixels:
    generator = np.random.default_rng(rng.getrandbits(64))
    return np.asarray(generator.standard_normal((PIXELS, PIXELS, 3), dtype=np.float32) * np.float32(scale))


def _grey(pixels: Pixels) -> Pixels:
    return np.asarray(np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2))


def _edges(pixels: Pixels, gain: float) -> Pixels:
    """Brightness differences to the right and below, (PIXELS, PIXELS, 1), clipped to [0, 255]."""
    grey = pixels.mean(axis=2)
    across = np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
    down = np.abs(np.diff(grey, axis=0, append=grey[-1:]))
    return np.asarray(np.clip((across + down) * gain, 0, 255), np.float32)[..., None]


def photo(pixels: Pixels, rng: random.Random) -> Pixels:
    mean = np.float32(pixels.mean())
    contrast, brightness, grain = rng.uniform(0.8, 1.15), rng.uniform(-20, 20), rng.uniform(0, 4)
    return np.asarray((pixels - mean) * contrast + mean + brightness + _noise(rng, grain), np.float32)


def grey(pixels: Pixels, rng: random.Random) -> Pixels:
    return photo(_grey(pixels), rng)


def sepia(pixels: Pixels, rng: random.Random) -> Pixels:
    return photo(_grey(pixels) * np.array([1.06, 0.88, 0.66], np.float32), rng)


def faded(pixels: Pixels, rng: random.Random) -> Pixels:
    return pixels * rng.uniform(0.4, 0.65) + rng.uniform(60, 100)


def night(pixels: Pixels, rng: random.Random) -> Pixels:
    tint = np.array([0.75, 0.85, 1.15], np.float32)
    return pixels * rng.uniform(0.4, 0.6) * tint + _noise(rng, 4)


def negative(pixels: Pixels, rng: random.Random) -> Pixels:
    return photo(255 - pixels, rng)


def sketch(pixels: Pixels, rng: random.Random) -> Pixels:
    paper = rng.uniform(235, 255)
    return np.repeat(paper - _edges(pixels, rng.uniform(1.6, 2.6)), 3, axis=2) + _noise(rng, 3)


def blueprint(pixels: Pixels, rng: random.Random) -> Pixels:
    paper = np.array([30, 65, 135], np.float32) + rng.uniform(-15, 15)
    return paper + _edges(pixels, rng.uniform(1.4, 2.2)) * np.array([0.85, 0.75, 0.5], np.float32)


def poster(pixels: Pixels, rng: random.Random) -> Pixels:
    step = rng.choice([64.0, 85.0])
    return np.asarray((np.floor(np.clip(pixels, 0, 254) / step) + 0.5) * step, np.float32)


def blurred(pixels: Pixels, rng: random.Random) -> Pixels:
    for _ in range(rng.choice([1, 2, 2])):
        for axis in (0, 1):
            before, after = np.roll(pixels, 1, axis), np.roll(pixels, -1, axis)
            pixels = 0.5 * pixels + 0.25 * (before + after)
    return pixels + _noise(rng, 3)


def grainy(pixels: Pixels, rng: random.Random) -> Pixels:
    return photo(pixels, rng) + _noise(rng, rng.uniform(10, 20))


def pastel(pixels: Pixels, rng: random.Random) -> Pixels:
    return pixels * 0.5 + rng.uniform(110, 128)


def tinted(pixels: Pixels, rng: random.Random) -> Pixels:
    return pixels * np.array([rng.uniform(0.5, 1.15) for _ in range(3)], np.float32)


def false_colour(pixels: Pixels, rng: random.Random) -> Pixels:
    return photo(pixels[..., rng.choice([[2, 0, 1], [1, 2, 0], [2, 1, 0], [0, 2, 1], [1, 0, 2]])], rng)


def mosaic(pixels: Pixels, rng: random.Random) -> Pixels:
    coarse = pixels.reshape(PIXELS // 2, 2, PIXELS // 2, 2, 3).mean(axis=(1, 3))
    return photo(coarse.repeat(2, axis=0).repeat(2, axis=1), rng)


def two_inks(pixels: Pixels, rng: random.Random) -> Pixels:
    level = pixels.mean(axis=2, keepdims=True)
    shade = np.clip((level - level.mean()) / 24 + 0.5, 0, 1)
    dark = np.array([rng.uniform(0, 90) for _ in range(3)], np.float32)
    light = np.array([rng.uniform(165, 255) for _ in range(3)], np.float32)
    return np.asarray(dark + shade * (light - dark), np.float32)


LOOKS: Mapping[str, Look] = {
    look.__name__: look
    for look in (
        photo, grey, sepia, faded, night, negative, sketch, blueprint, poster,
        blurred, grainy, pastel, tinted, false_colour, mosaic, two_inks,
    )
}  # fmt: skip


@dataclass(frozen=True)
class Camera:
    """How an image is taken: largest rotation (degrees), log-scale, shift (fraction of the side); looks."""

    rotation: float = 8.0
    zoom: float = 0.12
    shift: float = 0.05
    looks: tuple[str, ...] = ("photo",)


def take(image: Image.Image, camera: Camera, rng: random.Random) -> NDArray[np.uint8]:
    """The image after camera and medium, uint8 of shape (PIXELS, PIXELS, 3)."""
    angle = math.radians(rng.uniform(-camera.rotation, camera.rotation))
    scale = math.exp(rng.uniform(-camera.zoom, camera.zoom))
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    centre = SIZE / 2
    dx, dy = (rng.uniform(-camera.shift, camera.shift) * SIZE for _ in range(2))
    inverse = (
        cos, -sin, centre - cos * centre + sin * centre + dx,
        sin, cos, centre - sin * centre - cos * centre + dy,
    )  # fmt: skip
    margin = SIZE // 2
    wide = Image.fromarray(
        np.pad(np.asarray(image), ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    )
    a, b, c, d, e, f = inverse
    shifted = (a, b, c + margin, d, e, f + margin)
    framed = wide.transform((SIZE, SIZE), Image.Transform.AFFINE, shifted, Image.Resampling.BILINEAR)
    small = framed.resize((PIXELS, PIXELS), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float32)
    developed = LOOKS[rng.choice(camera.looks)](pixels, rng)
    return np.clip(np.rint(developed), 0, 255).astype(np.uint8)
