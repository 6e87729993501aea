"""The images of a source with their classes and splits, before any is decoded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evaluators.data.own_images import image_source as source
from evaluators.errors import TaskError
from lines_core.untrusted_text import excerpt, quoted

MOST_CLASSES = 500
MOST_LETTERS = 80
"""Of a class name; its text is read in a context of 77 tokens."""
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
"""Names of folders and table columns' entries that stand for a split, not for a class."""


class ListedImage(NamedTuple):
    """An image of a source.

    Args:
        name: of its file.
        label: position of its class.
        split: ``"train"``, ``"val"`` or ``"test"``; empty if the source does not say.
    """

    name: str
    label: int
    split: str


@dataclass(frozen=True)
class ListedImages:
    """The images that a source holds.

    Args:
        classes: as the source names them, sorted.
        images: sorted by name.
        skipped: how many files are left out, by reason.
    """

    classes: tuple[str, ...]
    images: tuple[ListedImage, ...]
    skipped: Counter[str]

    @property
    def counts(self) -> tuple[int, ...]:
        """Images of each class."""
        found = Counter(image.label for image in self.images)
        return tuple(found[label] for label in range(len(self.classes)))


def listed(named: Sequence[tuple[str, str, str]], skipped: Counter[str]) -> ListedImages:
    """The images of (file, class, split) triples.

    Raises: TaskError for fewer than two classes or too many, or a class name that cannot be shown.
    """
    classes = tuple(sorted({label for _, label, _ in named}))
    if len(classes) < 2:
        only = f"only the class {quoted(classes[0])}" if classes else "no images in class folders"
        said = f" (left out: {source.said_skipped(skipped)})" if skipped else ""
        raise TaskError(
            f"Expected at least two classes, found {only}{said}. Put the images of each class into a "
            "folder of its own, or add a CSV file with the columns path and label."
        )
    if len(classes) > MOST_CLASSES:
        raise TaskError(f"Expected at most {MOST_CLASSES} classes, found {len(classes):,}.")
    for name in classes:
        if len(name) > MOST_LETTERS or not name.isprintable():
            raise TaskError(f"A class name has at most {MOST_LETTERS} letters, got {excerpt(quoted(name))}.")
    position = {name: label for label, name in enumerate(classes)}
    images = sorted(ListedImage(file, position[label], split) for file, label, split in named)
    return ListedImages(classes, tuple(images), skipped)


def from_folders(names: Sequence[str], skipped: Counter[str]) -> ListedImages:
    """Images whose class is their folder, possibly in folders of splits, and below a common folder.

    Args:
        names: of all files.
        skipped: of the source.
    Raises: as ``listed``.

    >>> from_folders(["set/train/cat/1.png", "set/test/dog/2.png"], Counter()).images
    (ListedImage(name='set/test/dog/2.png', label=1, split='test'), \
ListedImage(name='set/train/cat/1.png', label=0, split='train'))
    """
    skipped = Counter(skipped)
    files = [(name, tuple(name.split("/"))) for name in names]
    images = [(name, parts) for name, parts in files if source.ending(name) in source.IMAGE_ENDINGS]
    skipped[source.NO_IMAGE] += len(files) - len(images)
    depth = _common_folders([parts for _, parts in images])
    splits = {parts[depth].lower() for _, parts in images if len(parts) > depth + 1}
    split_folders = bool(splits) and splits <= SPLIT_NAMES.keys()
    named = []
    for name, parts in images:
        below = parts[depth + split_folders : -1]
        if not below or (split_folders and len(parts) <= depth + 1):
            skipped[source.NO_CLASS] += 1
            continue
        split = SPLIT_NAMES[parts[depth].lower()] if split_folders else ""
        named.append((name, below[0], split))
    return listed(named, +skipped)


def _common_folders(paths: Sequence[tuple[str, ...]]) -> int:
    """Number of leading folders that all images share, but for the folder that an image lies in."""
    depth = 0
    while paths and all(len(path) > depth + 2 for path in paths):
        if len({path[depth] for path in paths}) > 1:
            break
        depth += 1
    return depth
