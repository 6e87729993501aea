"""Image tower of a CLIP checkpoint of any known layout, in open_clip's names.

The names of the residual blocks determine the layout; a checkpoint with any name outside it is refused.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from lines_core.checkpoints import compare
from lines_core.clip_layouts.layouts import (
    BLOCK_NAMES,
    HEAD_NAMES,
    JOINED_NAMES,
    LAYOUTS,
    NUMBER,
    OUTSIDE_NAMES,
    PROJ,
    PROJECTION,
    TOWER,
    Layout,
)
from lines_core.clip_layouts.name_prefixes import prefixes_around, without_wrappers
from lines_core.clip_layouts.transformers_names import PREFIX, transformers_names
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import first_names


@dataclass(frozen=True)
class ImageTower:
    """The image tower of a checkpoint.

    Attributes:
        layout: title of the layout.
        weights: by open_clip's names, ``visual.*``, in the dtype of the file. They share its memory, except
            the joined attention weights.
        unused: other names in the checkpoint: a text tower or parts of one, position_ids.
        head: weight (C, D) and bias (C,) of a classification head, as in model soups.
        borrowed: names of `weights` that are the chosen model's, since the layout ends before them.
    """

    layout: str
    weights: dict[str, Tensor]
    unused: tuple[str, ...]
    head: tuple[Tensor, Tensor] | None
    borrowed: tuple[str, ...] = ()


def image_tower(tensors: Mapping[str, Tensor], pretrained: Mapping[str, Tensor], model: str) -> ImageTower:
    """The image tower of a checkpoint, checked to fit the chosen model.

    If the layout has no `proj`, that of the chosen model is used: it was frozen when such a tower was
    fine-tuned.

    Args:
        tensors: a checkpoint, from `read_checkpoint`.
        pretrained: the ``visual.*`` parameters of the chosen model.
        model: what to call the chosen model in messages.
    Returns: the tower; its weights have the names, the order and the shapes of `pretrained`.
    Raises: CheckpointError as `find_tower`; as `compare` for differences from the chosen model; or for a head
        that does not fit the tower.
    Cost: reads every weight once; allocates memory for the joined attention weights only.
    """
    found = _find(tensors)
    weights = found.tower.weights
    borrowed = () if found.layout.has_proj else (PROJ,)
    weights |= {name: pretrained[name] for name in borrowed}
    compare(pretrained, weights, model, _names_in_file(found, pretrained))
    if found.tower.head is not None:
        _check_head(*found.tower.head, weights[PROJ].shape[1])
    return replace(found.tower, weights={name: weights[name] for name in pretrained}, borrowed=borrowed)


def find_tower(tensors: Mapping[str, Tensor]) -> ImageTower:
    """The image tower of a checkpoint of any model; without `proj` if the file has none.

    Unlike `image_tower`, it compares nothing with a model: it serves to find out the model of a checkpoint.

    Args:
        tensors: a checkpoint, from `read_checkpoint`.
    Raises: CheckpointError if no layout has residual blocks among the names, a name is not in the layout, or
        q, k and v of a block are not all present in one shape and dtype.
    """
    return _find(tensors).tower


class _Found(NamedTuple):
    layout: Layout
    prefix: str  # before the layout's names, without the parts of torch's wrappers
    tower: ImageTower
    originals: dict[str, str]  # name without the parts of wrappers -> name in the file
    written: dict[str, str]  # name of a weight of the tower -> its name or names in the file


def _find(tensors: Mapping[str, Tensor]) -> _Found:
    """The tower and its row of `LAYOUTS`; every name is checked."""
    originals = without_wrappers(tensors)
    layout, prefix = _layout(originals)
    tower: dict[str, str] = {}
    extra: dict[str, str] = {}
    unused: list[str] = []
    unknown: list[str] = []
    for name, original in originals.items():
        inner = name.removeprefix(prefix)
        if not name.startswith(prefix):
            unknown.append(original)
        elif inner in layout.extra:
            extra[inner] = original
        elif any(re.fullmatch(pattern, inner) for pattern in layout.beside):
            unused.append(original)
        elif inner.startswith(layout.tower):
            tower[inner.removeprefix(layout.tower)] = original
        else:
            unknown.append(original)
    if layout.transformers:
        weights, written = _renamed(tensors, tower, unknown)
        if PROJECTION in extra:
            matrix = tensors[extra[PROJECTION]]
            weights[PROJ] = matrix.T if matrix.ndim == 2 else matrix
            written[PROJ] = extra[PROJECTION]
    else:
        written = {TOWER + name: original for name, original in tower.items()}
        weights = {name: tensors[original] for name, original in written.items()}
    around = _around(prefix, layout.tower, tower)
    title = f"{layout.title}, under {around}" if around else layout.title
    if unknown:
        raise CheckpointError(
            f"Unknown parameter name in a checkpoint of this layout ({title}): {first_names(unknown)}. "
            "Save the image tower without it."
        )
    head = _head({name: tensors[original] for name, original in extra.items()}, layout)
    return _Found(layout, prefix, ImageTower(title, weights, tuple(unused), head), originals, written)


def _layout(names: Iterable[str]) -> tuple[Layout, str]:
    """The first row whose blocks and required prefixes are among the names, under the shortest prefix."""
    names = list(names)
    for prefix in prefixes_around(names):
        inner = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        for layout in LAYOUTS:
            pattern = re.compile(re.escape(layout.tower) + layout.blocks)
            if any(map(pattern.fullmatch, inner)) and all(
                any(name.startswith(required) for name in inner) for required in layout.required
            ):
                return layout, prefix
    raise CheckpointError(
        f"Found no image tower of a CLIP among {len(names)} names ({first_names(names)}). "
        f"Known layouts: {'; '.join(layout.title for layout in LAYOUTS)}."
    )


def _around(prefix: str, before: str, tower: Mapping[str, str]) -> str:
    """What stands before the layout's names in the file."""
    inner, original = next(iter(tower.items()))
    return original.removesuffix(before + inner) if original.endswith(before + inner) else prefix


