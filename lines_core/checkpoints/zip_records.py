"""Byte ranges of the records in a zip file that ``torch.save`` wrote: stored, not overlapping."""

import os
import struct
import zipfile
from typing import BinaryIO, NamedTuple

from lines_core.checkpoints.limits import MAX_TENSORS, damaged
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted

MAGIC = b"PK\x03\x04"
MAX_RECORDS = MAX_TENSORS + 100
"""One per tensor, and a few that describe the others."""
_MAX_DIRECTORY = MAX_RECORDS * 128
"""Bytes of the central directory, 46 and a name for each record."""
_END_MAGIC, _END_BYTES = b"PK\x05\x06", 22
_LOCAL_BYTES = 30


class Record(NamedTuple):
    """Bytes of the file from ``begin``."""

    begin: int
    num_bytes: int


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

    `zipfile` parses the central directory, wherever it finds one, and accepts records that are compressed,
    encrypted or overlap. All of that is refused here, so records cannot unpack to more than the file has.

    Raises: CheckpointError if the file is no such zip file, a record is compressed or encrypted, two have one
        name or overlap, or there are more than `MAX_RECORDS`.
    Cost: reads the directory at the end and 30 bytes per record.
    """
    stream.seek(max(0, os.fstat(stream.fileno()).st_size - _END_BYTES))
    end = stream.read(_END_BYTES)
    if len(end) < _END_BYTES or not end.startswith(_END_MAGIC) or not end.endswith(b"\0\0"):
        raise damaged(label, "it does not end as a zip file of torch.save does: it was cut short")
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
        if info.flag_bits & 1:
            raise damaged(label, "it is encrypted, which torch.save never does")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise damaged(label, "it is compressed, which torch.save never does")
        if info.header_offset < free:
            raise damaged(label, f"its record {quoted(name)} overlaps another")
        begin = _begin(stream, info.header_offset, label)
        free = begin + info.file_size
        if free > directory:
            raise damaged(label, f"its record {quoted(name)} overlaps the list of records")
        if name in records:
            raise damaged(label, f"its record {quoted(name)} occurs twice")
        records[name] = Record(begin, info.file_size)
    return records


def _begin(stream: BinaryIO, header_offset: int, label: str) -> int:
    """Where the content of a record begins, after its local header, whose lengths zipfile does not expose."""
    stream.seek(header_offset)
    header = stream.read(_LOCAL_BYTES)
    if len(header) < _LOCAL_BYTES or not header.startswith(MAGIC):
        raise damaged(label, "a record is not where the list says")
    name_bytes, extra_bytes = struct.unpack_from("<2H", header, 26)
    return int(header_offset + _LOCAL_BYTES + name_bytes + extra_bytes)
