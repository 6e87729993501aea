"""A pen that draws in an object's own coordinates, which are placed, scaled, tilted and mirrored.

A thing is described once, roughly within -1 to 1 with y pointing down; the pen puts it into the
image. This keeps each concept a short list of shapes and needs no costly image rotation.
"""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from .palette import Colour

Point = tuple[float, float]


class Pen:
    """Draws shapes of unit size onto an image.

    Args:
        image: what is drawn on.
        centre: pixel position of the local origin.
        size: pixels per local unit.
        tilt: clockwise rotation in radians.
        stretch: factor on local x, for a thing seen slightly from the side.
        mirrored: flip local x.
    """

    def __init__(
        self,
        image: Image.Image,
        centre: Point,
        size: float,
        tilt: float = 0.0,
        stretch: float = 1.0,
        mirrored: bool = False,
    ) -> None:
        across = -size * stretch if mirrored else size * stretch
        self._draw = ImageDraw.Draw(image)
        self._centre = centre
        self._size = size
        self._radii = (size * stretch, size)
        self._column_x = (across * math.cos(tilt), across * math.sin(tilt))
        self._column_y = (-size * math.sin(tilt), size * math.cos(tilt))

    def at(self, points: Sequence[Point]) -> list[Point]:
        """Return the pixel positions of local points."""
        (left, top), (xx, xy), (yx, yy) = self._centre, self._column_x, self._column_y
        return [(left + x * xx + y * yx, top + x * xy + y * yy) for x, y in points]

    def shape(self, points: Sequence[Point], fill: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon(self.at(points), fill=fill)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        """Fill a rectangle."""
        self.shape(((left, top), (right, top), (right, bottom), (left, bottom)), fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """Draw a line through the points, ``width`` in local units."""
        pixels = max(1, round(width * self._size))
        self._draw.line(self.at(points), fill=fill, width=pixels, joint="curve" if pixels > 2 else None)

    def disc(self, x: float, y: float, radius: float, fill: Colour) -> None:
        """Fill a disc."""
        self._draw.ellipse(self._bounds(x, y, radius), fill=fill)

    def ring(self, x: float, y: float, radius: float, fill: Colour, width: float) -> None:
        """Draw a circle line inside the given radius."""
        pixels = max(1, round(width * self._size))
        self._draw.ellipse(self._bounds(x, y, radius), outline=fill, width=pixels)

    def _bounds(self, x: float, y: float, radius: float) -> tuple[float, float, float, float]:
        [(across, down)] = self.at(((x, y),))
        wide, high = self._radii[0] * radius, self._radii[1] * radius
        return across - wide, down - high, across + wide, down + high


def arc(centre: Point, radii: Point, start: float, end: float, steps: int = 12) -> list[Point]:
    """Return points along an ellipse from angle ``start`` to ``end`` (degrees, clockwise from the right)."""
    turns = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
    return [(centre[0] + radii[0] * math.cos(turn), centre[1] + radii[1] * math.sin(turn)) for turn in turns]


def shade(rgb: Colour, factor: float) -> Colour:
    """Return the colour darkened (below 1) or lightened towards white (above 1, at most 2)."""
    if factor <= 1.0:
        red, green, blue = (round(channel * factor) for channel in rgb)
    else:
        red, green, blue = (round(channel + (255 - channel) * (factor - 1.0)) for channel in rgb)
    return red, green, blue
