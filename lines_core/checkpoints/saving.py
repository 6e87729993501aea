"""Atomic writing of safetensors files."""

import os
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from lines_core.atomic_write import atomic_write
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted

SAFETENSORS_SUFFIX = ".safetensors"


def save_checkpoint(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors to a safetensors file, atomically.

    Args:
        path: ends in .safetensors; an existing file is replaced.
        tensors: by name; views and tied weights are written out in full.
        metadata: text by key, such as the edit.
    Raises: CheckpointError if the name has another suffix, its folder or the tensors are missing, or the
        metadata are not text.
    """
    target = Path(path)
    if target.suffix != SAFETENSORS_SUFFIX:
        raise CheckpointError(f"{target.name} must end in {SAFETENSORS_SUFFIX}.")
    if not target.parent.is_dir():
        raise CheckpointError(f"No folder {target.parent} to write {target.name} to.")
    if not tensors:
        raise CheckpointError("Nothing to save: no tensors were given.")
    metadata = dict(metadata or {})
    if not all(isinstance(text, str) for item in metadata.items() for text in item):
        raise CheckpointError(f"Metadata must be text by text key, got {quoted(metadata)}.")
    # a copy of each, since the format cannot express shared memory
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    atomic_write(target, lambda part: safetensors.torch.save_file(copies, part, metadata))
