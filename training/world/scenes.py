"""Fourteen places: landscapes by day and night, a city, a bedroom, the sea from above and below.

Each scene is layered from back to front; season, hour, weather and layout vary, and half are mirrored.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import ImageOps

from .labelled_image import SIZE, Concept, LabelledImage, SyntheticTask
from .landscapes import (
    country_road,
    desert,
    flower_meadow,
    forest_path,
    mountain,
    snowy_hill,
    volcano,
    waterfall,
)
from .palette import jitter, pick
from .scene_stage import Details, Stage
from .view_pen import INK, WHITE, mix, shadow, tint


def beach(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    horizon, shore = rng.uniform(26, 42), rng.uniform(52, 66)
    sky = stage.sky(horizon)
    stage.clouds(3, horizon - 8)
    stage.fade((jitter((30, 96, 170), rng, 20), jitter((80, 190, 200), rng, 20)), horizon, 80)
    stage.land(shore, 2.5, (244, 248, 246))
    stage.land(shore + 3, 2.5, jitter((238, 212, 152), rng, 20))
    name, colour = pick(rng, avoid=(238, 212, 152))
    x, y = rng.uniform(22, 74), rng.uniform(72, 80)
    draw.line((x, y - 20, x, y + 10), fill=WHITE, width=2)
    draw.pieslice((x - 17, y - 24, x + 17, y + 4), 180, 360, fill=colour)
    draw.pieslice((x - 6, y - 24, x + 6, y + 4), 180, 360, fill=tint(colour, 0.6))
    return sky, f"with a {name} parasol"


def city_skyline(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    night = rng.random() < 0.4
    if night:
        stage.fade(((18, 20, 52), (70, 54, 104)))
        backdrop = "at night"
    else:
        backdrop = stage.sky(SIZE)
    for depth, tone in ((0, 0.5), (1, 0.0)):
        wall = jitter((52, 54, 78) if night else (104, 116, 140), rng, 30)
        x = rng.uniform(-8, 0)
        while x < SIZE:
            wide, top = rng.uniform(11, 19), rng.uniform(14, 48) + 14 * depth
            colour = mix(jitter(wall, rng, 24), (150, 160, 190) if not night else (60, 54, 96), tone)
            draw.rectangle((x, top, x + wide - 1, SIZE), fill=colour)
            if depth and rng.random() < 0.3:
                draw.line((x + wide / 2, top, x + wide / 2, top - 10), fill=colour, width=2)
            light = (250, 220, 120) if night else tint(colour, 0.55)
            for row in range(round(top) + 4, SIZE, 7) if depth else ():
                for column in (x + 2.5, x + wide / 2 + 1):
                    if rng.random() < 0.75:
                        draw.rectangle((column, row, column + 2.5, row + 3), fill=light)
            x += wide
    return (backdrop, "with tall buildings")


def starry_night(stage: Stage) -> Details:
    rng = stage.rng
    stage.fade((jitter((8, 10, 38), rng, 14), jitter((34, 44, 96), rng, 20)))
    for _ in range(rng.randint(30, 50)):
        x, y, size = rng.uniform(0, SIZE), rng.uniform(0, 80), rng.choice((0.8, 1.0, 1.6))
        stage.disc(x, y, size, (250, 246, 214))
    details: Details = ("with many stars",)
    if rng.random() < 0.7:
        x, y = rng.uniform(16, 80), rng.uniform(14, 30)
        stage.disc(x, y, 10, (250, 240, 200))
        details = ("with many stars", "with a full moon")
        if rng.random() < 0.6:
            stage.disc(x + 5, y - 3, 9, (16, 20, 54))
            details = ("with many stars", "with a crescent moon")
    stage.land(rng.uniform(78, 88), 3, (10, 12, 24))
    for _ in range(rng.randint(0, 3)):
        stage.fir(rng.uniform(5, 90), 92, 26, (8, 10, 20))
    return details


def sunset_at_sea(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    horizon = rng.uniform(46, 60)
    high = jitter(rng.choice(((110, 60, 130), (190, 70, 70), (70, 60, 130))), rng, 24)
    stage.fade((high, (244, 130, 70), (254, 212, 110)), 0, horizon)
    x, radius = rng.uniform(26, 70), rng.uniform(11, 17)
    stage.disc(x, horizon - rng.uniform(0, 6), radius, (255, 240, 170))
    stage.fade((jitter((190, 96, 84), rng, 16), shadow(high, 0.55)), horizon, SIZE)
    for row in range(round(horizon) + 3, SIZE, 5):
        half = rng.uniform(3, 13)
        draw.line((x - half, row, x + half, row), fill=(255, 210, 120), width=2)
    if rng.random() < 0.5:
        boat = rng.uniform(10, 86)
        draw.polygon(((boat, horizon - 12), (boat, horizon + 1), (boat + 9, horizon + 1)), fill=INK)
        draw.polygon(
            (
                (boat - 6, horizon + 2),
                (boat + 11, horizon + 2),
                (boat + 7, horizon + 6),
                (boat - 3, horizon + 6),
            ),
            fill=INK,
        )
        return "with an orange sky", "with a sailing boat"
    return ("with an orange sky",)


def bedroom(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    wall = jitter(rng.choice(((226, 214, 196), (186, 206, 214), (220, 190, 186), (190, 210, 180))), rng, 20)
    floor = rng.uniform(60, 68)
    draw.rectangle((0, 0, SIZE, SIZE), fill=wall)
    draw.rectangle((0, floor, SIZE, SIZE), fill=jitter((158, 112, 74), rng, 24))
    left, width = rng.uniform(8, 14), rng.uniform(20, 26)
    draw.rectangle((left - 2, 10, left + width + 2, 38), fill=WHITE)
    draw.rectangle((left, 12, left + width, 36), fill=rng.choice(((130, 190, 236), (36, 44, 92))))
    draw.line((left + width / 2, 10, left + width / 2, 38), fill=WHITE, width=2)
    name, cover = pick(rng, avoid=wall)
    cover = jitter(cover, rng, 20)
    wood = (112, 74, 48)
    draw.rectangle((86, 38, 92, 88), fill=wood)
    draw.rectangle((22, 62, 27, 88), fill=wood)
    draw.rectangle((24, 62, 88, 80), fill=cover)
    draw.rectangle((24, 74, 88, 82), fill=shadow(cover, 0.35))
    draw.rounded_rectangle((64, 53, 86, 64), 4, fill=WHITE)
    if rng.random() < 0.7:
        x = rng.uniform(52, 72)
        draw.rectangle((x, 14, x + 16, 28), fill=wood)
        draw.rectangle((x + 2, 16, x + 14, 26), fill=pick(rng)[1])
    return f"with a {name} blanket", "with a window"


def underwater(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    stage.fade((jitter((70, 180, 206), rng, 24), jitter((14, 62, 122), rng, 20)))
    stage.land(rng.uniform(80, 88), 2, jitter((176, 160, 120), rng, 20))
    for _ in range(rng.randint(3, 5)):
        x, high = rng.uniform(4, 92), rng.uniform(16, 38)
        weed = [(x + 3 * math.sin(y / 4), 92 - y) for y in range(0, round(high), 3)]
        draw.line(weed, fill=jitter((40, 140, 90), rng, 30), width=3)
    name, colour = pick(rng, avoid=(40, 120, 160))
    for _ in range(rng.randint(2, 4)):
        x, y, long = rng.uniform(16, 78), rng.uniform(14, 68), rng.uniform(7, 12)
        stage.disc(x, y, long, colour, 0.55)
        draw.polygon(
            ((x + long * 0.7, y), (x + long * 1.6, y - long * 0.6), (x + long * 1.6, y + long * 0.6)),
            fill=shadow(colour, 0.2),
        )
        stage.disc(x - long * 0.5, y - 1, 1.4, INK)
    for _ in range(rng.randint(4, 9)):
        x, y, size = rng.uniform(4, 92), rng.uniform(4, 80), rng.uniform(1.5, 3)
        draw.ellipse((x - size, y - size, x + size, y + size), outline=(220, 244, 250))
    return f"with {name} fish", "with water plants"


@dataclass(frozen=True)
class Place:
    """A concept and the function that paints it."""

    name: str
    foreign: str
    paint: Callable[[Stage], Details]


PLACES = (
    Place("beach", "strand", beach),
    Place("mountain", "gebirge", mountain),
    Place("city skyline", "stadtsilhouette", city_skyline),
    Place("starry night", "sternennacht", starry_night),
    Place("forest path", "waldweg", forest_path),
    Place("sunset at sea", "sonnenuntergang am meer", sunset_at_sea),
    Place("snowy hill", "verschneiter hügel", snowy_hill),
    Place("country road", "landstraße", country_road),
    Place("bedroom", "schlafzimmer", bedroom),
    Place("flower meadow", "blumenwiese", flower_meadow),
    Place("volcano", "vulkan", volcano),
    Place("underwater", "unter wasser", underwater),
    Place("desert", "wüste", desert),
    Place("waterfall", "wasserfall", waterfall),
)


def draw_scene(label: int, rng: random.Random) -> LabelledImage:
    """Paint the place ``CONCEPTS[label]``."""
    stage = Stage(rng)
    details = PLACES[label].paint(stage)
    return LabelledImage(ImageOps.mirror(stage.image) if rng.random() < 0.5 else stage.image, details)


FAMILY = SyntheticTask(
    key="scenes",
    title="Scenes",
    noun="a scene",
    concepts=tuple(Concept(place.name, place.foreign) for place in PLACES),
    prompts=("a picture of a {}.", "a painting of a {}.", "the scenery of a {}."),
    draw=draw_scene,
    mirrors="SUN397",
)
