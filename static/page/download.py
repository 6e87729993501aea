"""The archive of the static edition that visitors download from the page."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

ARCHIVE = "lines-explorer.zip"
ROOT = "lines-explorer"
"""Folder inside the archive."""
PACKED = (".pack", ".webp")
"""Endings of files that are compressed already."""
OLDEST = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the archive, so that equal sites have equal archives."""


def write_archive(folder: Path, instead: dict[str, str]) -> int:
    """Write the archive of a folder into it.

    Args:
        folder: the written site.
        instead: texts by path, which stand in the archive in place of the folder's files.
    Returns: its size in bytes.
    Raises: OSError if it cannot be written.
    Cost: a second for 50 MB.
    """
    path = folder / ARCHIVE
    path.unlink(missing_ok=True)
    files = {one.relative_to(folder).as_posix(): one for one in sorted(folder.rglob("*")) if one.is_file()}
    with ZipFile(path, "w") as archive:
        for name in sorted({*files, *instead} - {ARCHIVE}):
            content = instead[name].encode() if name in instead else files[name].read_bytes()
            entry = ZipInfo(f"{ROOT}/{name}", OLDEST)
            entry.external_attr = 0o644 << 16
            packed = name.endswith(PACKED)
            archive.writestr(entry, content, compress_type=ZIP_STORED if packed else ZIP_DEFLATED)
    return path.stat().st_size
