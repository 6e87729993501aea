"""CLIP towers in the names of transformers: the inverse of `image_tower` and `text_tower`.

The weights are not changed: q, k and v become three matrices instead of one, and the projection is
transposed.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor

from lines_core.clip_layouts.layouts import BLOCK_NAMES, JOINED_NAMES, OUTSIDE_NAMES, PROJECTION, TOWER
from lines_core.clip_layouts.text_tower import TEXT_NAMES, TEXT_PROJECTION
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import first_names

PREFIX = "vision_model."
"""Prefix of the image tower in transformers' names; the projection is outside it."""
TEXT_PREFIX = "text_model."
_TEMPERATURE = "logit_scale"
_IMAGE_BACK = MappingProxyType(
    {TOWER + open_clip: PREFIX + name for name, open_clip in OUTSIDE_NAMES.items()}
    | {f"{TOWER}proj": PROJECTION}
)
_TEXT_BACK = MappingProxyType(
    {open_clip: name for name, open_clip in TEXT_NAMES.items()} | {_TEMPERATURE: _TEMPERATURE}
)
_TRANSPOSED = (PROJECTION, TEXT_PROJECTION)
_IN_BLOCK_BACK = {open_clip: name for name, open_clip in BLOCK_NAMES.items()}
_BLOCK = re.compile(r"transformer\.resblocks\.(0|[1-9][0-9]*)\.(?:(attn\.in_proj)_|(.+)\.)(weight|bias)")


def transformers_names(tower: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same weights in the names of transformers' ``CLIPVisionModelWithProjection``.

    Without ``visual.proj`` they are those of its ``CLIPVisionModel``, with the prefix of its files.

    Args:
        tower: by open_clip's names, ``visual.*``.
    Returns: views of the given weights; those of q, k, v and of the projection share their memory too.
    Raises: CheckpointError for a name without a counterpart, a joined attention weight whose number of rows
        is not a multiple of three, or a projection that is not a matrix.
    Source: transformers 5.23, whose features are equal (tests).
    """
    return _renamed(tower, TOWER, PREFIX, _IMAGE_BACK)


def transformers_text_names(tower: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A text tower with its projection and temperature in the names of transformers' ``CLIPModel``.

    Args:
        tower: what `text_tower` gives, by open_clip's names.
    Returns, Raises, Source: as `transformers_names`.
    """
    return _renamed(tower, "", TEXT_PREFIX, _TEXT_BACK)


def _renamed(
    tower: Mapping[str, Tensor], own: str, prefix: str, outside: Mapping[str, str]
) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    unknown: list[str] = []
    for name, tensor in tower.items():
        match = _BLOCK.fullmatch(name.removeprefix(own)) if name.startswith(own) else None
        if name in outside:
            there = outside[name]
            renamed[there] = _transposed(name, tensor) if there in _TRANSPOSED else tensor
        elif match and match[2]:
            for module, part in zip(JOINED_NAMES, _thirds(name, tensor), strict=True):
                renamed[f"{prefix}encoder.layers.{match[1]}.{module}.{match[4]}"] = part
        elif match and match[3] in _IN_BLOCK_BACK:
            renamed[f"{prefix}encoder.layers.{match[1]}.{_IN_BLOCK_BACK[match[3]]}.{match[4]}"] = tensor
        else:
            unknown.append(name)
    if unknown:
        raise CheckpointError(
            f"transformers' CLIP has no counterpart of {first_names(unknown)}: keep open_clip's names."
        )
    return renamed


def _transposed(name: str, matrix: Tensor) -> Tensor:
    if matrix.ndim != 2:
        raise CheckpointError(f"{name} is {tuple(matrix.shape)}, expected a matrix (width, features).")
    return matrix.T


def _thirds(name: str, joined: Tensor) -> tuple[Tensor, ...]:
    """q, k and v, whose rows follow each other in this order."""
    if joined.ndim == 0 or joined.shape[0] == 0 or joined.shape[0] % 3:
        raise CheckpointError(f"{name} is {tuple(joined.shape)}: q, k and v need a multiple of three rows.")
    return joined.chunk(3)
