"""Header of a safetensors file that is written piece by piece."""

import json
from collections.abc import Iterable, Mapping
from math import prod

import torch

from lines_core.checkpoints.limits import DTYPES

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_ALIGNED = 8


def header_bytes(
    tensors: Iterable[tuple[str, torch.dtype, tuple[int, ...]]], metadata: Mapping[str, str]
) -> bytes:
    """The bytes before the data, which follow without gaps in the order of the tensors.

    Args:
        tensors: name, dtype and shape of each.
        metadata: text by key.
    Source: https://github.com/huggingface/safetensors, "Format".
    """
    table: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name, dtype, shape in tensors:
        begin, end = end, end + prod(shape) * dtype.itemsize
        table[name] = {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED)
    return len(text).to_bytes(8, "little") + text
