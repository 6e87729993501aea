"""SHA-256 of files, read in chunks."""

import hashlib
import threading
from pathlib import Path

_CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal; `hashlib.file_digest` needs Python 3.11.

    Raises: OSError if the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class FileDigests:
    """SHA-256 of files that do not change, each read once. Any method may be called from any thread."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._known: dict[Path, str] = {}

    def __call__(self, path: Path) -> str:
        """As ``sha256_of``."""
        with self._mutex:
            if path not in self._known:
                self._known[path] = sha256_of(path)
            return self._known[path]
