"""Read weights from files nobody vouches for, say exactly how they differ from a model, and write them.

A pickled module runs code when it is opened, so only plain tensors are read: safetensors, or a PyTorch file
whose pickle is followed as data (`pickled`). Absent, damaged and mismatched files read differently. Readers
never write, and never set more memory aside than the file has bytes, but for a few hundred a tensor.
"""

from lines_core.checkpoints.comparing import compare
from lines_core.checkpoints.limits import MAX_BYTES
from lines_core.checkpoints.opening import opened
from lines_core.checkpoints.reading import read_checkpoint, read_metadata, read_shapes
from lines_core.checkpoints.saving import save_checkpoint

__all__ = [
    "MAX_BYTES",
    "compare",
    "opened",
    "read_checkpoint",
    "read_metadata",
    "read_shapes",
    "save_checkpoint",
]
