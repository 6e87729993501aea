"""Zip files that torch.save does not write, and directories that contradict the records."""

import io
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from lines_core.checkpoints import read_checkpoint
from tests.hostile.checkpoint_bytes import one_float, refusal


def zipped(records: list[tuple[str, bytes]], kind: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a name occurs twice
        with zipfile.ZipFile(stream, "w", kind) as archive:
            for name, content in records:
                archive.writestr(zipfile.ZipInfo(name), content, kind)
    return stream.getvalue()


GOOD = [("a/data.pkl", b"\x80\x02}" + one_float() + b"."), ("a/data/0", bytes(4))]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped([*GOOD, ("a/data/1", bytes(100 << 20))], zipfile.ZIP_DEFLATED), "and unpacks to 104,857,"),
        (zipped([*GOOD, GOOD[0]]), "'a/data.pkl' occurs twice"),
        (zipped([*GOOD, ("b/data.pkl", b"\x80\x02}.")]), "not one that torch.save writes"),
        (zipped([("data.pkl", b"\x80\x02}.")]), "not one that torch.save writes"),
        (zipped([("../data.pkl", b"\x80\x02}."), ("../data/0", b"")]), "holds no tensors"),
        (zipped([*GOOD, ("a/byteorder", b"big")]), "has byte order b'big'"),
        (zipped([*GOOD, ("a/byteorder", b"big" * 100)]), "describes its content in 300 bytes"),
        (zipped(GOOD) + b"more", "does not end as a zip file"),
        (b"PK\x03\x04" + zipped(GOOD), "its first record is not at its beginning"),
        (zipped(GOOD).replace(b"a/data/0", b"\xffa/data\xff"), "is not in it"),
        (b"PK\x03\x04", "cut short"),
        (b"PK\x03\x04" + bytes(100), "cut short"),
        (b"PK\x05\x06" + bytes(18), "neither a safetensors file nor"),
    ],
)
def test_zip_files_that_torch_does_not_write(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.pt").write_bytes(content)
    assert message in refusal(tmp_path / "a.pt")


def changed_list(place: int, form: str, value: int) -> bytes:
    """A good file whose list names something else for its second record."""
    content = bytearray(zipped(GOOD))
    struct.pack_into(form, content, content.rfind(b"PK\x01\x02") + place, value)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed_list(42, "<L", 0), "overlaps another"),
        (changed_list(42, "<L", 1), "overlaps another"),
        (changed_list(42, "<L", 0xFFFFFFF0), "is not where the list says"),
        (changed_list(42, "<L", 0xFFFFFFFF), "is not where the list says"),
        (changed_list(24, "<L", 5), "has two sizes"),
        (changed_list(10, "<H", 12), "is compressed in a way that is not read"),
        (changed_list(10, "<H", 8), "unpacks to another size"),
        (changed_list(8, "<H", 1), "is encrypted"),
    ],
)
def test_false_directories_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """Records that share bytes are how a small zip file unpacks to terabytes."""
    (tmp_path / "a.pt").write_bytes(content)
    assert message in refusal(tmp_path / "a.pt")


def test_zip64_offsets_are_read(tmp_path: Path) -> None:
    """torch writes such numbers into an extra field; here they stand there without need."""
    content = bytearray(zipped(GOOD))
    at = content.rfind(b"PK\x01\x02")
    header = struct.unpack_from("<L", content, at + 42)[0]
    struct.pack_into("<L", content, at + 42, 0xFFFFFFFF)
    extra = struct.pack("<2HQ", 1, 8, header)
    struct.pack_into("<H", content, at + 30, len(extra))
    end = content.rfind(b"PK\x05\x06")
    size = struct.unpack_from("<L", content, end + 12)[0]
    struct.pack_into("<L", content, end + 12, size + len(extra))
    content[end:end] = extra
    (tmp_path / "a.pt").write_bytes(content)
    assert read_checkpoint(tmp_path / "a.pt")["a"].tolist() == [0.0]
