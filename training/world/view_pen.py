"""A drawing pen that sees every shape through an affine view.

Objects and faces are drawn in a frame of 100 x 100 units with the origin at the top left. The pen
turns, shears, mirrors and scales that frame while it draws, so an upright mug and one lying on its side
come from the same few lines and no image is ever resampled.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from .labelled_image import SIZE
from .palette import Colour
from .pen import Point

WHITE: Colour = (246, 246, 240)
INK: Colour = (34, 30, 38)
GOLD: Colour = (240, 190, 60)
WOOD: Colour = (146, 98, 58)
STEEL: Colour = (176, 184, 194)
LEAF: Colour = (72, 150, 70)


def mix(first: Colour, second: Colour, amount: float) -> Colour:
    """Blend two colours; ``amount`` 0 is the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * amount) for a, b in zip(first, second, strict=True))
    return red, green, blue


def shadow(colour: Colour, amount: float = 0.3) -> Colour:
    """Return the colour in shadow."""
    return mix(colour, (12, 8, 24), amount)


def tint(colour: Colour, amount: float = 0.4) -> Colour:
    """Return the colour in bright light."""
    return mix(colour, (255, 255, 250), amount)


@dataclass(frozen=True)
class View:
    """How the 100 x 100 frame is seen: turned, stretched and moved about its middle.

    Args:
        size: side of the frame as a share of the image.
        middle: where the frame's middle falls, as shares of the image.
        angle: turn in degrees, clockwise.
        stretch: width over height.
        shear: how far the top leans sideways.
        mirrored: left and right exchanged.
    """

    size: float = 1.0
    middle: Point = (0.5, 0.5)
    angle: float = 0.0
    stretch: float = 1.0
    shear: float = 0.0
    mirrored: bool = False


class ViewPen:
    """Draws filled shapes and lines through a view."""

    def __init__(self, draw: ImageDraw.ImageDraw, view: View) -> None:
        self._draw = draw
        self._scale = view.size * SIZE / 100
        wide = self._scale * math.sqrt(view.stretch) * (-1 if view.mirrored else 1)
        high = self._scale / math.sqrt(view.stretch)
        cos, sin = math.cos(math.radians(view.angle)), math.sin(math.radians(view.angle))
        self._xx, self._xy = cos * wide, cos * high * view.shear - sin * high
        self._yx, self._yy = sin * wide, sin * high * view.shear + cos * high
        self._x0 = view.middle[0] * SIZE - 50 * (self._xx + self._xy)
        self._y0 = view.middle[1] * SIZE - 50 * (self._yx + self._yy)

    def _seen(self, points: Iterable[Point]) -> list[Point]:
        return [
            (self._x0 + self._xx * x + self._xy * y, self._y0 + self._yx * x + self._yy * y)
            for x, y in points
        ]

    def polygon(self, points: Iterable[Point], fill: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon(self._seen(points), fill=fill)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        """Fill a rectangle."""
        self.polygon(((left, top), (right, top), (right, bottom), (left, bottom)), fill)

    def oval(
        self, x: float, y: float, wide: float, high: float, fill: Colour, start: float = 0, end: float = 360
    ) -> None:
        """Fill an ellipse, or its segment from ``start`` to ``end`` degrees (0 right, 90 down)."""
        self.polygon(curve(x, y, wide, high, start, end), fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """Draw a line with round ends."""
        seen = self._seen(points)
        thick = max(1, round(width * self._scale))
        self._draw.line(seen, fill=fill, width=thick, joint="curve")
        if thick > 2:
            half = thick / 2 - 0.5
            for x, y in (seen[0], seen[-1]):
                self._draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)

    def arc(
        self,
        x: float,
        y: float,
        wide: float,
        high: float,
        start: float,
        end: float,
        fill: Colour,
        width: float,
    ) -> None:
        """Draw a part of an ellipse's rim, from ``start`` to ``end`` degrees (0 right, 90 down)."""
        self.line(curve(x, y, wide, high, start, end), fill, width)


def curve(x: float, y: float, wide: float, high: float, start: float = 0, end: float = 360) -> list[Point]:
    """Return points along an ellipse, from ``start`` to ``end`` degrees."""
    steps = max(6, round(abs(end - start) / 18))
    angles = (math.radians(start + (end - start) * step / steps) for step in range(steps + 1))
    return [(x + wide * math.cos(angle), y + high * math.sin(angle)) for angle in angles]
