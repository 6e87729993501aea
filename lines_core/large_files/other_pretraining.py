"""Whether models to be merged come from one pre-training, told from a few matrices before the merge."""

import os
from collections.abc import Sequence
from math import prod

from lines_core.architectures import recognise
from lines_core.checkpoints.weight_files import WeightFiles
from lines_core.large_files.matched_names import is_named
from lines_core.large_files.written_model import title_of
from lines_core.update_norms import update_norms
from lines_core.update_notes import update_notes

_MOST_BLOCKS = 12


def other_pretraining(
    pretrained: str | os.PathLike[str],
    finetuned: Sequence[str | os.PathLike[str]],
    *,
    part: str | None = None,
    copy: Sequence[str] = (),
) -> tuple[str, ...]:
    """A sentence for each fine-tuned model that hardly comes from these pretrained weights.

    Compares the smallest matrix of up to twelve blocks, evenly spaced: an ordinary update has at most a
    quarter of the norm of its weights, another pre-training's about as much as they have or more.

    Args:
        pretrained, finetuned, part, copy: as in `merge_files`. Names on one side only, and other shapes,
            which `merge_files` refuses, are left out.
    Raises: LayerError as `recognise`; CheckpointError if a file cannot be read.
    Cost: reads these matrices, of a model of 70 billion weights 0.2 GB a model.
    """
    said = []
    with WeightFiles(pretrained) as before:
        sample = _smallest_matrices(before, part, copy)
        for path in finetuned:
            with WeightFiles(path) as after:
                common = {
                    name: block
                    for name, block in sample.items()
                    if name in after and after.entries[name].shape == before.entries[name].shape
                }
                for note in update_notes(update_norms(before, after, common)):
                    if note.kind == "implausible":
                        said.append(f"{title_of(after)}: {note.text}")
    return tuple(said)


def _smallest_matrices(weights: WeightFiles, part: str | None, copy: Sequence[str]) -> dict[str, int]:
    """One of each of some blocks, by name."""
    model = recognise([name for name in weights.names if not is_named(name, copy)], part=part)
    smallest: dict[int, str] = {}
    for name, block in model.block.items():
        entry = weights.entries[name]
        if block is None or name in model.unchanged or len(entry.shape) < 2:
            continue
        if not entry.dtype.is_floating_point:
            continue
        if block not in smallest or prod(entry.shape) < prod(weights.entries[smallest[block]].shape):
            smallest[block] = name
    step = -(-len(smallest) // _MOST_BLOCKS) or 1
    return {smallest[block]: block for block in sorted(smallest)[::step]}
