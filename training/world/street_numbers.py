"""House numbers: a digit in the middle, its neighbours cut off at the sides, on plaques and walls.

The lettering is Pillow's built-in typeface, stretched and emboldened, or iron strokes bent by hand.
"""

import random
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .digit_strokes import FORMS
from .digits import DIGITS, Hand, blank_mask, finished, write
from .labelled_image import SIZE, LabelledImage, SyntheticTask
from .palette import PALETTE, Colour, ground, jitter, pick

_MIDDLE = SIZE / 2


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _shaded(rgb: Colour, factor: float) -> Colour:
    red, green, blue = (max(0, min(255, round(channel * factor))) for channel in rgb)
    return red, green, blue


def _brick_wall(rng: random.Random) -> tuple[Image.Image, Colour, str]:
    name = rng.choice(("red", "brown", "grey", "beige"))
    brick = jitter(_shaded(PALETTE[name], 0.85), rng, 24)
    mortar = _shaded(brick, rng.choice((0.66, 1.3)))
    image = ground(rng, brick)
    drawing = ImageDraw.Draw(image)
    height = rng.randint(9, 15)
    length, start = height * 2.2, rng.randint(0, 8)
    for row, y in enumerate(range(start - height, SIZE, height)):
        drawing.line((0, y, SIZE, y), fill=mortar)
        x = -length * (0.5 if row % 2 else 1.0) + start
        while x < SIZE:
            if rng.random() < 0.25:
                drawing.rectangle((x + 1, y + 1, x + length - 1, y + height - 1), fill=jitter(brick, rng, 34))
            drawing.line((x, y, x, y + height), fill=mortar)
            x += length
    return image, brick, f"on a {name} brick wall"


def _planks(rng: random.Random) -> tuple[Image.Image, Colour, str]:
    name = rng.choice(("brown", "white", "green", "grey", "blue"))
    wood = jitter(PALETTE[name], rng, 30)
    image = ground(rng, wood)
    drawing = ImageDraw.Draw(image)
    upright, width = rng.random() < 0.5, rng.randint(16, 30)
    for position in range(rng.randint(2, 14), SIZE, width):
        line = (position, 0, position, SIZE) if upright else (0, position, SIZE, position)
        drawing.line(line, fill=_shaded(wood, 0.68), width=2)
    return image, wood, f"on a {name} wooden door"


def _plaster(rng: random.Random) -> tuple[Image.Image, Colour, str]:
    name, colour = pick(rng)
    colour = jitter(colour, rng, 40)
    return ground(rng, colour), colour, f"on {'an' if name[0] in 'aeiou' else 'a'} {name} wall"


def _plaque(image: Image.Image, rng: random.Random, wide: bool) -> tuple[Colour, str]:
    """Fix a plaque to the wall: one that runs over both sides, or a small one for a lone digit."""
    name = rng.choice(("white", "blue", "white", "black", "green", "beige", "red", "yellow", "grey", "brown"))
    colour = jitter(PALETTE[name], rng, 22)
    rim = jitter(pick(rng, colour)[1], rng, 20)
    drawing = ImageDraw.Draw(image)
    half_height, half_width = rng.uniform(37.0, 45.0), rng.uniform(34.0, 44.0)
    if wide:
        half_width = SIZE
    box = (_MIDDLE - half_width, _MIDDLE - half_height, _MIDDLE + half_width, _MIDDLE + half_height)
    shadow = (box[0] + 2, box[1] + 3, box[2] + 2, box[3] + 3)
    width = rng.choice((0, 2, 3))
    outline = rim if width else None
    if not wide and rng.random() < 0.4:
        drawing.ellipse(shadow, fill=(40, 38, 36))
        drawing.ellipse(box, fill=colour, outline=outline, width=width)
    else:
        radius = rng.choice((1, 6, 12))
        drawing.rounded_rectangle(shadow, radius, fill=(40, 38, 36))
        drawing.rounded_rectangle(box, radius, fill=colour, outline=outline, width=width)
    return colour, f"on {'an' if name[0] in 'aeiou' else 'a'} {name} plaque"


