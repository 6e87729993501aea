"""Safe reading, comparing and writing of checkpoint files.

A pickled module runs code when it is opened, so only tensors are read: safetensors, or a PyTorch file whose
pickle is interpreted as data (`pickle_interpreter`). Absent, damaged and mismatched files get different
messages. Readers never write, and allocate no more than the file has bytes, and some hundred bytes per
tensor; a compressed file may unpack to eight times its bytes, and repeated numbers to 64 MiB.
"""

from lines_core.checkpoints.comparing import compare
from lines_core.checkpoints.contents import CheckpointContents, open_checkpoint
from lines_core.checkpoints.limits import MAX_BYTES
from lines_core.checkpoints.opening import opened
from lines_core.checkpoints.reading import read_checkpoint, read_metadata, read_shapes
from lines_core.checkpoints.saving import save_checkpoint
from lines_core.checkpoints.weight_files import WeightFiles

__all__ = [
    "MAX_BYTES",
    "CheckpointContents",
    "WeightFiles",
    "compare",
    "open_checkpoint",
    "opened",
    "read_checkpoint",
    "read_metadata",
    "read_shapes",
    "save_checkpoint",
]
