"""Decoding of image files from untrusted sources.

A kilobyte of PNG may claim gigabytes of pixels, an image one pixel wide grows when it is fitted into a
square, and some of Pillow's formats start other programs. So the size in the header is checked first.
"""

import base64
import binascii
import io
import struct
import zlib

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from evaluators.data.image_subset import fit
from evaluators.errors import ImageError
from lines_core.untrusted_text import excerpt

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Accepted formats. Above all not EPS, which Pillow hands to Ghostscript to be run."""
VISITOR_FORMATS = ("JPEG", "PNG", "WEBP")
MOST_VISITOR_BYTES = 700_000
"""Of a visitor's picture: in base64 it fits into a request."""
MOST_PIXELS = 1 << 26
"""Of an image, before and after fitting: 67 million; the largest of ImageNet has 61 million."""
# Exceptions of Pillow's decoders for a broken image.
_BROKEN = (
    OSError,
    ArithmeticError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def decode(
    content: bytes, size: int, formats: tuple[str, ...] = FORMATS, paper: str | None = None
) -> NDArray[np.uint8]:
    """The encoder's input, uint8 of shape (size, size, 3): the first frame, rotated by its EXIF data.

    Args:
        formats: that are accepted, whatever a file is called.
        paper: colour behind transparent pixels; palettes are resolved, and 16 bits become 8, before the
            image is resized. If left out, all that is as Pillow has it, for data sets that are measured so.
    Raises: ImageError if it is broken, too large, or not of an accepted format.
    Source: ``datasets.Image``, which decodes in the same way, but any format and without paper.
    """
    try:
        with Image.open(io.BytesIO(content), formats=formats) as image:
            _check_size(image.width, image.height, size)
            image.load()
            upright = ImageOps.exif_transpose(image)
            return np.asarray(fit(upright if paper is None else _on_paper(upright, paper), size))
    except _BROKEN as error:
        raise ImageError(excerpt(str(error) or type(error).__name__, 200)) from error


def _on_paper(image: Image.Image, paper: str) -> Image.Image:
    """The image as it looks, in RGB: Pillow itself would cut 16 bits off at 255, and leave it white."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)
        if not (values.min() >= 0 and values.max() < 1 << 16):
            raise ValueError(f"its pixels are numbers of mode {image.mode}, not colours of 8 or 16 bits")
        image = Image.fromarray((values // 257).astype(np.uint8))
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, paper)
        return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def decode_visitors(text: object, size: int) -> Tensor:
    """A visitor's picture as the encoder's input, uint8 of shape (3, size, size), on white.

    Nothing is written to disk.

    Args:
        text: a PNG, JPEG or WebP file in base64, with or without ``data:...;base64,`` before it.
    Raises: ImageError that says what is wrong with it.
    """
    if not isinstance(text, str) or not text:
        raise ImageError("A picture is sent as the text of a PNG, JPEG or WebP file in base64.")
    if 3 * len(text) > 4 * (MOST_VISITOR_BYTES + 100):
        raise ImageError(f"A picture may have {MOST_VISITOR_BYTES // 1000} kB at most: send a smaller one.")
    try:
        content = base64.b64decode(text.partition("base64,")[2] or text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError("The picture is not in base64, or not all of it arrived.") from error
    try:
        pixels = decode(content, size, VISITOR_FORMATS, paper="white")
    except ImageError as error:
        raise ImageError(f"The picture cannot be read as PNG, JPEG or WebP: {error}") from error
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).contiguous()


def _check_size(width: int, height: int, size: int) -> None:
    if width < 1 or height < 1:
        raise ValueError(f"it claims {width:,} x {height:,} pixels")
    fitted = size * size * max(width, height) // min(width, height)
    if max(width * height, fitted) > MOST_PIXELS:
        raise ValueError(
            f"it claims {width:,} x {height:,} pixels, too many to be fitted into {size} x {size}"
        )
