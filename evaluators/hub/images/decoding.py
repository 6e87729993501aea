"""Decoding of image files from untrusted sources.

A kilobyte of PNG may claim gigabytes of pixels, an image one pixel wide grows when it is fitted into a
square, and some of Pillow's formats start other programs. So the size in the header is checked first.
"""

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from evaluators.data.image_subset import fit
from evaluators.errors import HubError
from lines_core.untrusted_text import excerpt

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Accepted formats. Above all not EPS, which Pillow hands to Ghostscript to be run."""
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


def decode(content: bytes, size: int) -> NDArray[np.uint8]:
    """The encoder's input, uint8 of shape (size, size, 3): the first frame, rotated by its EXIF data.

    Raises: HubError if it is broken, too large, or not of an accepted format.
    Source: ``datasets.Image``, which decodes in the same way, but any format.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_size(image.width, image.height, size)
            image.load()
            return np.asarray(fit(ImageOps.exif_transpose(image), size))
    except _BROKEN as error:
        raise HubError(excerpt(str(error) or type(error).__name__, 200)) from error


def _check_size(width: int, height: int, size: int) -> None:
    if width < 1 or height < 1:
        raise ValueError(f"it claims {width:,} x {height:,} pixels")
    fitted = size * size * max(width, height) // min(width, height)
    if max(width * height, fitted) > MOST_PIXELS:
        raise ValueError(
            f"it claims {width:,} x {height:,} pixels, too many to be fitted into {size} x {size}"
        )
