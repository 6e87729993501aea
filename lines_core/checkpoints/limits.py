"""Limits on checkpoint files of both formats, and checks and messages that share them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

import torch

from lines_core.errors import CheckpointError
from lines_core.untrusted_text import excerpt, quoted

MAX_BYTES = 4 << 30
"""Largest file read by default; a full fp32 CLIP ViT-L/14 has 1.7 GB."""
MAX_HEADER = 4 << 20
"""Bytes of a safetensors header; a CLIP ViT-L/14 has 60 kB."""
MAX_TENSORS = 20_000
"""A full CLIP ViT-L/14 has 446, with the state of its optimiser three times as many."""
MAX_DIMENSIONS = 8
MAX_NAME = 200
TENSORS_ALONE = "Save the tensors alone: torch.save(model.state_dict(), path), or safetensors."
"""What to do about a file that holds something else."""
LARGEST = 1 << 63
"""Sizes and offsets are below this."""
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""Supported dtypes by their safetensors names."""
_MOST_LABEL = 100


def label_of(path: str | os.PathLike[str]) -> str:
    """Name of a file in messages: the last part of its path, printable."""
    return excerpt(Path(path).name or os.fspath(path), _MOST_LABEL)


def damaged(label: str, why: str) -> CheckpointError:
    """The error for a file that contradicts itself."""
    return CheckpointError(f"{label} is damaged: {excerpt(why, 300)}. Fetch it again.")


def check_name(name: object, label: str) -> None:
    """Names appear in messages and on a page, and must not imitate each other: printable ASCII only.

    Raises: CheckpointError for any other tensor name, an empty one, or one that is too long.
    """
    if (
        not isinstance(name, str)
        or not (name.isascii() and name.isprintable())
        or not 0 < len(name) <= MAX_NAME
    ):
        raise CheckpointError(
            f"{label}: names are printable ASCII text, at most {MAX_NAME} characters, found {quoted(name)}."
        )


def check_count(count: int, label: str) -> None:
    """Raises: CheckpointError if there are more tensors than `MAX_TENSORS`."""
    if count > MAX_TENSORS:
        raise CheckpointError(f"{label} claims {count:,} tensors, more than the {MAX_TENSORS:,} allowed.")


def is_size(number: object) -> TypeGuard[int]:
    """Whether this is an integer from 0 below 2**63; True and 1.0 are not."""
    return type(number) is int and 0 <= number < LARGEST


def are_sizes(numbers: object) -> TypeGuard[Sequence[int]]:
    """Whether this is a list or tuple of such integers."""
    return isinstance(numbers, list | tuple) and all(map(is_size, numbers))
