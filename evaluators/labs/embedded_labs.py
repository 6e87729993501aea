"""The labs of the models that ship."""

from collections.abc import Collection
from pathlib import Path

import torch

from evaluators.labs.embedded_lab import EMBEDDED, TINY_CLIP, EmbeddedLab


def open_labs(
    folder: Path,
    cache: Path | None,
    device: torch.device,
    dtype: torch.dtype,
    chunk: int,
    models: Collection[str] = tuple(EMBEDDED),
) -> tuple[EmbeddedLab, ...]:
    """The lab of each of these models whose folder is there, Tiny CLIP first and in any case.

    Args, Raises: as ``EmbeddedLab``.
    """
    there = [one for one in EMBEDDED.values() if one.key in models and (folder / one.folder).is_dir()]
    rest = [one for one in there if one.key != TINY_CLIP]
    return tuple(
        EmbeddedLab(folder, cache, device, dtype, chunk, model) for model in (EMBEDDED[TINY_CLIP], *rest)
    )
