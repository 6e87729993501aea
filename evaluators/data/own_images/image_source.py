"""Interface of whatever holds a visitor's images, and the reasons for which files in it are left out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Protocol

IMAGE_ENDINGS = frozenset(
    (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp")
)
TABLE_ENDINGS = frozenset((".csv", ".tsv"))
MOST_FILES = 100_000
"""Files that a source may have."""
MOST_FILE_BYTES = 32 << 20
"""Of one file, unpacked."""
MOST_BYTES_READ = 2 << 30
"""Unpacked bytes that are read of one source, whatever its files claim."""

# Why a file is left out, as the page says it.
NO_IMAGE = "not an image"
UNREADABLE = "damaged or not readable as an image"
TOO_LARGE = f"larger than {MOST_FILE_BYTES >> 20} MB"
UNSAFE = "with an unsafe path"
LINK = "a link"
PACKED = "encrypted or packed in an unusual way"
TWICE = "with the name or content of another"
NO_CLASS = "in no class"


class ImageSource(Protocol):
    """Named files of a visitor."""

    @property
    def names(self) -> Sequence[str]:
        """Their paths, with ``/`` between folders and without ``..``; in no particular order."""

    @property
    def skipped(self) -> Counter[str]:
        """How many files are not among them, by reason."""

    def read(self, name: str) -> bytes:
        """Content of one of the names. Raises: ImageError if it is damaged or too large."""


def said_skipped(skipped: Mapping[str, int]) -> str:
    """How many files were left out and why, as a clause."""
    return ", ".join(f"{count:,} {reason}" for reason, count in sorted(skipped.items()))


def ending(name: str) -> str:
    """Of a file's name, in lower case and with its dot."""
    return PurePosixPath(name).suffix.lower()


def safe_parts(name: str) -> tuple[str, ...] | None:
    """Folders and file of a path inside a source; None if it leads out of it, or holds odd characters."""
    parts = tuple(part for part in name.replace("\\", "/").split("/") if part != ".")
    absolute = name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":")
    if absolute or not parts or any(part in ("", "..") or not part.isprintable() for part in parts):
        return None
    return parts


def is_hidden(parts: Sequence[str]) -> bool:
    """Whether it is a file that an operating system adds: of no interest, so it is not even counted."""
    return (
        parts[0] == "__MACOSX"
        or parts[-1].lower() in ("thumbs.db", "desktop.ini")
        or (any(part.startswith(".") for part in parts))
    )
