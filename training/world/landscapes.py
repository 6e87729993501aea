"""Eight landscapes without the sea or buildings, painted from back to front on a ``Stage``.

The other scenes and the family itself are in ``scenes.py``.
"""

from .labelled_image import SIZE
from .palette import jitter
from .scene_stage import Details, Stage
from .view_pen import WHITE, shadow, tint


def mountain(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    sky = stage.sky(80)
    stage.clouds(2, 24)
    rock = jitter((112, 116, 134), rng, 30)
    for x, top, wide in (
        (rng.uniform(5, 30), rng.uniform(28, 38), 40),
        (rng.uniform(45, 70), rng.uniform(8, 18), 52),
    ):
        lean = rng.uniform(-5, 5)
        peak, foot = (x, top), 92
        draw.polygon((peak, (x + wide, foot), (x - wide, foot)), fill=rock)
        draw.polygon((peak, (x + wide, foot), (x + lean, foot)), fill=shadow(rock, 0.3))
        cap = 0.32
        low, side = top + (foot - top) * cap, wide * cap
        snow = (
            peak,
            (x + side, low),
            (x + side * 0.4, low - 6),
            (x, low + 3),
            (x - side * 0.5, low - 5),
            (x - side, low),
        )
        draw.polygon(snow, fill=WHITE)
    stage.land(rng.uniform(76, 84), 2, jitter((72, 116, 72), rng, 24))
    return (sky, "with a snowy peak")


def forest_path(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    season = rng.choice(("green", "autumn"))
    leaf = jitter((66, 128, 62) if season == "green" else (206, 128, 48), rng, 24)
    stage.fade((shadow(leaf, 0.35), tint(leaf, 0.45)), 0, 62)
    stage.land(56, 1.5, shadow(leaf, 0.25))
    bend = rng.uniform(-10, 10)
    path = jitter((206, 176, 130), rng, 20)
    draw.polygon(((47 + bend, 56), (53 + bend, 56), (60, 74), (80, SIZE), (16, SIZE), (40, 74)), fill=path)
    for near in (0, 1):
        for side in (-1, 1):
            for _ in range(3 - near):
                x = 48 + side * rng.uniform(14 + 12 * near, 30 + 20 * near)
                wide = 2.5 + 2.5 * near
                draw.rectangle((x - wide, 0, x + wide, 62 + 18 * near), fill=jitter((82, 58, 42), rng, 24))
    for _ in range(14):
        stage.disc(
            rng.uniform(0, SIZE), rng.uniform(-4, 16), rng.uniform(7, 11), jitter(shadow(leaf, 0.1), rng, 40)
        )
    return ("with green leaves" if season == "green" else "with autumn leaves", "with tall trees")


def snowy_hill(stage: Stage) -> Details:
    rng = stage.rng
    stage.fade((jitter((140, 172, 206), rng, 26), jitter((214, 226, 238), rng, 12)), 0, 80)
    stage.land(rng.uniform(44, 54), 5, (206, 220, 236))
    fir = jitter((38, 88, 72), rng, 24)
    count = rng.randint(3, 6)
    for number in range(count):
        stage.fir(
            (number + rng.uniform(0.2, 0.8)) * SIZE / count, rng.uniform(56, 66), rng.uniform(18, 32), fir
        )
    stage.land(rng.uniform(64, 72), 5, (242, 246, 250))
    flakes = rng.choice((0, 28))
    for _ in range(flakes):
        stage.disc(rng.uniform(0, SIZE), rng.uniform(0, SIZE), 1.3, (255, 255, 255))
    return ("with fir trees", "while it snows") if flakes else ("with fir trees",)


def country_road(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    horizon, far = rng.uniform(36, 50), rng.uniform(34, 62)
    sky = stage.sky(horizon + 4)
    stage.clouds(3, horizon - 12)
    field = jitter(rng.choice(((118, 164, 74), (214, 190, 96), (90, 146, 84))), rng, 24)
    stage.land(horizon, 1.5, tint(field, 0.2))
    stage.land(horizon + 6, 1.5, field)
    asphalt = jitter((92, 92, 98), rng, 16)
    draw.polygon(((far - 2, horizon + 3), (far + 2, horizon + 3), (88, SIZE), (8, SIZE)), fill=asphalt)
    for start, end in ((0.12, 0.22), (0.34, 0.5), (0.64, 0.9)):
        top, low = (horizon + 3 + part * (SIZE - horizon) for part in (start, end))
        upper, lower = far + (48 - far) * start, far + (48 - far) * end
        draw.polygon(
            (
                (upper - start * 3, top),
                (upper + start * 3, top),
                (lower + end * 3, low),
                (lower - end * 3, low),
            ),
            fill=WHITE,
        )
    if rng.random() < 0.6:
        for number in range(3):
            x, size = 5 + number * 9, 11 - number * 3
            stage.disc(x, horizon + 2 - size / 2, size * 0.6, shadow(field, 0.4))
    return sky, "through the fields"


def flower_meadow(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    horizon = rng.uniform(22, 34)
    sky = stage.sky(horizon + 6)
    grass = jitter((86, 156, 70), rng, 24)
    stage.land(horizon, 3, tint(grass, 0.15))
    stage.land(horizon + 10, 2, grass)
    name = rng.choice(("red", "yellow", "pink", "white", "purple"))
    petal = {
        "red": (220, 50, 50),
        "yellow": (250, 220, 70),
        "pink": (246, 140, 186),
        "white": WHITE,
        "purple": (140, 80, 190),
    }[name]
    for number in range(34):
        depth = number / 33
        x, y = rng.uniform(0, SIZE), horizon + 8 + depth * (SIZE - horizon - 8)
        size = 1.5 + 3.5 * depth
        draw.line((x, y, x, y + size * 2), fill=shadow(grass, 0.35))
        stage.disc(x, y, size, jitter(petal, rng, 30))
        stage.disc(x, y, size * 0.4, (120, 80, 30) if name == "yellow" else (250, 210, 80))
    return f"with {name} flowers", sky


def volcano(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    stage.fade((jitter((50, 36, 56), rng, 24), jitter((206, 110, 80), rng, 30)))
    x, top = rng.uniform(38, 58), rng.uniform(34, 44)
    for _ in range(9):
        drift = rng.uniform(0, 1)
        stage.disc(
            x + rng.gauss(0, 5 + 14 * drift),
            top - 8 - 26 * drift,
            rng.uniform(5, 10),
            jitter((86, 78, 84), rng, 30),
        )
    lava = (255, 130, 36)
    for _ in range(6):
        draw.line((x, top, x + rng.uniform(-16, 16), top - rng.uniform(12, 26)), fill=lava, width=3)
    rock = jitter((66, 50, 50), rng, 18)
    draw.polygon(((x - 10, top), (x + 10, top), (x + 52, SIZE), (x - 52, SIZE)), fill=rock)
    draw.polygon(((x + 4, top), (x + 10, top), (x + 52, SIZE), (x + 16, SIZE)), fill=shadow(rock, 0.35))
    draw.ellipse((x - 10, top - 3, x + 10, top + 4), fill=(255, 190, 70))
    for lean in (rng.uniform(-24, -6), rng.uniform(2, 22)):
        draw.line(
            (x + lean * 0.2, top, x + lean * 0.5, 62, x + lean, rng.uniform(76, 94)), fill=lava, width=4
        )
    return ("with glowing lava", "with dark smoke")


def desert(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    stage.fade((jitter((86, 160, 220), rng, 24), jitter((246, 226, 180), rng, 16)), 0, 60)
    stage.disc(rng.uniform(14, 82), rng.uniform(10, 22), rng.uniform(6, 9), (255, 246, 190))
    sand = jitter((226, 172, 96), rng, 24)
    stage.land(rng.uniform(42, 50), 5, tint(sand, 0.2))
    stage.land(rng.uniform(58, 66), 6, sand)
    stage.land(rng.uniform(78, 86), 4, shadow(sand, 0.2))
    plants = rng.randint(1, 3)
    for number in range(plants):
        x, foot = (number + rng.uniform(0.25, 0.75)) * SIZE / plants, rng.uniform(66, 84)
        high, green = rng.uniform(20, 30), jitter((62, 120, 66), rng, 20)
        draw.line((x, foot, x, foot - high), fill=green, width=6)
        for side in (-1, 1):
            elbow = foot - high * rng.uniform(0.35, 0.6)
            bent = (x, elbow, x + side * 8, elbow, x + side * 8, elbow - 8)
            draw.line(bent, fill=green, width=4)
    return "with one cactus" if plants == 1 else "with cacti", "with sand dunes"


def waterfall(stage: Stage) -> Details:
    rng, draw = stage.rng, stage.draw
    stage.sky(40)
    rock = jitter((98, 88, 84), rng, 24)
    top, x, half = rng.uniform(16, 26), rng.uniform(36, 60), rng.uniform(9, 14)
    stage.land(top, 2, rock)
    for _ in range(16):
        left, high = rng.uniform(-6, SIZE), rng.uniform(top + 4, 74)
        draw.rectangle((left, high, left + rng.uniform(5, 14), high + 4), fill=jitter(rock, rng, 40))
    for side in (0, SIZE):
        for _ in range(4):
            bush = (side + rng.uniform(-16, 16), rng.uniform(top - 2, 80), rng.uniform(6, 10))
            stage.disc(*bush, jitter((60, 122, 62), rng, 34))
    draw.polygon(
        ((x - half, top), (x + half, top), (x + half + 4, 78), (x - half - 4, 78)), fill=(206, 232, 246)
    )
    for _ in range(7):
        streak = x + rng.uniform(-half, half) * 0.9
        draw.line((streak, top + rng.uniform(0, 20), streak, rng.uniform(50, 78)), fill=WHITE, width=2)
    stage.land(76, 1.5, jitter((62, 140, 176), rng, 24))
    for _ in range(9):
        stage.disc(x + rng.gauss(0, half), rng.uniform(74, 81), rng.uniform(3, 6), (240, 248, 252))
    return "between rocks", "with white water"
