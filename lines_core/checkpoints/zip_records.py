"""Byte ranges of the records in a zip file, not overlapping, and their content within bounds."""

import os
import struct
import zipfile
import zlib
from typing import BinaryIO, NamedTuple

from lines_core.checkpoints.limits import MAX_TENSORS, damaged
from lines_core.checkpoints.opening import read_into
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted

MAGIC = b"PK\x03\x04"
MAX_RECORDS = MAX_TENSORS + 100
"""One per tensor, and a few that describe the others."""
_MAX_DIRECTORY = MAX_RECORDS * 128
"""Bytes of the central directory, 46 and a name for each record."""
MOST_UNPACKED = 8
"""Records may unpack to this many times the bytes of the file, and a megabyte; weights hardly shrink."""
_END_MAGIC, _END_BYTES = b"PK\x05\x06", 22
_LOCAL_BYTES = 30


class Record(NamedTuple):
    """A record of a zip file.

    Args:
        begin: where it begins in the file.
        num_bytes: of its content, as the list of records claims.
        packed: bytes it takes in the file if it is compressed, else None.
    """

    begin: int
    num_bytes: int
    packed: int | None = None


class _BoundedReads:
    """Gives `zipfile` the file, but no read larger than a central directory may be."""

    def __init__(self, stream: BinaryIO) -> None:
        self.seek, self.tell, self._stream = stream.seek, stream.tell, stream

    def read(self, size: int = -1) -> bytes:
        if size > _MAX_DIRECTORY:
            raise zipfile.BadZipFile(f"{size:,} bytes, more than the {_MAX_DIRECTORY:,} allowed")
        return self._stream.read(size)


def find_records(stream: BinaryIO, label: str) -> dict[str, Record]:
    """The records by name.

    `zipfile` parses the central directory, wherever it finds one, and accepts records that are encrypted,
    overlap, or unpack to terabytes. All of that is refused here.

    Raises: CheckpointError if the file is no such zip file, a record is encrypted or compressed otherwise
        than by deflate, two have one name or overlap, there are more than `MAX_RECORDS`, or they unpack to
        more than `MOST_UNPACKED` allows.
    Cost: reads the directory at the end and 30 bytes per record.
    """
    size = os.fstat(stream.fileno()).st_size
    stream.seek(max(0, size - _END_BYTES))
    end = stream.read(_END_BYTES)
    if len(end) < _END_BYTES or not end.startswith(_END_MAGIC) or not end.endswith(b"\0\0"):
        raise damaged(
            label, "it does not end as a zip file of torch.save does: it was cut short, or added to"
        )
    try:
        with zipfile.ZipFile(_BoundedReads(stream)) as archive:
            listed, directory = archive.infolist(), archive.start_dir
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        raise damaged(label, f"its list of records cannot be parsed ({error})") from error
    if len(listed) > MAX_RECORDS:
        raise CheckpointError(f"{label} has {len(listed):,} records, more than the {MAX_RECORDS:,} allowed.")
    # zipfile skips bytes before a zip file
    if listed and min(info.header_offset for info in listed) != 0:
        raise damaged(label, "its first record is not at its beginning")
    records: dict[str, Record] = {}
    free = 0  # first byte that no record has claimed
    for info in sorted(listed, key=lambda info: info.header_offset):
        name = info.orig_filename
        stored = info.compress_type == zipfile.ZIP_STORED
        if info.flag_bits & 1 or not (stored or info.compress_type == zipfile.ZIP_DEFLATED):
            how = "encrypted" if info.flag_bits & 1 else "compressed in a way that is not read"
            raise CheckpointError(f"{label} is {how}. Unpack it, or save it again with torch.save.")
        if stored and info.compress_size != info.file_size:
            raise damaged(label, f"its record {quoted(name)} has two sizes")
        if info.header_offset < free:
            raise damaged(label, f"its record {quoted(name)} overlaps another")
        begin = _begin(stream, info.header_offset, label)
        free = begin + info.compress_size
        if free > directory:
            raise damaged(label, f"its record {quoted(name)} overlaps the list of records")
        if name in records:
            raise damaged(label, f"its record {quoted(name)} occurs twice")
        records[name] = Record(begin, info.file_size, None if stored else info.compress_size)
    unpacked = sum(record.num_bytes for record in records.values() if record.packed is not None)
    if unpacked > MOST_UNPACKED * size + (1 << 20):
        raise CheckpointError(
            f"{label} has {size:,} bytes and unpacks to {unpacked:,}, more than weights would. Save it again "
            "with torch.save, which does not compress."
        )
    return records


def record_content(stream: BinaryIO, record: Record, label: str) -> bytearray:
    """All bytes of a record; the caller has checked that they are not too many.

    Raises: CheckpointError if the file ends before, or the record unpacks to another number of bytes.
    """
    data = read_into(stream, record.begin, record.num_bytes if record.packed is None else record.packed)
    if data is None:
        raise damaged(label, "it was truncated while it was read")
    if record.packed is None:
        return data
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = bytearray(unpacker.decompress(data, record.num_bytes + 1))
    except zlib.error as error:
        raise damaged(label, f"a record cannot be unpacked ({error})") from error
    if len(content) != record.num_bytes:
        raise damaged(label, "a record unpacks to another size than its list of records says")
    return content


def _begin(stream: BinaryIO, header_offset: int, label: str) -> int:
    """Where the content of a record begins, after its local header, whose lengths zipfile does not expose."""
    stream.seek(header_offset)
    header = stream.read(_LOCAL_BYTES)
    if len(header) < _LOCAL_BYTES or not header.startswith(MAGIC):
        raise damaged(label, "a record is not where the list says")
    name_bytes, extra_bytes = struct.unpack_from("<2H", header, 26)
    return int(header_offset + _LOCAL_BYTES + name_bytes + extra_bytes)
