"""From the bytes of a image file to pixels, without trusting them.

A kilobyte of PNG may claim gigabytes of pixels, a image one pixel wide grows when it is fitted into a
square, and some of Pillow's formats start other programs. The claim is looked at before anything is decoded.
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
"""What images are read as. Left out is above all EPS, which Pillow hands to Ghostscript to be run."""
MOST_PIXELS = 1 << 26
"""Of a image, as it is and as it is fitted: 67 million; the largest of ImageNet has 61 million."""
# What a broken image makes Pillow's decoders raise.
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


def decoded(content: bytes, size: int) -> NDArray[np.uint8]:
    """The image as the encoder wants it, uint8 of shape (size, size, 3), turned as its EXIF data say.

    Of several frames the first.

    Raises: HubError if it is no image of a format that is read, broken, or too large.
    Source: ``datasets.Image``, which decodes the same way but anything.
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
