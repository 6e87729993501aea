"""Residuals on disk: one flat float32 vector in depth order a file, memory-mapped for use.

Twenty residuals of ViT-L/14 have 24 GB. Mapped, they need no memory of their own: the system caches the pages
in use.
"""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.errors import LabError
from lines_core.checkpoints import read_metadata, save_checkpoint
from lines_core.errors import CheckpointError
from lines_core.flat import FlatLayout

NAME = "residual"
HEAD_WEIGHT, HEAD_BIAS = "head.weight", "head.bias"
REPORT = "report"
VERSION = "2"


def residual_path(folder: Path, model: str, identity: str) -> Path:
    """Path of a checkpoint's residual.

    Args:
        model: key of the encoder.
        identity: content name of checkpoint and pre-trained weights.
    """
    digest = hashlib.sha256(f"{VERSION} {identity}".encode()).hexdigest()[:32]
    return folder / f"{model}-{digest}.safetensors"


def save_residual(
    path: Path,
    layout: FlatLayout,
    residual: Tensor,
    source: str,
    head: ClassifierHead | None = None,
    report: str = "",
) -> None:
    """Write a residual atomically.

    Args:
        source: of the checkpoint, for messages.
        head: that was fine-tuned with the checkpoint.
        report: what is known of it, as text.
    Raises: LabError if it is not finite, or cannot be written.
    """
    if residual.shape != (layout.numel,) or not bool(residual.isfinite().all()):
        raise LabError(
            f"The change that fine-tuning made in {source} is not finite: the checkpoint is damaged."
        )
    metadata = {"layout": _digest(layout), "source": source, REPORT: report}
    tensors = {NAME: residual.float()}
    if head is not None and head.bias is not None:
        tensors |= {HEAD_WEIGHT: head.weight.float().contiguous(), HEAD_BIAS: head.bias.float()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(path, tensors, metadata)
    except (OSError, SafetensorError) as error:
        raise LabError(
            f"The residual of {source} ({4 * layout.numel / 1e6:.0f} MB) cannot be written to {path.parent}: "
            f"{error}. Free some space, or start the app with another --cache."
        ) from error


def is_saved(path: Path, layout: FlatLayout) -> bool:
    """Whether the file holds a residual of this layout."""
    try:
        return path.is_file() and read_metadata(path).get("layout") == _digest(layout)
    except CheckpointError:
        return False


def mapped_residual(path: Path, layout: FlatLayout) -> Tensor:
    """The residual, float32 of shape (numel,), memory-mapped.

    Raises: LabError if the file is absent, damaged or of another encoder.
    """
    if not is_saved(path, layout):
        raise LabError(f"The residual in {path} is absent or damaged: load the checkpoint again.")
    try:
        with safe_open(path, "pt") as stored:
            residual: Tensor = stored.get_tensor(NAME)
    except (SafetensorError, OSError) as error:
        raise LabError(f"The residual in {path} cannot be read: {error}") from error
    if residual.shape != (layout.numel,) or residual.dtype != torch.float32:
        raise LabError(f"{path} holds {tuple(residual.shape)} {residual.dtype}, expected ({layout.numel},).")
    return residual


def saved_head(path: Path) -> ClassifierHead | None:
    """The head beside a residual, float32, (D, classes) and (classes,); None if there is none.

    Raises: LabError if the file is absent or damaged.
    """
    try:
        with safe_open(path, "pt") as stored:
            if HEAD_BIAS not in stored.keys():  # noqa: SIM118
                return None
            return ClassifierHead(stored.get_tensor(HEAD_WEIGHT), stored.get_tensor(HEAD_BIAS))
    except (SafetensorError, OSError) as error:
        raise LabError(f"The head in {path} cannot be read: {error}") from error


def saved_report(path: Path) -> str:
    """The report beside a residual; empty if it was saved without one. Raises: LabError as `saved_head`."""
    try:
        return read_metadata(path).get(REPORT, "")
    except CheckpointError as error:
        raise LabError(f"The report in {path} cannot be read: {error}") from error


def _digest(layout: FlatLayout) -> str:
    plain = json.dumps([layout.names, [list(shape) for shape in layout.shapes]])
    return hashlib.sha256(plain.encode()).hexdigest()
