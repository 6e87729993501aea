"""Files of interrupted preparations, and the last known commit of a data set's revision."""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from evaluators.data.image_subset import are_prepared
from lines_core.atomic_write import atomic_write

_LOG = logging.getLogger(__name__)


def name_of(*parts: object) -> str:
    """Hash of ``parts``, 24 hexadecimal digits."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def read_part(path: Path, count: int, image_size: int) -> Tensor | None:
    """Images of one row group from an interrupted preparation; None if there are none that fit."""
    try:
        images = safetensors.torch.load_file(path)["images"]
    except (SafetensorError, OSError, KeyError):
        return None  # they are read again
    return images if are_prepared(images, count, image_size) else None


def cache_part(path: Path, images: Tensor) -> None:
    """Write the images of one row group, in case the preparation is interrupted; best effort."""
    try:
        atomic_write(path, lambda partial: safetensors.torch.save_file({"images": images}, partial))
    except (OSError, SafetensorError) as error:
        _LOG.debug("The images of a row group could not be kept in %s: %s", path, error)


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
