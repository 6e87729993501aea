"""Reading of checkpoint files: safetensors and PyTorch."""

import os
from pathlib import Path

from torch import Tensor

from lines_core.checkpoints.limits import MAX_BYTES, label_of
from lines_core.checkpoints.opening import opened
from lines_core.checkpoints.safetensors_files import read_header, read_safetensors
from lines_core.checkpoints.torch_files import read_torch
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import excerpt

SAFETENSORS_SUFFIX = ".safetensors"
_TORCH_SUFFIXES = (".pt", ".pth", ".bin")


def read_checkpoint(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, Tensor]:
    """The tensors of a checkpoint file by name, on the CPU, in the dtype of the file.

    Everything a safetensors header claims is checked against the file before memory is allocated, and the
    data are read into memory rather than mapped: a mapped file that is truncated later crashes the process.
    Of a PyTorch file only the zip format is read, uncompressed as ``torch.save`` writes it; its pickle is
    interpreted as data, and a dictionary wrapped as ``{"state_dict": ...}`` is unwrapped. Names are not
    changed. The limits on files are in `limits`, `pickle_interpreter` and `zip_records`.

    Args:
        path: file ending in .safetensors, .pt, .pth or .bin. Symbolic links are followed, as the Hugging Face
            cache is made of them, but must end at a regular file.
        max_bytes: largest file, and largest sum of tensor sizes, in bytes.
    Raises: CheckpointError if the file is absent, not a regular file, too large, damaged, holds something
        other than tensors, or does not fit into memory.
    """
    label, suffix = label_of(path), Path(path).suffix.lower()
    if suffix != SAFETENSORS_SUFFIX and suffix not in _TORCH_SUFFIXES:
        kinds = ", ".join((SAFETENSORS_SUFFIX, *_TORCH_SUFFIXES))
        raise CheckpointError(f"{label} has an unknown extension: expected {kinds}.")
    with opened(path, max_bytes) as stream:
        try:
            if suffix == SAFETENSORS_SUFFIX:
                return read_safetensors(stream, label)
            return read_torch(stream, label, max_bytes)
        except MemoryError as error:
            raise CheckpointError(f"{label} does not fit into free memory.") from error
        except OSError as error:
            raise CheckpointError(f"{label} cannot be read: {excerpt(str(error))}.") from error


def read_metadata(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, str]:
    """The metadata of a safetensors file, such as the recipe an edited checkpoint was made with.

    Raises: CheckpointError if the file is absent, not a regular file, too large or damaged.
    """
    with opened(path, max_bytes) as stream:
        return read_header(stream, label_of(path)).metadata


def read_shapes(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a safetensors file by name; the tensors themselves are not read.

    Raises: CheckpointError if the file is absent, not a regular file, too large or damaged.
    """
    with opened(path, max_bytes) as stream:
        return {entry.name: entry.shape for entry in read_header(stream, label_of(path)).entries}
