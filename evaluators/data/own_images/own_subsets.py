"""Val and test images of a visitor's task: drawn apart with a seed, then decoded, a few hundred at most.

Images are drawn by their names alone, before any is decoded; one that cannot be decoded is replaced by the
next of the order. Two images with the same content are used once, so that none is in both splits.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from evaluators.data.image_decoding import decode
from evaluators.data.image_subset import Subset, balanced_order
from evaluators.data.own_images import image_source as source
from evaluators.data.own_images.image_source import ImageSource
from evaluators.data.own_images.listed_images import ListedImage, ListedImages
from evaluators.errors import ImageError, TaskError
from evaluators.specs.edit_spec import SPLITS
from evaluators.specs.intervals import wilson_interval
from lines_core.untrusted_text import quoted

MOST_IMAGES = 600
"""Of a split: at 224 pixels a side they take 90 MB."""
LEAST_IMAGES = 8
"""Of a split: with fewer an interval covers most of the scale."""
FEW_A_CLASS = 5
"""Test images of a class below which the page warns."""
_NAME = "own"
_SAID = {"val": "validation", "test": "test"}


@dataclass(frozen=True)
class OwnSubsets:
    """The images of a task.

    Args:
        splits: by ``"val"`` and ``"test"``.
        skipped: how many files were left out, by reason.
    """

    splits: Mapping[str, Subset]
    skipped: Counter[str]


def draw(images: Sequence[ListedImage]) -> dict[str, list[ListedImage]]:
    """The images of each split in seeded, class-balanced order; no image is in both.

    A source with test images of its own gives these, and its val images, or else its train images, for val.
    One with val and no test images has them for test. Without such folders each class is halved, test first.
    """
    has = {image.split for image in images}
    if "test" in has:
        val = "val" if "val" in has else "train"
        pools = {"val": [one for one in images if one.split == val]}
        pools["test"] = [one for one in images if one.split == "test"]
        if pools["val"]:
            return {split: _ordered(pool, split) for split, pool in pools.items()}
        images = pools["test"]
    elif {"train", "val"} <= has:
        return {
            split: _ordered([one for one in images if one.split == named], split)
            for split, named in (("val", "train"), ("test", "val"))
        }
    drawn: dict[str, list[ListedImage]] = {split: [] for split in SPLITS}
    seen: Counter[int] = Counter()
    for image in _ordered(images, ""):
        drawn["val" if seen[image.label] % 2 else "test"].append(image)
        seen[image.label] += 1
    return drawn


def decode_subsets(
    files: ImageSource,
    found: ListedImages,
    image_size: int,
    progress: Callable[[int, int], None] | None = None,
    most: int = MOST_IMAGES,
    title: str = "",
) -> OwnSubsets:
    """The images of both splits, decoded as the encoder expects them.

    Args:
        image_size: S of the encoder.
        progress: called with images done and in total; may raise, to stop it.
        most: images of each split.
        title: of the task, for messages.
    Raises: TaskError if a split would have too few images, or a class none at all.
    Cost: memory for both splits; 2 ms a photo.
    """
    drawn = draw(found.images)
    reading = _Reading(files, image_size, Counter(found.skipped))
    total = sum(min(most, len(images)) for images in drawn.values())
    splits, done = {}, 0
    for split, images in drawn.items():
        room = min(most, len(images))
        pixels = torch.empty((room, 3, image_size, image_size), dtype=torch.uint8)
        labels: list[int] = []
        for label, decoded in reading.each(images):
            pixels[len(labels)] = decoded
            labels.append(label)
            if progress is not None:
                progress(done + len(labels), total)
            if len(labels) == room:
                break
        done += len(labels)
        splits[split] = Subset(pixels[: len(labels)], torch.tensor(labels, dtype=torch.int64))
    subsets = OwnSubsets(splits, +reading.skipped)
    check_subsets(subsets, found.classes, title)
    return subsets


def check_subsets(subsets: OwnSubsets, classes: Sequence[str], title: str) -> None:
    """Raises: TaskError if a split has too few images, or a class no test image."""
    task = f"The task {quoted(title)}" if title else "A task"
    for split, subset in subsets.splits.items():
        if len(subset) < LEAST_IMAGES:
            said = f" (left out: {source.said_skipped(subsets.skipped)})" if subsets.skipped else ""
            raise TaskError(
                f"{task} needs at least {LEAST_IMAGES} test images and {LEAST_IMAGES} validation images, got "
                f"{len(subset)} {_SAID[split]} images{said}: add more images."
            )
    for label in sorted(set(range(len(classes))) - set(subsets.splits["test"].labels.tolist())):
        raise TaskError(f"There is no test image of {classes[label]!r}: add images of it, or leave it out.")


def said_widths(subset: Subset, classes: Sequence[str]) -> str:
    """How sure an accuracy on the test images is, and which classes have few; one or two sentences."""
    n = len(subset)
    said = f"On {n:,} test images an accuracy near 50 % is known to ± {half_width(n):.0f} points."
    counts = torch.bincount(subset.labels, minlength=len(classes)).tolist()
    few = [name for name, count in zip(classes, counts, strict=True) if count < FEW_A_CLASS]
    if few:
        which = f"The class {few[0]} has" if len(few) == 1 else f"{len(few)} classes have"
        said += (
            f" {which} fewer than {FEW_A_CLASS} test images: the accuracy on such a class alone is known to "
            f"± {half_width(min(counts)):.0f} points only."
        )
    return said


def half_width(n: int) -> float:
    """Half the width of the 95 % interval of an accuracy near 50 % on n images, in points."""
    low, high = wilson_interval(n // 2, n)
    return 50 * (high - low)


class _Reading:
    """Reads and decodes images within the budget of bytes, and counts those that it leaves out."""

    def __init__(self, files: ImageSource, image_size: int, skipped: Counter[str]) -> None:
        self._files = files
        self._size = image_size
        self._left = source.MOST_BYTES_READ
        self._seen: set[bytes] = set()
        self.skipped = skipped

    def each(self, images: Sequence[ListedImage]) -> Iterator[tuple[int, torch.Tensor]]:
        """Class and pixels, uint8 (3, S, S), of each image that can be decoded."""
        for image in images:
            try:
                content = self._files.read(image.name)
                self._left -= len(content)
                if self._left < 0:
                    raise TaskError(
                        f"The images take more than {source.MOST_BYTES_READ >> 30} GB: make them smaller, "
                        "the encoder sees a few hundred pixels a side."
                    )
                digest = hashlib.sha256(content).digest()
                if digest in self._seen:
                    self.skipped[source.TWICE] += 1
                    continue
                pixels = decode(content, self._size, paper="white")
            except ImageError as error:
                too_large = str(error) == source.TOO_LARGE
                self.skipped[source.TOO_LARGE if too_large else source.UNREADABLE] += 1
                continue
            self._seen.add(digest)
            yield image.label, torch.from_numpy(pixels.copy()).permute(2, 0, 1)


def _ordered(images: Sequence[ListedImage], split: str) -> list[ListedImage]:
    by_name = sorted(images)
    return [by_name[row] for row in balanced_order([one.label for one in by_name], f"{_NAME}-{split}")]
