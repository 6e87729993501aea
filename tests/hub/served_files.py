"""Repositories that the local Hub serves, read from a folder tree with the hashes of the real Hub."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["model", "dataset"]
LARGE = tuple(".safetensors .bin .pt .pth .ckpt .npy .npz .pkl .parquet .arrow .tar .zip .gz .h5".split())
"""Endings that the Hub's default .gitattributes keeps in LFS."""
LARGE_BYTES = 10_000_000
PIECE = 1 << 20
DATE = "2024-01-01T00:00:00.000Z"
Digests = dict[tuple[str, int, int], tuple[str, str]]
"""SHA-256 and git hash of files by path, size and time."""


@dataclass(frozen=True)
class File:
    name: str
    path: Path
    size: int
    large: bool
    sha256: str
    """Of a large file, empty for the others."""
    blob: str
    """Git's hash: of the content, or of the pointer that stands for a large file."""

    @property
    def etag(self) -> str:
        return self.sha256 if self.large else self.blob

    def entry(self, xet: bool) -> dict[str, Any]:
        """As in a tree listing."""
        entry: dict[str, Any] = {"type": "file", "oid": self.blob, "size": self.size, "path": self.name}
        if self.large:
            pointer = len(pointer_of(self.sha256, self.size))
            entry["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": pointer}
            if xet:
                entry["xetHash"] = self.sha256[::-1]
        return entry


@dataclass(frozen=True)
class Repository:
    kind: Kind
    repo: str
    commit: str
    files: dict[str, File]

    def folders(self) -> set[str]:
        return {str(parent) for name in self.files for parent in Path(name).parents} - {"."}


def read_repository(root: Path, kind: Kind, repo: str, digests: Digests) -> Repository | None:
    """The repository as it is on disk now, None if there is none.

    Args:
        digests: of files that were read before; updated.
    """
    folder = root / f"{kind}s" / repo
    if not folder.is_dir():
        return None
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            files[name] = _read_file(name, path, digests)
    text = "".join(f"{file.name}\0{file.etag}\n" for file in files.values())
    return Repository(kind, repo, hashlib.sha1(f"{kind} {repo}\n{text}".encode()).hexdigest(), files)


def _read_file(name: str, path: Path, digests: Digests) -> File:
    stat = path.stat()
    large = name.endswith(LARGE) or stat.st_size >= LARGE_BYTES
    key = (str(path), stat.st_size, stat.st_mtime_ns)
    if key not in digests:
        digest = hashlib.sha256() if large else hashlib.sha1(b"blob %d\0" % stat.st_size)
        with path.open("rb") as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
        found = digest.hexdigest()
        pointer = pointer_of(found, stat.st_size)
        blob = hashlib.sha1(b"blob %d\0" % len(pointer) + pointer).hexdigest() if large else found
        digests[key] = (found if large else "", blob)
    return File(name, path, stat.st_size, large, *digests[key])


def pointer_of(sha256: str, size: int) -> bytes:
    """The text that git keeps in place of a large file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