def _printed(digits: list[tuple[int, float]], height: float, rng: random.Random) -> Image.Image:
    """Set the digits, each centred at its place, in the typeface, a little sheared, stretched and turned."""
    size = 16 * round(height * 1.36 / 16) or 16
    mask = Image.new("L", (SIZE, SIZE))
    drawing = ImageDraw.Draw(mask)
    font, weight = _font(size), rng.choice((0, 1, 1, 2))
    for digit, place in digits:
        drawing.text((place, _MIDDLE), str(digit), fill=255, font=font, anchor="mm", stroke_width=weight)
    stretch, squash = 1.0 / rng.uniform(0.82, 1.2), size / (height * 1.36)
    shear, turn = rng.uniform(-0.22, 0.22), rng.uniform(-0.1, 0.1)
    move_x, move_y = _MIDDLE + rng.uniform(-3.0, 3.0), _MIDDLE + rng.uniform(-4.0, 4.0)
    right, down = (stretch, shear + turn), (-turn, squash)
    affine = (
        *right, _MIDDLE - right[0] * move_x - right[1] * move_y,
        *down, _MIDDLE - down[0] * move_x - down[1] * move_y,
    )  # fmt: skip
    return mask.transform((SIZE, SIZE), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)


def _wrought(digits: list[tuple[int, float]], height: float, rng: random.Random) -> Image.Image:
    """Bend the digits out of strokes: the same pen, slant and turn for all of them."""
    mask = blank_mask()
    width, pen, slant = (
        height * rng.uniform(0.46, 0.56),
        height * rng.uniform(0.1, 0.17),
        rng.uniform(-0.02, 0.2),
    )
    turn, drop = rng.uniform(-0.06, 0.06), rng.uniform(-4.0, 4.0)
    for digit, place in digits:
        middle = (place, _MIDDLE + drop + turn * (place - _MIDDLE))
        hand = Hand(middle, width, height * 0.92, pen, slant, turn, rng.uniform(0.004, 0.014), 0.06)
        write(mask, rng.choice(FORMS[digit]), hand, rng)
    return finished(mask)


def _row_of_digits(label: int, height: float, rng: random.Random) -> list[tuple[int, float]]:
    """Return the target in the middle and, more often than not, a neighbour on either side."""
    pitch = height * rng.uniform(0.7, 0.82)
    digits = [(label, _MIDDLE)]
    if rng.random() < 0.62:
        digits.append((rng.randrange(10), _MIDDLE - pitch))
    if rng.random() < 0.62:
        digits.append((rng.randrange(10), _MIDDLE + pitch))
    return digits


def draw(label: int, rng: random.Random) -> LabelledImage:
    """Draw one house number."""
    image, base, where = rng.choice((_brick_wall, _planks, _plaster, _plaster))(rng)
    height = rng.uniform(50.0, 70.0)
    digits = _row_of_digits(label, height, rng)
    if rng.random() < 0.55:
        base, where = _plaque(image, rng, wide=len(digits) > 1)
    name, colour = pick(rng, base)
    colour = jitter(colour, rng, 22)
    letter = _printed if rng.random() < 0.65 else _wrought
    mask = letter(digits, height, rng)
    if rng.random() < 0.5:
        shadow = mask.point(lambda level: level * 0.55)
        image.paste(_shaded(base, 0.35), (rng.choice((-2, 2, 3)), 3), shadow)
    if rng.random() < 0.15:
        mask = mask.filter(ImageFilter.BoxBlur(1))
    image.paste(colour, mask=mask)
    company = (
        "alone"
        if len(digits) == 1
        else "between other digits"
        if len(digits) == 3
        else "beside another digit"
    )
    return LabelledImage(image, (f"in {name}", where, company))


FAMILY = SyntheticTask(
    key="street_numbers",
    title="House numbers",
    noun="a house number",
    concepts=DIGITS,
    prompts=("the house number {}.", "a photo of the house number {}.", "a street sign with the number {}."),
    draw=draw,
    mirrors="SVHN",
)
