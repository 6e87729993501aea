"""Reading of checkpoint files in one call: safetensors and PyTorch."""

import os

from torch import Tensor

from lines_core.checkpoints.contents import open_checkpoint
from lines_core.checkpoints.limits import MAX_BYTES, label_of
from lines_core.checkpoints.opening import opened
from lines_core.checkpoints.safetensors_files import read_header


def read_checkpoint(
    path: str | os.PathLike[str], *, choose: str | None = None, max_bytes: int = MAX_BYTES
) -> dict[str, Tensor]:
    """The tensors of a checkpoint file by name, on the CPU, in the dtype of the file.

    Short for `open_checkpoint` and its `tensors`; only `open_checkpoint` also says what was set aside. The
    data are read into memory rather than mapped: a mapped file that is truncated later crashes the process.
    The limits on files are in `limits`, `pickle_interpreter` and `zip_records`.

    Args:
        path: as for `open_checkpoint`.
        choose: which model, if the file holds several, such as ``"state_dict_ema"``.
        max_bytes: largest file, and largest sum of tensor sizes, in bytes.
    Raises: ChoiceError if there are several models and none is chosen; CheckpointError if the file is absent,
        not a regular file, too large, damaged, holds something other than tensors, or does not fit into
        memory.
    """
    return open_checkpoint(path, max_bytes=max_bytes).tensors(choose)


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
