"""Files in a visitor's zip file. Nothing is extracted to disk, and no member is trusted to be what it claims.

A zip file of some megabytes may list a million members, unpack to terabytes, name files outside of its
folder, or hold links. So its directory is bounded before it is parsed, a member is read up to a limit of
real bytes, and names only ever serve as labels.
"""

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from evaluators.data.own_images import image_source as source
from evaluators.errors import ImageError, TaskError
from lines_core.untrusted_text import excerpt

_MOST_DIRECTORY = source.MOST_FILES * 160
"""Bytes of the list of members: 46, a name and time stamps for each."""
_UTF8_NAMES = 0x800
_ENCRYPTED = 0x1
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    struct.error,
)


class _BoundedReads:
    """Gives `zipfile` the file, but no read of more than ``most`` bytes, first those of a list of members."""

    def __init__(self, stream: BinaryIO) -> None:
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable
        self._stream = stream
        self.most = _MOST_DIRECTORY

    def read(self, size: int = -1) -> bytes:
        if size > self.most:
            raise TaskError(
                f"The zip file lists more files than the {source.MOST_FILES:,} that are read: make one with "
                "fewer images, a few hundred a class are enough."
            )
        return self._stream.read(size)


class ZipImages:
    """The files of a zip file, for a ``with`` block. Not thread-safe.

    Args:
        path: the file.
        title: as the visitor knows it, for messages.
    Raises: TaskError if it is no zip file, or lists too many members.
    """

    def __init__(self, path: Path, title: str) -> None:
        self._members: dict[str, zipfile.ZipInfo] = {}
        self.skipped: Counter[str] = Counter()
        try:
            self._stream = path.open("rb")
        except OSError as error:
            raise TaskError(f"{title} is gone: upload it again.") from error
        try:
            bounded = _BoundedReads(self._stream)
            self._archive = zipfile.ZipFile(bounded)
            bounded.most = source.MOST_FILE_BYTES + 1
            if len(self._archive.infolist()) > source.MOST_FILES:
                raise TaskError(
                    f"{title} lists {len(self._archive.infolist()):,} files, of {source.MOST_FILES:,} that "
                    "are read at most: make one with fewer images, a few hundred a class are enough."
                )
        except _BROKEN as error:
            self._stream.close()
            raise TaskError(f"{title} is no zip file that can be read: {excerpt(str(error))}") from error
        except TaskError:
            self._stream.close()
            raise
        for info in self._archive.infolist():
            if not info.is_dir():
                self._list(info)
        self.names = tuple(self._members)

    def __enter__(self) -> "ZipImages":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()
        self._stream.close()

    def read(self, name: str) -> bytes:
        """Content of a file, of the size that it claims or less. Raises: ImageError if it is damaged."""
        try:
            info = self._members[name]
            with self._archive.open(info) as member:
                content = member.read(info.file_size + 1)  # to the end, where the checksum is compared
        except _BROKEN as error:
            raise ImageError(excerpt(str(error) or type(error).__name__, 200)) from error
        return content

    def _list(self, info: zipfile.ZipInfo) -> None:
        """Note a member, or the reason why it is left out."""
        parts = source.safe_parts(_name_of(info))
        if parts is None:
            self.skipped[source.UNSAFE] += 1
        elif source.is_hidden(parts):
            return
        elif stat.S_ISLNK(info.external_attr >> 16):
            self.skipped[source.LINK] += 1
        elif info.flag_bits & _ENCRYPTED or info.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,  # the others may ask for gigabytes of memory
        ):
            self.skipped[source.PACKED] += 1
        elif info.file_size > source.MOST_FILE_BYTES:
            self.skipped[source.TOO_LARGE] += 1
        elif (name := "/".join(parts)) in self._members:
            self.skipped[source.TWICE] += 1
        else:
            self._members[name] = info


def _name_of(info: zipfile.ZipInfo) -> str:
    """The name of a member, in any script: many programs write UTF-8 without saying so."""
    name = info.filename
    if not info.flag_bits & _UTF8_NAMES:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name)
