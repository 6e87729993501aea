"""Visitors' zip files of images that are built to harm, and images of every kind that programs write."""

import io
import os
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluators.data.image_decoding import decode
from evaluators.data.own_images import image_source as source
from evaluators.data.own_images.label_table import find_images
from evaluators.data.own_images.own_subsets import decode_subsets
from evaluators.data.own_images.zip_images import ZipImages
from evaluators.errors import ImageError, TaskError
from tests.hostile.odd_values import check_message
from tests.own_images import folders, picture, zipped

SIZE = 8
GOOD = folders({"cat": 10, "dog": 10})


def skipped(path: Path) -> dict[str, int]:
    """What is left out of a zip file whose other images make a task."""
    with ZipImages(path, "a.zip") as archive:
        found = decode_subsets(archive, find_images(archive), SIZE)
        assert found.splits["test"].labels.bincount().tolist() == [5, 5]
    return dict(found.skipped)


def refusal(path: Path) -> str:
    with pytest.raises(TaskError) as raised, ZipImages(path, path.name) as archive:
        decode_subsets(archive, find_images(archive), SIZE)
    check_message(str(raised.value))
    return str(raised.value)


@pytest.mark.parametrize(
    "name",
    ["../cat/1.png", "/cat/1.png", "cat/../../1.png", "C:\\cat\\1.png", "\\\\host\\cat\\1.png", "cat//1.png"],
)
def test_names_that_lead_out_are_left_out_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    home = tmp_path / "a" / "b"
    home.mkdir(parents=True)
    path = zipped(home / "a.zip", {**GOOD, name: picture(1)})
    before = sorted(tmp_path.rglob("*"))
    assert skipped(path) == {source.UNSAFE: 1}
    assert sorted(tmp_path.rglob("*")) == before


def test_links_encrypted_members_odd_compression_and_doubles(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a name occurs twice
        link = zipfile.ZipInfo("cat/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("cat/lzma.png", picture(1), zipfile.ZIP_LZMA)
        archive.writestr("cat/0.png", picture(2))
        archive.writestr("dog/inner.zip", (tmp_path / "a.zip").read_bytes())
        archive.writestr("__MACOSX/cat/._0.png", b"")
        archive.writestr("cat/.DS_Store", b"")
    content = bytearray(path.read_bytes())
    at = content.rfind(b"cat/link.png") - 46
    assert content[at : at + 4] == b"PK\x01\x02"
    assert skipped(path) == {source.LINK: 1, source.PACKED: 1, source.TWICE: 1, source.NO_IMAGE: 1}
    struct.pack_into("<H", content, content.rfind(b"cat/lzma.png") - 46 + 8, 1)  # encrypted
    path.write_bytes(content)
    assert skipped(path)[source.PACKED] == 1


def test_bombs_by_what_they_claim_and_by_what_they_hold(tmp_path: Path) -> None:
    """40 MB of zeros in 40 kB, honest about it; and the same with a directory that claims 100 bytes."""
    honest = zipped(tmp_path / "a.zip", {**GOOD, "cat/bomb.png": bytes(40 << 20)})
    assert honest.stat().st_size < 100_000
    tracemalloc.start()
    assert skipped(honest) == {source.TOO_LARGE: 1}
    content = bytearray(honest.read_bytes())
    struct.pack_into("<L", content, content.rfind(b"cat/bomb.png") - 46 + 24, 100)
    (tmp_path / "b.zip").write_bytes(content)
    assert skipped(tmp_path / "b.zip") == {source.UNREADABLE: 1}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20


def test_a_table_that_is_a_bomb(tmp_path: Path) -> None:
    assert "more than the 8 MB" in refusal(zipped(tmp_path / "a.zip", {**GOOD, "a.csv": bytes(30 << 20)}))
    tracemalloc.start()
    assert skipped(zipped(tmp_path / "b.zip", {**GOOD, "a.csv": b"a," * (4 << 20)})) == {source.NO_IMAGE: 1}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20, "one row of four million entries"


def test_a_million_members_are_refused_before_they_are_listed(tmp_path: Path) -> None:
    """Written by hand, for speed: the directory alone, of members that all are the first one."""
    path = zipped(tmp_path / "a.zip", {"cat/1.png": b""})
    whole = path.read_bytes()
    begin, end = whole.find(b"PK\x01\x02"), whole.find(b"PK\x05\x06")
    record, count = whole[begin:end], 1_000_000
    for claimed in (count, 1):
        directory = record * count
        tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), begin, 0)
        zip64 = struct.pack(
            "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, claimed, claimed, len(directory), begin
        )
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, begin + len(directory), 1)
        (tmp_path / "b.zip").write_bytes(whole[:begin] + directory + zip64 + locator + tail)
        tracemalloc.start()
        assert "lists more files than" in refusal(tmp_path / "b.zip")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()
    some = record * (source.MOST_FILES + 1)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(some), begin, 0)
    (tmp_path / "c.zip").write_bytes(whole[:begin] + some + tail)
    assert "lists 100,001 files" in refusal(tmp_path / "c.zip")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"<html>", os.urandom(4000)]
)
def test_what_is_no_zip_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    refusal(tmp_path / "a.zip")


