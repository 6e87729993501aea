"""Weights of a T5 by the names of its parameters, read from safetensors a tensor at a time."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from lines_core.checkpoints.weight_files import WeightFiles
from lines_core.errors import CheckpointError

SHARED, HEAD = "shared.weight", "lm_head.weight"
"""The embedding of both towers, and the output layer, which T5 1.0 ties to it and Flan-T5 does not."""
COPIES = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
"""Other names of the embedding, of which some files have one."""
UNUSED = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
"""In files that were converted from the first release of T5; no T5 reads it."""


class T5Weights(Mapping[str, Tensor]):
    """The parameters in one or several safetensors files; looking one up reads it.

    Args:
        path: as for `WeightFiles`.
    Raises: CheckpointError as `WeightFiles`; or if names of the one embedding hold different tensors.
    """

    def __init__(self, path: Path) -> None:
        self._files = WeightFiles(path)
        names = [name for name in (SHARED, *COPIES) if name in self._files.entries]
        self._stored = {name: name for name in self._files.entries if name not in (*COPIES, UNUSED)} | (
            {SHARED: names[0]} if names else {}
        )
        first = self._files[names[0]] if len(names) > 1 else torch.empty(0)
        for name in names[1:]:
            if not torch.equal(first, self._files[name]):
                raise CheckpointError(
                    f"{names[0]} and {name} differ in {path.name}: both towers of a T5 have one embedding."
                )

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """By name, from the headers."""
        return {name: self._files.entries[stored].shape for name, stored in self._stored.items()}

    def __getitem__(self, name: str) -> Tensor:
        return self._files[self._stored[name]]

    def __contains__(self, name: object) -> bool:
        return name in self._stored

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)
