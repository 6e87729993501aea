"""Write tensors to safetensors files without leaving halves behind."""

import os
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from lines_core.atomic_write import atomic_write
from lines_core.checkpoints.reading import SAFETENSORS_SUFFIX
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted


def save_checkpoint(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors to a safetensors file: to a file beside it first, then renamed, so none is half written.

    Args:
        path: ends in .safetensors; an existing file is replaced.
        tensors: by name; views and tied weights are written out in full.
        metadata: text by key, such as the recipe.
    Raises: CheckpointError if the name ends otherwise, there is no folder for it, there is nothing to save,
        or the metadata are not text.
    """
    target = Path(path)
    if target.suffix != SAFETENSORS_SUFFIX:
        raise CheckpointError(f"{target.name} must end in {SAFETENSORS_SUFFIX}; nothing else is written.")
    if not target.parent.is_dir():
        raise CheckpointError(f"No folder {target.parent} to write {target.name} to.")
    if not tensors:
        raise CheckpointError("Nothing to save: no tensors were given.")
    metadata = dict(metadata or {})
    if not all(isinstance(text, str) for item in metadata.items() for text in item):
        raise CheckpointError(f"Metadata must be text by text key, got {quoted(metadata)}.")
    # its own memory for each, since the format has no way to say that two tensors share theirs
    apart = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    atomic_write(target, lambda part: safetensors.torch.save_file(apart, part, metadata))
