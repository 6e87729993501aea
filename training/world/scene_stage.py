"""The canvas that scenes are painted on: skies, clouds, rolling land and fir trees."""

import math
import random
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from .labelled_image import SIZE
from .palette import Colour, jitter

Details = tuple[str, ...]  # what a caption may say about a scene

SKIES: dict[str, tuple[Colour, Colour]] = {
    "under a blue sky": ((72, 142, 214), (190, 222, 244)),
    "under a grey sky": ((140, 150, 162), (206, 210, 214)),
    "in the evening light": ((120, 110, 176), (250, 186, 140)),
    "in the morning light": ((150, 190, 226), (252, 224, 196)),
}


class Stage:
    """The image under construction: a canvas and the random source."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.image = Image.new("RGB", (SIZE, SIZE))
        self.draw = ImageDraw.Draw(self.image)

    def fade(self, stops: Sequence[Colour], top: float = 0, bottom: float = SIZE) -> None:
        """Fill a band with colours that run from top to bottom."""
        rows = max(2, round(bottom - top))
        at = np.linspace(0, len(stops) - 1, rows)
        table = np.array(stops, dtype=np.float64)
        column = np.stack([np.interp(at, np.arange(len(stops)), table[:, c]) for c in range(3)], axis=1)
        strip = Image.fromarray(column.round().astype(np.uint8)[:, None, :])
        self.image.paste(strip.resize((SIZE, rows)), (0, round(top)))

    def sky(self, bottom: float) -> str:
        """An ordinary daytime sky; returns what to say about it."""
        name = self.rng.choice(list(SKIES))
        self.fade([jitter(colour, self.rng, 20) for colour in SKIES[name]], 0, bottom)
        return name

    def clouds(self, most: int, low: float) -> None:
        """Up to ``most`` puffy clouds above ``low``."""
        for _ in range(self.rng.randint(0, most)):
            x, y = self.rng.uniform(0, SIZE), self.rng.uniform(6, low)
            for shift, radius in ((-8, 4), (0, 6), (8, 4.5)):
                self.disc(x + shift, y, radius * 1.4, (244, 246, 248), 0.6)

    def disc(self, x: float, y: float, radius: float, colour: Colour, flat: float = 1.0) -> None:
        """A filled disc, ``flat`` times as high as it is wide."""
        self.draw.ellipse((x - radius, y - radius * flat, x + radius, y + radius * flat), fill=colour)

    def land(self, y: float, swing: float, colour: Colour) -> None:
        """Rolling ground from height ``y`` to the lower edge."""
        first, second = self.rng.uniform(0, 6.3), self.rng.uniform(0, 6.3)
        line = [
            (x, y + swing * (math.sin(first + x / 17) + 0.6 * math.sin(second + x / 9)))
            for x in range(0, SIZE + 8, 8)
        ]
        self.draw.polygon([*line, (SIZE, SIZE), (0, SIZE)], fill=colour)

    def fir(self, x: float, foot: float, high: float, colour: Colour) -> None:
        """A fir tree standing at ``foot``."""
        self.draw.rectangle((x - 1, foot - high * 0.2, x + 1, foot), fill=(84, 58, 40))
        for level in range(3):
            top, wide = foot - high * (1 - 0.25 * level), high * (0.16 + 0.07 * level)
            low = top + high * 0.4
            self.draw.polygon(((x, top), (x + wide, low), (x - wide, low)), fill=colour)
