"""An image tower under the names of transformers' CLIP: the inverse of `image_tower`.

The weights stay what they are: q, k and v become three matrices in place of one, and the projection is
transposed.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from lines_core.clip_layouts.layouts import BLOCK_NAMES, JOINED_NAMES, OUTSIDE_NAMES, PROJECTION, TOWER
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import first_names

PREFIX = "vision_model."
"""What transformers' names of the image tower begin with; the projection stands outside it."""
_OUTSIDE_BACK = {open_clip: name for name, open_clip in OUTSIDE_NAMES.items()}
_IN_BLOCK_BACK = {open_clip: name for name, open_clip in BLOCK_NAMES.items()}
_BLOCK = re.compile(r"transformer\.resblocks\.(0|[1-9][0-9]*)\.(?:(attn\.in_proj)_|(.+)\.)(weight|bias)")


def transformers_names(tower: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same weights as ``CLIPVisionModelWithProjection`` of transformers has them.

    Without ``visual.proj`` they are those of its ``CLIPVisionModel``, under the prefix that its files have.

    Args:
        tower: by open_clip's names, ``visual.*``.
    Returns: views of the weights handed in; those of q, k, v and of the projection share their memory too.
    Raises: CheckpointError for a name that transformers has no place for, a joined attention weight whose
        rows are not three times anything, or a projection that is no matrix.
    Source: transformers 5.23, whose features are equal (tests).
    """
    renamed: dict[str, Tensor] = {}
    unknown: list[str] = []
    for name, tensor in tower.items():
        inner = name.removeprefix(TOWER)
        match = _BLOCK.fullmatch(inner)
        if not name.startswith(TOWER):
            unknown.append(name)
        elif inner == "proj":
            renamed[PROJECTION] = _transposed(name, tensor)
        elif inner in _OUTSIDE_BACK:
            renamed[PREFIX + _OUTSIDE_BACK[inner]] = tensor
        elif match and match[2]:
            for module, part in zip(JOINED_NAMES, _thirds(name, tensor), strict=True):
                renamed[f"{PREFIX}encoder.layers.{match[1]}.{module}.{match[4]}"] = part
        elif match and match[3] in _IN_BLOCK_BACK:
            renamed[f"{PREFIX}encoder.layers.{match[1]}.{_IN_BLOCK_BACK[match[3]]}.{match[4]}"] = tensor
        else:
            unknown.append(name)
    if unknown:
        raise CheckpointError(
            f"transformers' CLIP has no place for {first_names(unknown)}: keep open_clip's names."
        )
    return renamed


def _transposed(name: str, matrix: Tensor) -> Tensor:
    if matrix.ndim != 2:
        raise CheckpointError(f"{name} is {tuple(matrix.shape)}, expected a matrix (width, features).")
    return matrix.T


def _thirds(name: str, joined: Tensor) -> tuple[Tensor, ...]:
    """q, k and v, which lie one below the other in this order."""
    if joined.ndim == 0 or joined.shape[0] == 0 or joined.shape[0] % 3:
        raise CheckpointError(
            f"{name} is {tuple(joined.shape)}: q, k and v need three times the same number of rows."
        )
    return joined.chunk(3)
