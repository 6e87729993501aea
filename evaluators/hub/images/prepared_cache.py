"""Cache of prepared images on disk; a damaged entry is logged and prepared again."""

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
    """Hash of ``parts``, 24 hexadecimal digits."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def read_subset(path: Path, image_size: int) -> tuple[Subset, int] | None:
    """Prepared images, and the number they were drawn from; None if absent or damaged."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            images, labels = file.get_tensor("images"), file.get_tensor("labels")
            available = int((file.metadata() or {})["available"])
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        _LOG.warning("The prepared images in %s cannot be read (%s): preparing them again.", path, error)
        return None
    if not _fits(images, len(labels), image_size):
        _LOG.warning("The prepared images in %s have shape %s: preparing them again.", path, images.shape)
        return None
    return Subset(images, labels), available


def cache_subset(path: Path, subset: Subset, available: int) -> None:
    """Write prepared images; a failure (disk full, read-only) is only logged."""
    try:
        named = {"images": subset.images, "labels": subset.labels}
        metadata = {"available": str(available)}
        atomic_write(path, lambda partial: safetensors.torch.save_file(named, partial, metadata))
    except (OSError, SafetensorError) as error:
        _LOG.warning("The prepared images could not be cached in %s: %s", path.parent, error)


def read_part(path: Path, count: int, image_size: int) -> Tensor | None:
    """Images of one row group from an interrupted preparation; None if there are none that fit."""
    try:
        images = safetensors.torch.load_file(path)["images"]
    except (SafetensorError, OSError, KeyError):
        return None  # they are read again
    return images if _fits(images, count, image_size) else None


def cache_part(path: Path, images: Tensor) -> None:
    """Write the images of one row group, in case the preparation is interrupted; best effort."""
    try:
        atomic_write(path, lambda partial: safetensors.torch.save_file({"images": images}, partial))
    except (OSError, SafetensorError) as error:
        _LOG.debug("The images of a row group could not be kept in %s: %s", path, error)


def drop_parts(folder: Path) -> None:
    """Delete the images by row group once the whole subset is prepared."""
    shutil.rmtree(folder, ignore_errors=True)


def read_commit(path: Path) -> str | None:
    """The last known commit of a revision; None if there is none."""
    try:
        commit = json.loads(path.read_text(encoding="utf-8"))["commit"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return commit if isinstance(commit, str) else None


def cache_commit(path: Path, commit: str, about: Mapping[str, str]) -> None:
    """Write the commit of a revision; ``about`` describes the revision to a reader of the file."""
    if read_commit(path) == commit:
        return
    try:
        text = json.dumps({"commit": commit, **about}, indent=1)
        atomic_write(path, lambda partial: partial.write_text(text, encoding="utf-8"))
    except OSError as error:
        _LOG.warning("The commit could not be written to %s: %s", path.parent, error)


def _fits(images: Tensor, count: int, image_size: int) -> bool:
    return images.dtype == torch.uint8 and images.shape == (count, 3, image_size, image_size)
