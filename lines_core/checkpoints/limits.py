"""What any checkpoint file may be at most, whatever its format, and how a message speaks of one."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

import torch

from lines_core.errors import CheckpointError
from lines_core.untrusted_text import excerpt, quoted

MAX_BYTES = 4 << 30
"""Largest file read unless the caller says otherwise; a full fp32 CLIP ViT-L/14 has 1.7 GB."""
MAX_HEADER = 4 << 20
"""Bytes of a safetensors header; a CLIP ViT-L/14 has 60 kB."""
MAX_TENSORS = 20_000
"""A full CLIP ViT-L/14 has 446, with the state of its optimiser three times as many."""
MAX_DIMENSIONS = 8
MAX_NAME = 200
LARGEST = 1 << 63
"""Sizes and places are below this."""
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
"""The kinds of number read, as safetensors calls them."""
_MOST_LABEL = 100


def label_of(path: str | os.PathLike[str]) -> str:
    """What messages call a file: the last part of its path, as far as it prints."""
    return excerpt(Path(path).name or os.fspath(path), _MOST_LABEL)


def damaged(label: str, why: str) -> CheckpointError:
    """The error for a file whose parts contradict each other."""
    return CheckpointError(f"{label} is damaged: {excerpt(why, 300)}. Fetch it again.")


def check_name(name: object, label: str) -> None:
    """Names end up in messages and on a page, and two that look alike must be alike: ASCII that prints.

    Raises: CheckpointError for any other name of a tensor, an empty one, or one that is too long.
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
    """Whether this is a whole number from 0 below 2**63; True and 1.0 are none."""
    return type(number) is int and 0 <= number < LARGEST


def are_sizes(numbers: object) -> TypeGuard[Sequence[int]]:
    """Whether this is a list or tuple of such numbers."""
    return isinstance(numbers, list | tuple) and all(map(is_size, numbers))