def _names_in_file(found: _Found, pretrained: Mapping[str, Tensor]) -> dict[str, str]:
    """Each weight of the tower as the file calls it, or would call it if it is missing."""
    written = dict(found.written)
    for name in pretrained.keys() - written.keys():
        names = list(transformers_names({name: pretrained[name]})) if found.layout.transformers else [name]
        inner = [one.removeprefix(PREFIX).removeprefix(TOWER) for one in names]
        written[name] = ", ".join(
            found.prefix + ("" if one == PROJECTION else found.layout.tower) + one for one in inner
        )
    return written


def _renamed(
    tensors: Mapping[str, Tensor], tower: Mapping[str, str], unknown: list[str]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """A transformers tower in open_clip's names, and its names in the file by these.

    q, k and v are joined in that order, as open_clip's attention has one matrix for the three. Names without
    a counterpart are added to `unknown`.
    """
    renamed: dict[str, Tensor] = {}
    written: dict[str, str] = {}
    parts: dict[tuple[str, str], dict[str, str]] = {}
    for name, original in tower.items():
        match = re.fullmatch(rf"encoder\.layers\.{NUMBER}\.(.+)\.(weight|bias)", name)
        block, module, kind = match.groups() if match else ("", "", "")
        if name in OUTSIDE_NAMES:
            written[TOWER + OUTSIDE_NAMES[name]] = original
        elif module in BLOCK_NAMES:
            written[f"{TOWER}transformer.resblocks.{block}.{BLOCK_NAMES[module]}.{kind}"] = original
        elif module in JOINED_NAMES:
            parts.setdefault((block, kind), {})[module] = original
        else:
            unknown.append(original)
    renamed = {name: tensors[original] for name, original in written.items()}
    for (block, kind), joined in parts.items():
        there, original = next(iter(joined.items()))
        missing = [original.replace(there, module) for module in JOINED_NAMES if module not in joined]
        if missing:
            raise CheckpointError(
                f"{first_names(missing)}: missing, and q, k and v of a block are needed together."
            )
        three = [tensors[joined[module]] for module in JOINED_NAMES]
        names = ", ".join(joined[module] for module in JOINED_NAMES)
        if len({(tensor.shape, tensor.dtype) for tensor in three}) > 1 or three[0].ndim == 0:
            shapes = ", ".join(f"{tuple(tensor.shape)} {tensor.dtype}" for tensor in three)
            raise CheckpointError(f"{names} cannot be joined: they are {shapes}.")
        name = f"{TOWER}transformer.resblocks.{block}.attn.in_proj_{kind}"
        renamed[name], written[name] = torch.cat(three), names
    return renamed, written


def _head(extra: Mapping[str, Tensor], layout: Layout) -> tuple[Tensor, Tensor] | None:
    if layout.extra != HEAD_NAMES:
        return None
    missing = [name for name in HEAD_NAMES if name not in extra]
    if missing:
        raise CheckpointError(f"The classification head is incomplete: {first_names(missing)} is missing.")
    return extra[HEAD_NAMES[0]], extra[HEAD_NAMES[1]]


def _check_head(weight: Tensor, bias: Tensor, features: int) -> None:
    if weight.ndim != 2 or weight.shape[1] != features or bias.shape != weight.shape[:1]:
        raise CheckpointError(
            f"The classification head has weight {tuple(weight.shape)} and bias {tuple(bias.shape)}, "
            f"expected (classes, {features}) and (classes,)."
        )
    for name, tensor in zip(HEAD_NAMES, (weight, bias), strict=True):
        if not tensor.is_floating_point() or not bool(tensor.isfinite().all()):
            raise CheckpointError(f"{name} of the checkpoint is not floating-point, or not finite.")
