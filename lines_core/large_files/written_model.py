"""A model written from others, piece by piece: reading, arithmetic and writing at the same time."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path

import torch

from lines_core.checkpoints.limits import label_of
from lines_core.checkpoints.weight_files import WeightFiles
from lines_core.errors import CheckpointError, LinesError
from lines_core.large_files.pieces import Piece, Progress, Source, pieces
from lines_core.large_files.read_ahead import read_ahead
from lines_core.large_files.staged_output import StagedOutput

_FORMAT = 1
"""Part of every key; another number for another content from the same recipe."""


def output_dtypes(layout: WeightFiles, dtype: torch.dtype | None) -> dict[str, torch.dtype]:
    """Dtype of each tensor of the output: that of the layout, or the given one for floating-point weights.

    Raises: CheckpointError if the given one is not a floating-point dtype of safetensors.
    """
    if dtype not in (None, torch.float64, torch.float32, torch.float16, torch.bfloat16):
        raise CheckpointError(f"Weights are written as float32, float16 or bfloat16, got {dtype}.")
    return {
        name: dtype if dtype is not None and entry.dtype.is_floating_point else entry.dtype
        for name, entry in layout.entries.items()
    }


def key_of(recipe: Mapping[str, object], models: Sequence[WeightFiles]) -> str:
    """Digest of a recipe and of the files it is applied to, by path, size, time and inode of each."""
    stamps = [[str(model.folder.resolve()), model.stamps] for model in models]
    return hashlib.sha256(json.dumps([_FORMAT, recipe, stamps], sort_keys=True).encode()).hexdigest()


def title_of(model: WeightFiles) -> str:
    """What a recipe calls a model: its folder or file, or the repository in a cache of huggingface_hub."""
    *_, repository, snapshots, commit = ("", "", "", *model.folder.parts)
    if snapshots == "snapshots" and repository.startswith("models--"):
        return f"{repository.removeprefix('models--').replace('--', '/')}@{commit}"
    return label_of(model.folder if model.index else model.path)


def bytes_of(names: Sequence[str], sources: Callable[[str], Sequence[Source]]) -> int:
    """Bytes that are read for some parameters."""
    entries = (weights.entries[source] for name in names for weights, source in sources(name))
    return sum(prod(entry.shape) * entry.dtype.itemsize for entry in entries)


class Counted:
    """Progress over several passes. Counts the pieces that go through it."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def skip(self, num_bytes: int) -> None:
        """Count bytes that need not be read."""
        self._done = min(self._done + num_bytes, self._total)  # a pass that is rarely needed is not counted
        if self._progress is not None:
            self._progress(self._done, self._total)

    def through(self, given: Iterator[Piece]) -> Iterator[Piece]:
        """The pieces, each counted once it has been worked on."""
        for piece in given:
            yield piece
            self.skip(piece.num_bytes)


def write_model(
    staged: StagedOutput,
    layout: WeightFiles,
    sources: Callable[[str], Sequence[Source]],
    compute: Callable[[Piece], bytes | bytearray],
    recipe: Mapping[str, object],
    counted: Counted,
    whole: bool = False,
) -> Path:
    """Write every file of the output that is not finished yet, then put it in its place.

    Args:
        layout: model whose files and names the output has.
        sources: what is read for a parameter.
        compute: a piece to its bytes in the output.
        whole: as for `pieces`.
    Returns: the output's path.
    Raises: OSError, whatever ``compute`` raises: the output does not exist then, and files that were finished
        are kept for the next run with the same key.
    """
    text = json.dumps(recipe)
    metadata = {"format": "pt", **layout.metadata, "lines_recipe": text}

    def computed(names: Sequence[str]) -> Iterator[bytes | bytearray]:
        for piece in counted.through(read_ahead(pieces(names, sources, whole))):
            yield compute(piece)

    try:
        for shard, names in layout.shards.items():
            if staged.has(shard):
                counted.skip(bytes_of(names, sources))
            else:
                staged.write_shard(shard, metadata, read_ahead(computed(names)))
        staged.finish(text)
    except LinesError:  # another run would not get further
        staged.remove()
        raise
    except BaseException:
        staged.abandon()
        raise
    return staged.out
