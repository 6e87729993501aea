"""Where the records of a zip file lie, as ``torch.save`` lays them out: stored, and one after the other.

Only this narrow kind of zip file is read. Its list of records is taken from one place, the end of the file,
records may not overlap and are no larger than the file, so they cannot unpack to more than it has.
"""

import os
import struct
from typing import BinaryIO, NamedTuple

from lines_core.checkpoints.limits import MAX_TENSORS, damaged
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted

MAGIC = b"PK\x03\x04"
MAX_RECORDS = MAX_TENSORS + 100
"""One a tensor, and a few that say what the others are."""
_MAX_RECORD_NAME = 512
_LOCAL = struct.Struct("<4s2B4HL2L2H")
_LISTED = struct.Struct("<4s4B4HL2L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64_PLACE = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_IN_EXTRA = 0xFFFF_FFFF
"""Stands where a number needs eight bytes and is in the extra field."""


class Record(NamedTuple):
    """Bytes of the file from ``begin``."""

    begin: int
    num_bytes: int


class _Listed(NamedTuple):
    name: str
    header: int
    num_bytes: int


def find_records(stream: BinaryIO, label: str) -> dict[str, Record]:
    """The records by name.

    Raises: CheckpointError if the file is no such zip file, a record is compressed or encrypted, two have one
        name or overlap, or there are more than `MAX_RECORDS`.
    Cost: reads the list at the end and 30 bytes a record.
    """
    try:
        list_begin, table, count = _list_of_records(stream, label)
        listed = _listed(table, count, label)
    except struct.error as error:
        raise damaged(label, f"its list of records is cut short ({error})") from error
    records: dict[str, Record] = {}
    end = 0
    for name, header, num_bytes in sorted(listed, key=lambda entry: entry.header):
        begin = _begin(stream, header, label)
        if header < end or begin + num_bytes > list_begin:
            raise damaged(label, f"its record {quoted(name)} overlaps another")
        if name in records:
            raise damaged(label, f"its record {quoted(name)} occurs twice")
        end = begin + num_bytes
        records[name] = Record(begin, num_bytes)
    return records


def _list_of_records(stream: BinaryIO, label: str) -> tuple[int, bytes, int]:
    """Where the list begins, the list, and how many records it has."""
    size = os.fstat(stream.fileno()).st_size
    place = size - _END.size
    signature, *_, count, num_bytes, begin, comment = _END.unpack(_read(stream, place, _END.size))
    if signature != b"PK\x05\x06" or comment:
        raise damaged(label, "it does not end as a zip file of torch.save does: it was cut short")
    place64 = place - _END64_PLACE.size
    pointer = _read(stream, place64, _END64_PLACE.size)
    if pointer.startswith(b"PK\x06\x07"):
        place = _END64_PLACE.unpack(pointer)[2]
        if place + _END64.size > place64:
            raise damaged(label, "its list of records is not where it should be")
        signature, *_, count, num_bytes, begin = _END64.unpack(_read(stream, place, _END64.size))
        if signature != b"PK\x06\x06":
            raise damaged(label, "its list of records is not where it should be")
    if count > MAX_RECORDS:
        raise CheckpointError(f"{label} claims {count:,} records, more than the {MAX_RECORDS:,} allowed.")
    if begin + num_bytes != place or num_bytes > count * (_LISTED.size + 2 * _MAX_RECORD_NAME):
        raise damaged(label, "its list of records is not where it should be")
    return begin, _read(stream, begin, num_bytes), count


def _listed(table: bytes, count: int, label: str) -> list[_Listed]:
    listed, at = [], 0
    for _ in range(count):
        fields = _LISTED.unpack_from(table, at)
        signature, flags, method = fields[0], fields[5], fields[6]
        packed, unpacked, name_length, extra_length, comment_length = fields[10:15]
        header = fields[18]
        at += _LISTED.size
        name = table[at : at + name_length]
        extra = table[at + name_length : at + name_length + extra_length]
        at += name_length + extra_length + comment_length
        if signature != b"PK\x01\x02" or len(name) > _MAX_RECORD_NAME:
            raise damaged(label, "its list of records makes no sense")
        unpacked, packed, header = _in_eight_bytes((unpacked, packed, header), extra)
        if flags & 1:
            raise damaged(label, "it is encrypted, which torch.save never does")
        if method != 0 or packed != unpacked:
            raise damaged(label, "it is compressed, which torch.save never does")
        try:
            listed.append(_Listed(name.decode(), header, unpacked))
        except UnicodeDecodeError as error:
            raise damaged(label, "the name of a record is no text") from error
    if at != len(table):
        raise damaged(label, "its list of records has another length than it claims")
    return listed


def _in_eight_bytes(numbers: tuple[int, ...], extra: bytes) -> list[int]:
    """The numbers, those that do not fit into four bytes taken from the extra field, where they follow."""
    if _IN_EXTRA not in numbers:
        return list(numbers)
    at = 0
    while True:
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4
        if kind == 1:
            break
        at += length
    found = []
    for number in numbers:
        if number == _IN_EXTRA:
            (number,) = struct.unpack_from("<Q", extra, at)
            at += 8
        found.append(number)
    return found


def _begin(stream: BinaryIO, header: int, label: str) -> int:
    """Where the content of a record begins, behind its own header."""
    content = _read(stream, header, _LOCAL.size)
    if len(content) < _LOCAL.size or not content.startswith(MAGIC):
        raise damaged(label, "a record is not where the list says")
    name_length, extra_length = _LOCAL.unpack(content)[-2:]
    return int(header + _LOCAL.size + name_length + extra_length)


def _read(stream: BinaryIO, place: int, num_bytes: int) -> bytes:
    """Bytes of the file from a place that the file may have made up; fewer at its end."""
    if not 0 <= place < os.fstat(stream.fileno()).st_size:
        return b""
    stream.seek(place)
    return stream.read(num_bytes)
