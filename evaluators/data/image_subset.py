"""Subsets of a task's images in a seeded, class-balanced order, decoded to uint8 and cached.

The order is derived from hashes, so it is the same on every platform and with every library version. A subset
is a prefix of that order: subsets are nested, and class counts differ by at most one while every class has
images left.
"""

import hashlib
import io
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor

from evaluators.data.task_list import Task
from evaluators.errors import LabError
from lines_core.atomic_write import atomic_write

SEED = 0
CACHE_VERSION = 2
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subset:
    """Images with their labels.

    Args:
        images: uint8 of shape (n, 3, S, S), resized and cropped as the encoder expects, not yet normalised.
        labels: int64 of shape (n,), positions in the task's ``classes``.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def subset_path(folder: Path, task: Task, split: str) -> Path:
    """File with the images of a task and split."""
    return folder / f"{task.key}-{split}.parquet"


def count_images(folder: Path, task: Task, split: str) -> int:
    """Number of images of a task in a split, from the metadata of its file.

    Raises: LabError if the file is absent or damaged.
    """
    path = subset_path(folder, task, split)
    import pyarrow
    import pyarrow.parquet

    try:
        return int(pyarrow.parquet.read_metadata(path).num_rows)
    except (OSError, pyarrow.ArrowException) as error:
        raise LabError(f"{path} cannot be read: {error}") from error


def load_subset(
    folder: Path, task: Task, split: str, n: int = 0, *, image_size: int, cache: Path | None = None
) -> Subset:
    """The first ``n`` images of a task in its seeded, class-balanced order.

    Args:
        folder: holds ``<task>-<split>.parquet``, columns ``image`` (a ``datasets`` Image) and ``label``.
        task: whose images; its ``classes`` must be the file's labels.
        split: ``"val"`` or ``"test"``.
        n: number of images; 0, or more than the file has, gives all.
        image_size: S of the encoder; other sizes are resized and cropped as open_clip does.
        cache: folder for decoded images, by content hash; None decodes them each time.
    Raises: LabError if the file is absent, damaged, or has other classes.
    Cost: decodes the file once (0.1 ms an image); from the cache about a millisecond.
    """
    path = subset_path(folder, task, split)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise LabError(f"{path} is absent: task {task.key!r} has no images for split {split!r}.") from error
    key = hashlib.sha256(content)
    key.update(repr((task.key, split, task.classes, image_size, SEED, CACHE_VERSION)).encode())
    cached = None if cache is None else cache / f"{task.key}-{split}-{key.hexdigest()[:24]}.safetensors"
    prepared = None if cached is None else read_subset(cached, image_size)
    if prepared is not None:
        subset = prepared[0]
    else:
        subset = _decode(path, content, task, split, image_size)
        if cached is not None:
            cache_subset(cached, subset, len(subset))
    n = len(subset) if n == 0 else min(n, len(subset))
    return Subset(subset.images[:n], subset.labels[:n])


def balanced_order(labels: list[int], name: str, seed: int = SEED) -> list[int]:
    """Row numbers in an order of which every prefix is balanced by class as far as possible.

    Each class is shuffled; each round then takes one image of every class that has any left, with the classes
    in shuffled order.

    Args:
        labels: class of each row.
        name: of the task and split, so that two of them are shuffled differently.
    """
    by_class: dict[int, list[int]] = {}
    for row, label in enumerate(labels):
        by_class.setdefault(label, []).append(row)
    ranked: list[tuple[int, str, int]] = []
    for label, rows in by_class.items():
        rows.sort(key=lambda row: _rank(seed, name, "row", row))
        ranked += [(number, _rank(seed, name, number, label), row) for number, row in enumerate(rows)]
    return [row for _, _, row in sorted(ranked)]


def fit(image: Image.Image, size: int) -> Image.Image:
    """RGB image of ``size`` x ``size``: shortest side resized (bicubic), centre cropped.

    Source: open_clip's evaluation transform before its normalisation.
    """
    if min(image.size) != size:
        width, height = image.size
        scaled = (size, int(size * height / width)) if width <= height else (int(size * width / height), size)
        image = image.resize(scaled, Image.Resampling.BICUBIC)
    if image.size != (size, size):
        left, top = round((image.width - size) / 2.0), round((image.height - size) / 2.0)
        image = image.crop((left, top, left + size, top + size))
    return image.convert("RGB")


def _rank(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _decode(path: Path, content: bytes, task: Task, split: str, image_size: int) -> Subset:
    # imported here, as cached images need neither; pyarrow alone, because `datasets` takes a second more
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(content), columns=["image", "label"])
        labels = [int(label) for label in table["label"].to_pylist()]
        encoded = [image["bytes"] for image in table["image"].to_pylist()]
        names = _class_names(table.schema.metadata)
    except (pyarrow.ArrowException, KeyError, ValueError, TypeError) as error:
        raise LabError(f"{path} is not a parquet file with the columns image and label: {error}") from error
    if names is not None and names != task.classes:
        raise LabError(f"{path} has the classes {names}, task {task.key!r} has {task.classes}.")
    if not labels or not 0 <= min(labels) <= max(labels) < len(task.classes):
        raise LabError(
            f"{path} must hold images with labels below {len(task.classes)}, got {sorted(set(labels))}."
        )
    order = balanced_order(labels, f"{task.key}-{split}")
    try:
        pixels = [np.asarray(fit(Image.open(io.BytesIO(encoded[row])), image_size)) for row in order]
    except (OSError, ValueError) as error:
        raise LabError(f"{path} holds an image that cannot be read: {error}") from error
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
    return Subset(images, torch.tensor([labels[row] for row in order]))


def _class_names(metadata: Mapping[bytes, bytes] | None) -> tuple[str, ...] | None:
    """The names of a ``ClassLabel`` column ``label``, which `datasets` keeps in the file's metadata."""
    written = (metadata or {}).get(b"huggingface")
    if written is None:
        return None
    names = json.loads(written)["info"]["features"]["label"].get("names")
    return None if names is None else tuple(names)


def read_subset(path: Path, image_size: int) -> tuple[Subset, int] | None:
    """Prepared images, and the number that they were drawn from; None if absent or damaged."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            images, labels = file.get_tensor("images"), file.get_tensor("labels")
            available = int((file.metadata() or {})["available"])
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        _LOG.warning("The prepared images in %s cannot be read (%s): preparing them again.", path, error)
        return None
    if not are_prepared(images, len(labels), image_size):
        _LOG.warning("The prepared images in %s have shape %s: preparing them again.", path, images.shape)
        return None
    return Subset(images, labels), available


def cache_subset(path: Path, subset: Subset, available: int) -> None:
    """Write prepared images; a failure (disk full, read-only) is only logged, once a folder."""
    try:
        named = {"images": subset.images, "labels": subset.labels}
        metadata = {"available": str(available)}
        atomic_write(path, lambda partial: safetensors.torch.save_file(named, partial, metadata))
    except (OSError, SafetensorError) as error:  # safetensors raises the latter for a full disk
        _warn_once(path.parent, getattr(error, "strerror", None) or str(error))


def are_prepared(images: Tensor, count: int, image_size: int) -> bool:
    """Whether images have the dtype and shape of a `Subset` of ``count`` images."""
    return images.dtype == torch.uint8 and images.shape == (count, 3, image_size, image_size)


@cache
def _warn_once(folder: Path, reason: str) -> None:
    _LOG.warning("The prepared images could not be cached in %s: %s", folder, reason)