def test_a_zip_file_with_bytes_changed_or_cut_never_surprises(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", GOOD).read_bytes()
    chosen = np.random.default_rng(0)
    read = 0
    for number in range(300):
        content = bytearray(whole[: chosen.integers(100, len(whole))] if number % 3 == 0 else whole)
        for _ in range(chosen.integers(1, 6)):
            content[chosen.integers(len(content))] = chosen.integers(256)
        (tmp_path / "b.zip").write_bytes(content)
        try:
            with ZipImages(tmp_path / "b.zip", "b.zip") as archive:
                decode_subsets(archive, find_images(archive), SIZE)
                read += 1
        except TaskError as error:
            check_message(str(error))
    assert 20 < read < 280


def test_names_in_any_script_with_and_without_the_flag(tmp_path: Path) -> None:
    """macOS writes UTF-8 without saying so, and letters apart from their accents."""
    path = zipped(tmp_path / "a.zip", folders({"ko\u010dka": 9, "pes": 9, "\u72d7": 9}))
    content = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = content.find(magic)
        while at >= 0:
            struct.pack_into("<H", content, at + offset, 0)
            at = content.find(magic, at + 4)
    (tmp_path / "b.zip").write_bytes(content)
    apart = zipped(tmp_path / "c.zip", folders({"koc\u030cka": 9, "pes": 9, "\u72d7": 9}))
    for one in (path, tmp_path / "b.zip", apart):
        with ZipImages(one, "a.zip") as archive:
            assert find_images(archive).classes == ("ko\u010dka", "pes", "\u72d7")


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def colour(content: bytes) -> list[int]:
    """Colour in the middle of an image of one colour."""
    found: list[int] = decode(content, SIZE, paper="white")[SIZE // 2, SIZE // 2].tolist()
    return found


def test_images_look_as_they_do_in_a_viewer() -> None:
    red = Image.new("RGB", (32, 32), (200, 30, 40))
    assert colour(saved(red.convert("CMYK"), "TIFF")) == pytest.approx([200, 30, 40], abs=3)
    assert colour(saved(red.convert("CMYK"), "JPEG", quality=100)) == pytest.approx([200, 30, 40], abs=6)
    assert colour(saved(red.convert("L"), "PNG")) == [red.convert("L").getpixel((0, 0))] * 3
    assert colour(saved(red.convert("1", dither=Image.Dither.NONE), "PNG")) in ([0] * 3, [255] * 3)
    assert colour(saved(Image.fromarray(np.full((32, 32), 200 * 257, np.uint16)), "PNG")) == [200] * 3
    assert colour(saved(Image.fromarray(np.full((32, 32), 100 * 257, np.uint16)), "TIFF")) == [100] * 3
    assert colour(b"P5 32 32 65535\n" + struct.pack(">H", 50 * 257) * 1024) == [50] * 3
    palette = red.quantize(4)
    assert colour(saved(palette, "PNG")) == pytest.approx([200, 30, 40], abs=3)
    assert colour(saved(palette, "PNG", transparency=palette.getpixel((0, 0)))) == [255] * 3
    assert colour(saved(Image.new("RGBA", (32, 32), (200, 30, 40, 128)), "PNG")) == pytest.approx(
        [227, 142, 147], abs=1
    )
    assert colour(saved(Image.new("LA", (32, 32), (0, 0)), "PNG")) == [255] * 3
    blue = Image.new("RGB", (32, 32), (10, 20, 220))
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        frames = saved(
            red, kind, save_all=True, append_images=[blue], **({"lossless": True} if kind == "WEBP" else {})
        )
        assert colour(frames) == pytest.approx([200, 30, 40], abs=3), f"the first frame of {kind}"


def test_numbers_that_are_no_colours_are_refused() -> None:
    for values in (
        np.full((8, 8), -1.0, np.float32),
        np.full((8, 8), 1e9, np.float32),
        np.full((8, 8), np.nan, np.float32),
    ):
        with pytest.raises(ImageError, match="not colours"):
            decode(saved(Image.fromarray(values), "TIFF"), SIZE, paper="white")


def test_exif_rotation_is_applied() -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8] = 255  # the upper half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: white comes to the right
    turned = decode(saved(Image.fromarray(pixels), "PNG", exif=exif.tobytes()), 16, paper="white")
    assert (turned[:, 8:] == 255).all()
    assert (turned[:, :8] == 0).all()
