"""Named colours, for truthful captions, and uneven grounds to draw on."""

import random
from typing import TypeAlias

import numpy as np
from PIL import Image

from .labelled_image import SIZE

Colour: TypeAlias = tuple[int, int, int]

PALETTE: dict[str, Colour] = {
    "white": (244, 242, 236),
    "grey": (138, 140, 144),
    "black": (26, 26, 30),
    "red": (204, 46, 44),
    "orange": (236, 134, 40),
    "yellow": (246, 212, 66),
    "green": (56, 142, 72),
    "turquoise": (52, 178, 176),
    "blue": (42, 92, 186),
    "purple": (122, 62, 158),
    "pink": (240, 146, 178),
    "brown": (120, 76, 46),
    "beige": (222, 202, 164),
}

_CONTRAST = 150.0


def contrast(first: Colour, second: Colour) -> float:
    """Return how far apart two colours look: brightness counts double, 0 to about 800."""
    red, green, blue = (float(a - b) for a, b in zip(first, second, strict=True))
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    return 2.0 * abs(brightness) + 0.3 * (abs(red) + abs(green) + abs(blue))


def pick(rng: random.Random, avoid: Colour | None = None) -> tuple[str, Colour]:
    """Return a named colour, one that stands out against ``avoid`` when that is given."""
    names = list(PALETTE)
    if avoid is not None:
        names = [name for name in names if contrast(PALETTE[name], avoid) >= _CONTRAST]
    name = rng.choice(names)
    return name, PALETTE[name]


def jitter(rgb: Colour, rng: random.Random, amount: int) -> Colour:
    """Return the colour with every channel moved by at most ``amount``, half of it in common."""
    half = amount / 2
    common = rng.uniform(-half, half)
    red, green, blue = (
        max(0, min(255, round(channel + common + rng.uniform(-half, half)))) for channel in rgb
    )
    return red, green, blue


def ground(rng: random.Random, rgb: Colour) -> Image.Image:
    """Return a gently uneven background of one colour: soft blotches over a slight gradient."""
    cells = rng.randint(2, 5)
    noise = np.random.default_rng(rng.getrandbits(64)).normal(0.0, rng.uniform(3.0, 11.0), (cells, cells))
    slope = np.linspace(-1.0, 1.0, cells)
    light = noise + rng.uniform(-12.0, 12.0) * slope[:, None] + rng.uniform(-12.0, 12.0) * slope
    small = np.clip(np.array(rgb, dtype=np.float64) + light[:, :, None], 0.0, 255.0).astype(np.uint8)
    return Image.fromarray(small).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
