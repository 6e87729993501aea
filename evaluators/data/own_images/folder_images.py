"""Files in a folder of whoever starts the app."""

import os
import stat
import unicodedata
from collections import Counter
from pathlib import Path

from evaluators.data.own_images import image_source as source
from evaluators.errors import ImageError, TaskError


class FolderImages:
    """The files below a folder; links are not followed.

    Raises: TaskError if it is no folder that can be read, or holds too many files.
    """

    def __init__(self, folder: Path) -> None:
        self.skipped: Counter[str] = Counter()
        self._files: dict[str, Path] = {}
        if not folder.is_dir():
            raise TaskError(f"{folder} is no folder: give a folder with one folder a class, or a zip file.")
        for home, _, files in os.walk(folder):
            for file in files:
                self._list(folder, Path(home, file))
        self.names = tuple(self._files)

    def read(self, name: str) -> bytes:
        """Content of a file. Raises: ImageError."""
        try:
            with self._files[name].open("rb") as stream:
                content = stream.read(source.MOST_FILE_BYTES + 1)
        except OSError as error:
            raise ImageError(error.strerror or str(error)) from error
        if len(content) > source.MOST_FILE_BYTES:
            raise ImageError(source.TOO_LARGE)
        return content

    def _list(self, folder: Path, path: Path) -> None:
        if len(self._files) == source.MOST_FILES:
            raise TaskError(f"{folder} holds more than {source.MOST_FILES:,} files: give one with fewer.")
        parts = tuple(unicodedata.normalize("NFC", part) for part in path.relative_to(folder).parts)
        if source.is_hidden(parts):
            return
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            self.skipped[source.LINK] += 1
        elif not stat.S_ISREG(mode) or source.safe_parts("/".join(parts)) is None:
            self.skipped[source.UNSAFE] += 1
        else:
            self._files["/".join(parts)] = path
