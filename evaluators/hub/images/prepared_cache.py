"""Prepared images on disk: found again without a network, and given up rather than trusted when damaged."""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from evaluators.data.image_subset import Subset
from lines_core.atomic_write import atomic_write

_LOG = logging.getLogger(__name__)


def name_of(*parts: object) -> str:
    """24 hexadecimal digits that stand for ``parts``."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def read_subset(path: Path, image_size: int) -> tuple[Subset, int] | None:
    """Prepared images and how many there were to choose from; None if absent or (logged) damaged."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            images, labels = file.get_tensor("images"), file.get_tensor("labels")
            available = int((file.metadata() or {})["available"])
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        _LOG.warning("The prepared images in %s cannot be read (%s): preparing them anew.", path, error)
        return None
    if not _fits(images, len(labels), image_size):
        _LOG.warning("The prepared images in %s have shape %s: preparing them anew.", path, images.shape)
        return None
    return Subset(images, labels), available


def cache_subset(path: Path, subset: Subset, available: int) -> None:
    """Keep prepared images. A disk that is full or read-only is logged, and done without."""
    try:
        named = {"images": subset.images, "labels": subset.labels}
        metadata = {"available": str(available)}
        atomic_write(path, lambda partial: safetensors.torch.save_file(named, partial, metadata))
    except (OSError, SafetensorError) as error:
        _LOG.warning("The prepared images could not be cached in %s: %s", path.parent, error)


def read_part(path: Path, count: int, image_size: int) -> Tensor | None:
    """Images of one row group that an interrupted preparation left; None if there are none of use."""
    try:
        images = safetensors.torch.load_file(path)["images"]
    except (SafetensorError, OSError, KeyError):
        return None  # only ever a saving: what is not there is read again
    return images if _fits(images, count, image_size) else None


def cache_part(path: Path, images: Tensor) -> None:
    """Keep the images of one row group until the whole subset is there, if the disk lets us."""
    try:
        atomic_write(path, lambda partial: safetensors.torch.save_file({"images": images}, partial))
    except (OSError, SafetensorError) as error:
        _LOG.debug("The images of a row group could not be kept in %s: %s", path, error)


def drop_parts(folder: Path) -> None:
    """Remove the images by row group, the whole subset being there."""
    shutil.rmtree(folder, ignore_errors=True)


def read_commit(path: Path) -> str | None:
    """The commit that a revision stood at when it was last seen; None if that is not known."""
    try:
        commit = json.loads(path.read_text(encoding="utf-8"))["commit"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return commit if isinstance(commit, str) else None


def cache_commit(path: Path, commit: str, about: Mapping[str, str]) -> None:
    """Remember the commit that a revision stands at. ``about`` tells a reader of the file which."""
    if read_commit(path) == commit:
        return
    try:
        text = json.dumps({"commit": commit, **about}, indent=1)
        atomic_write(path, lambda partial: partial.write_text(text, encoding="utf-8"))
    except OSError as error:
        _LOG.warning("What was found on the Hub could not be remembered in %s: %s", path.parent, error)


def _fits(images: Tensor, count: int, image_size: int) -> bool:
    return images.dtype == torch.uint8 and images.shape == (count, 3, image_size, image_size)
