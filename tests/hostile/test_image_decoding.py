"""Invalid images of a data set: damaged, huge, or in formats that start another program."""

import base64
import io
import random
import struct
import tarfile
import time
import warnings
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image

from evaluators.data.image_decoding import MOST_PIXELS, MOST_VISITOR_BYTES, decode, decode_visitors
from evaluators.errors import ImageError
from evaluators.hub.images.tar_split import _members_within
from tests.hostile.odd_values import check_message

SIZE = 16
MAX_SECONDS = 10.0
"""Of computing; decoding the bombs would take longer."""
MUTATIONS = 1500
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"


def refusal(content: bytes) -> str:
    with pytest.raises(ImageError) as raised:
        decode(content, SIZE)
    check_message(str(raised.value))
    return str(raised.value)


def image(kind: str = "PNG", mode: str = "RGB", side: int = 24) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, kind)
    return stream.getvalue()


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that claims so many pixels, one bit each, and has some rows of them."""

    def part(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = part(b"IHDR", struct.pack(">2I5B", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + part(b"IDAT", zlib.compress(rows, 9)) + part(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no image",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html>",
        b"\x00" * 1000,
        b"PK\x03\x04" + b"\x00" * 100,
        image()[:50],
        image()[:-400],
        image("JPEG")[:100],
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"BM",
        png(0, 10),
    ],
)
def test_other_content_is_refused(content: bytes) -> None:
    refusal(content)


def test_other_formats_are_refused() -> None:
    """Pillow hands EPS to Ghostscript, which runs it; `datasets` would have let it."""
    assert "cannot identify image file" in refusal(EPS)
    for kind in ("ICO", "TGA", "PCX"):
        refusal(image(kind))


@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"])
def test_formats_that_are_decoded(kind: str) -> None:
    found = decode(image(kind), SIZE)
    assert found.shape == (SIZE, SIZE, 3)
    assert found.dtype == np.dtype(np.uint8)


@pytest.mark.parametrize(
    ("width", "height"),
    [
        (8192, 8193),
        (60_000, 60_000),
        (2**31 - 1, 2**31 - 1),
        (13_000, 13_000),
        (1, MOST_PIXELS),
        (300_000, 1),
    ],
)
def test_bombs_are_refused_before_they_are_decoded(width: int, height: int) -> None:
    """The last two are small enough, but one pixel wide they would be resized to 16 wide, and long."""
    start = time.process_time()
    assert "pixels" in refusal(png(width, height, bytes(100_000)))
    assert time.process_time() - start < MAX_SECONDS


def test_a_bomb_whose_pixels_are_there() -> None:
    """A hundred megabytes of pixels in a file of a hundred kilobytes."""
    width = height = 30_000
    content = png(width, height, bytes((1 + width // 8) * height))
    assert len(content) < 150_000
    start = time.process_time()
    assert "pixels" in refusal(content)
    assert time.process_time() - start < MAX_SECONDS


def test_text_in_an_image_that_unpacks_to_200_megabytes() -> None:
    packed = zlib.compress(bytes(200 << 20), 9)
    text = b"zTXt" + b"Comment\x00\x00" + packed
    whole = image()
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    refusal(whole[:33] + chunk + whole[33:])


def test_an_image_is_rotated_by_its_exif_orientation() -> None:
    """As ``datasets`` does it, so that accuracies are the same."""
    import datasets

    from evaluators.data.image_subset import fit

    pixels = np.arange(24 * 16 * 3, dtype=np.uint8).reshape(24, 16, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", exif=exif.tobytes())
    theirs = datasets.Image().decode_example({"bytes": stream.getvalue(), "path": None})
    assert np.array_equal(decode(stream.getvalue(), SIZE), np.asarray(fit(theirs, SIZE)))
    assert theirs.size == (24, 16)


def visitors_refusal(text: object) -> str:
    with pytest.raises(ImageError) as raised:
        decode_visitors(text, SIZE)
    check_message(str(raised.value))
    return str(raised.value)


def sent(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_a_visitors_picture_is_a_png_jpeg_or_webp_by_content() -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        for before in ("", "data:image/svg+xml;base64,"):  # what it is called does not matter
            found = decode_visitors(before + sent(image(kind)), SIZE)
            assert (found.shape, found.dtype) == ((3, SIZE, SIZE), torch.uint8)
    for kind in ("GIF", "BMP", "TIFF", "PPM"):
        assert "cannot be read as PNG, JPEG or WebP" in visitors_refusal(sent(image(kind)))
    for content in (EPS, b"<svg/>", b"", png(60_000, 60_000, bytes(100_000)), image()[:-400]):
        visitors_refusal(sent(content) or "=")
    assert "base64" in visitors_refusal("no base64!")
    for other in (None, 3, {"path": "/etc/passwd"}, "", ["a"]):
        assert "base64" in visitors_refusal(other)
    assert "700 kB at most" in visitors_refusal("A" * (2 * MOST_VISITOR_BYTES))


def test_transparent_pixels_of_a_visitors_picture_are_white() -> None:
    """A drawing is often black on nothing; what its pixels hide is black as well."""
    stream = io.BytesIO()
    Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0)).save(stream, "PNG")
    assert bool((decode_visitors(sent(stream.getvalue()), SIZE) == 255).all())


def damaged_images() -> Iterator[bytes]:
    chosen = random.Random(0)
    whole = [image(kind) for kind in ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")]
    for _ in range(MUTATIONS):
        content = bytearray(chosen.choice(whole))
        for _ in range(chosen.randint(1, 5)):
            content[chosen.randrange(min(len(content), chosen.choice([40, 4000])))] = chosen.choice(
                [0, 255, 7]
            )
        yield bytes(content)


def test_1500_images_with_bytes_changed() -> None:
    read = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow says about odd metadata
        for content in damaged_images():
            try:
                found = decode(content, SIZE)
            except ImageError as error:
                check_message(str(error))
            else:
                read += found.shape == (SIZE, SIZE, 3)
    assert 100 < read < MUTATIONS - 100


def test_a_tar_member_of_negative_size_does_not_loop_forever() -> None:
    """The search for samples within a chunk once went back at a negative size, and never ended."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name in ("a.cls", "b.cls"):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"1"))
    content = bytearray(whole.getvalue())
    content[124:136] = b"\xff" * 10 + b"\xfc\x00"  # -1024, as GNU tar writes numbers
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\x00 " % sum(content[:512])
    found: list[str] = []
    for name, _ in _members_within(bytes(content)):
        found.append(name)
        assert len(found) < 10
    assert found == ["b.cls"]
