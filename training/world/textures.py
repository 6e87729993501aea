"""Textures: sixteen patterns in two or three colours, turned, scaled, bent and lit from one side."""

import math
import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .labelled_image import SIZE, LabelledImage, SyntheticTask
from .palette import Colour, jitter, pick
from .texture_patterns import DOWN, RIGHT, TEXTURES, Field, as_field, random_plane


def _inked(tone: Field, base: Colour, first: Colour, second: Colour) -> NDArray[np.float32]:
    """Turn signed tones into colours."""
    steps = np.linspace(-1.0, 1.0, 255, dtype=np.float32)[:, None]
    ground, positive, negative = (np.array(rgb, dtype=np.float32) for rgb in (base, first, second))
    table = np.where(steps >= 0, ground + (positive - ground) * steps, ground - (negative - ground) * steps)
    index = np.clip(tone * 127.0 + 127.5, 0.0, 254.0).astype(np.intp)
    return as_field(table[index])


def _lit(pixels: NDArray[np.float32], tone: Field, rng: random.Random) -> Image.Image:
    """Light the surface from one side: a gradient over the image and a slight relief at the edges."""
    slope = rng.uniform(0.0, 0.2) / SIZE
    angle = rng.uniform(0.0, 2.0 * math.pi)
    light = 1.0 + slope * (math.cos(angle) * RIGHT + math.sin(angle) * DOWN)
    relief = np.abs(tone)
    light[1:, 1:] += rng.uniform(-0.16, 0.16) * (relief[1:, 1:] - relief[:-1, :-1])
    lit = np.clip(pixels * light[:, :, None].astype(np.float32), 0.0, 255.0)
    return Image.fromarray(lit.astype(np.uint8))


def draw(label: int, rng: random.Random) -> LabelledImage:
    """Draw one texture."""
    texture = TEXTURES[label]
    base_name, base = pick(rng)
    first_name, first = pick(rng, base)
    second_name, second = first_name, first
    if texture.third and rng.random() < 0.4:
        second_name, second = pick(rng, base)
    angle = math.radians(rng.uniform(-texture.turn, texture.turn))
    tone = texture.pattern(random_plane(rng, angle, rng.choice((0.0, 3.0, 9.0))))
    first = jitter(first, rng, 26)
    second = first if second_name == first_name else jitter(second, rng, 26)
    pixels = _inked(tone, jitter(base, rng, 26), first, second)
    if second_name == first_name:
        colours = f"{first_name} and {base_name}"
    else:
        colours = f"{first_name}, {second_name} and {base_name}"
    return LabelledImage(_lit(pixels, tone, rng), (f"in {colours}",))


FAMILY = SyntheticTask(
    key="textures",
    title="Textures",
    noun="a texture",
    concepts=tuple(texture.concept for texture in TEXTURES),
    prompts=("a {} texture.", "a photo of a {} pattern.", "a {} surface."),
    draw=draw,
    mirrors="DTD",
)
