"""Text tower of a CLIP checkpoint of any known layout, in open_clip's names, to compare with another."""

import re
from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from lines_core.clip_layouts.layouts import BLOCK_NAMES, JOINED_NAMES, NUMBER
from lines_core.errors import CheckpointError

TEXT_PROJECTION = "text_projection.weight"
TEXT_NAMES = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    TEXT_PROJECTION: "text_projection",
}
"""What lies outside the blocks: transformers' name to open_clip's."""
_BLOCK = re.compile(rf"text_model\.encoder\.layers\.{NUMBER}\.(.+)\.(weight|bias)")


def text_tower(
    tensors: Mapping[str, Tensor], unused: Collection[str], pretrained: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The text tower of a checkpoint, in open_clip's names, as far as the file has it.

    Args:
        tensors: a checkpoint, from `read_checkpoint`.
        unused: names beside its image tower: ``ImageTower.unused``.
        pretrained: the chosen model's parameters outside its image tower, by open_clip's names.
    Returns: weights of names and shapes in `pretrained`; empty without a text tower. They share memory with
        `tensors`, except attention weights that had to be joined.
    Raises: CheckpointError if a shape differs.
    """
    found: dict[str, Tensor] = {}
    parts: dict[tuple[str, str], dict[str, str]] = {}
    for name in unused:
        inner, match = _without_prefix(name, pretrained)
        if inner in pretrained:
            found[inner] = tensors[name]
        elif inner in TEXT_NAMES:
            tensor = tensors[name]
            transposed = inner.startswith("text_projection") and tensor.ndim == 2
            found[TEXT_NAMES[inner]] = tensor.T if transposed else tensor
        elif match is not None:
            block, module, kind = match.groups()
            if module in BLOCK_NAMES:
                found[f"transformer.resblocks.{block}.{BLOCK_NAMES[module]}.{kind}"] = tensors[name]
            elif module in JOINED_NAMES:
                parts.setdefault((block, kind), {})[module] = name
    for (block, kind), joined in parts.items():
        three = [tensors[joined[module]] for module in JOINED_NAMES if module in joined]
        if len(three) == 3 and len({tensor.shape for tensor in three}) == 1 and three[0].ndim:
            found[f"transformer.resblocks.{block}.attn.in_proj_{kind}"] = torch.cat(three)
    for name, tensor in found.items():
        if name in pretrained and tensor.shape != pretrained[name].shape:
            raise CheckpointError(
                f"{name} is {tuple(tensor.shape)}, that of the chosen model {tuple(pretrained[name].shape)}: "
                "the checkpoint was made from a model with another text tower."
            )
    return {name: tensor for name, tensor in found.items() if name in pretrained}


def _without_prefix(name: str, pretrained: Collection[str]) -> tuple[str, re.Match[str] | None]:
    """A name without what comes before those of a text tower, and the block it is in by transformers."""
    inner = name
    while True:
        match = _BLOCK.fullmatch(inner)
        if inner in pretrained or inner in TEXT_NAMES or match is not None:
            return inner, match
        _, dot, inner = inner.partition(".")
        if not dot:
            return name, None
