"""Cache of zero-shot heads on disk."""

import hashlib
import json
import logging
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from evaluators.data.task_list import Task
from evaluators.zoo.public_encoders import Encoder
from lines_core.checkpoints import save_checkpoint
from lines_core.errors import CheckpointError

VERSION = 1
_LOG = logging.getLogger(__name__)


def head_path(folder: Path, encoder: Encoder, weights: str, task: Task) -> Path:
    """Path of a task's head; its name has a hash of everything that determines the head.

    Args:
        weights: content name of the pre-trained weights.
    """
    parts = json.dumps([VERSION, weights, encoder.open_clip, task.classes, task.prompts])
    return folder / f"{encoder.key}-{task.key}-{hashlib.sha256(parts.encode()).hexdigest()[:24]}.safetensors"


def read_head(path: Path, encoder: Encoder, task: Task) -> Tensor | None:
    """The cached head, float32 (D, classes); None if there is none, or it is damaged."""
    if not path.is_file():
        return None
    try:
        head = safetensors.torch.load_file(path)["head"]
    except (SafetensorError, OSError, KeyError) as error:
        _LOG.warning("The head in %s cannot be read (%s): it is made again.", path, error)
        return None
    if head.shape != (encoder.embed_dim, len(task.classes)) or not bool(head.isfinite().all()):
        _LOG.warning("The head in %s has shape %s or is not finite: it is made again.", path, head.shape)
        return None
    return head


def save_head(path: Path, head: Tensor) -> None:
    """Write a head; a failure is only logged."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(path, {"head": head.cpu()})
    except (OSError, SafetensorError, CheckpointError) as error:
        _LOG.warning("The head could not be kept in %s: %s", path.parent, error)
