"""The images that a path names: a folder, or a zip file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluators.data.own_images.folder_images import FolderImages
from evaluators.data.own_images.image_source import ImageSource
from evaluators.data.own_images.zip_images import ZipImages
from evaluators.errors import TaskError


@contextmanager
def open_images(path: Path) -> Iterator[ImageSource]:
    """Its files, for a ``with`` block. Raises: TaskError if there is nothing, or it cannot be read."""
    if not path.exists():
        raise TaskError(f"There is no {path}: give a folder with one folder a class, or a zip file.")
    if path.is_dir():
        yield FolderImages(path)
    else:
        with ZipImages(path, path.name) as files:
            yield files
