"""Where the image tower lies in a checkpoint of a CLIP, and the same weights under open_clip's names.

Public checkpoints hold one and the same tower in several layouts, each a row of `LAYOUTS`. A layout is told
by the names of its residual blocks; every other name must then have its place in it. Nothing is guessed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import NamedTuple

import torch
from torch import Tensor

from lines_core.checkpoints import compare
from lines_core.errors import CheckpointError

TOWER = "visual."
"""What open_clip's names of the image tower begin with."""
_PROJ = TOWER + "proj"
_N = r"(0|[1-9][0-9]*)"
_WRAPPERS = ("", "module.")  # torch's DistributedDataParallel puts its own prefix before every name


@dataclass(frozen=True)
class Layout:
    """One way in which a file holds a CLIP image tower. Patterns are regular expressions for the whole name.

    Attributes:
        title: name in messages and on the page.
        tower: what the names of the tower begin with.
        blocks: parameters of a residual block, after `tower`.
        beside: what else may be in the file and is not used.
        apart: names outside `tower` that are used: transformers' projection, the head of model soups.
        signs: beginnings of names that must occur too: they tell a row from those after it.
        transformers: whether the tower is in the words of transformers rather than open_clip's.
    """

    title: str
    tower: str
    blocks: str
    beside: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    transformers: bool = False

    @property
    def has_proj(self) -> bool:
        """Whether the file holds the projection at all; transformers' CLIPVisionModel ends before it."""
        return not self.transformers or _PROJECTION in self.apart


_OPEN_CLIP_BLOCKS = rf"transformer\.resblocks\.{_N}\..+"
_OPEN_CLIP_TEXT = (
    r"transformer\.resblocks\..+",
    r"token_embedding\.weight|positional_embedding|ln_final\.(?:weight|bias)|text_projection",
    r"text\..+",
    r"logit_scale|logit_bias",
)
_TEXT_UNDER_MODEL = tuple(rf"model\.(?:{pattern})" for pattern in _OPEN_CLIP_TEXT)
_HEAD = ("classification_head.weight", "classification_head.bias")
_TRANSFORMERS_BLOCKS = rf"encoder\.layers\.{_N}\..+"
_TRANSFORMERS_TEXT = (r"text_model\..+", r"text_projection\.weight", r"logit_scale")
_POSITION_IDS = r"(?:vision_model\.)?embeddings\.position_ids"  # in files of older versions
_PROJECTION = "visual_projection.weight"

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "model soups: open_clip, prefix model., with a classification head",
        "model.visual.",
        _OPEN_CLIP_BLOCKS,
        beside=_TEXT_UNDER_MODEL,
        apart=_HEAD,
        signs=("classification_head.",),
    ),
    Layout("open_clip, prefix model.", "model.visual.", _OPEN_CLIP_BLOCKS, beside=_TEXT_UNDER_MODEL),
    Layout("open_clip", "visual.", _OPEN_CLIP_BLOCKS, beside=_OPEN_CLIP_TEXT),
    Layout(
        "transformers CLIPModel",
        "vision_model.",
        _TRANSFORMERS_BLOCKS,
        beside=(*_TRANSFORMERS_TEXT, _POSITION_IDS),
        apart=(_PROJECTION,),
        signs=("text_model.",),
        transformers=True,
    ),
    Layout(
        "transformers CLIPVisionModelWithProjection",
        "vision_model.",
        _TRANSFORMERS_BLOCKS,
        beside=(_POSITION_IDS,),
        apart=(_PROJECTION,),
        signs=(_PROJECTION,),
        transformers=True,
    ),
    Layout(
        "transformers CLIPVisionModel, prefix vision_model.",
        "vision_model.",
        _TRANSFORMERS_BLOCKS,
        beside=(_POSITION_IDS,),
        transformers=True,
    ),
    Layout(
        "transformers CLIPVisionModel", "", _TRANSFORMERS_BLOCKS, beside=(_POSITION_IDS,), transformers=True
    ),
    # last, because the blocks of a full CLIP's text tower are called like these
    Layout("open_clip, image tower alone", "", _OPEN_CLIP_BLOCKS),
)
"""In the order in which they are tried."""

_OUTSIDE = {
    "embeddings.class_embedding": "class_embedding",
    "embeddings.patch_embedding.weight": "conv1.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "pre_layrnorm.weight": "ln_pre.weight",  # spelt so by transformers
    "pre_layrnorm.bias": "ln_pre.bias",
    "post_layernorm.weight": "ln_post.weight",
    "post_layernorm.bias": "ln_post.bias",
}
_IN_BLOCK = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_JOINED = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
"""In the order in which open_clip's ``attn.in_proj_*`` holds them, one below the other."""


@dataclass(frozen=True)
class ImageTower:
    """The image tower of a checkpoint.

    Attributes:
        layout: title of the layout it was found in.
        weights: by open_clip's names, ``visual.*``, in the dtype of the file. They share its memory, but for
            the joined attention weights.
        unused: names the checkpoint holds besides: a text tower or what is left of one, position_ids.
        head: weight (C, D) and bias (C,) of a classification head, as model soups have one.
    """

    layout: str
    weights: dict[str, Tensor]
    unused: tuple[str, ...]
    head: tuple[Tensor, Tensor] | None


def image_tower(tensors: Mapping[str, Tensor], pretrained: Mapping[str, Tensor], model: str) -> ImageTower:
    """The image tower of a checkpoint, known to be one of the chosen model.

    Where the layout has no `proj`, the chosen model's own is taken: it was frozen when such a tower was
    fine-tuned.

    Args:
        tensors: a checkpoint as `read_checkpoint` gives it.
        pretrained: the ``visual.*`` parameters of the chosen model.
        model: what to call the chosen model in messages.
    Returns: the tower; its weights have the names, the order and the shapes of `pretrained`.
    Raises: CheckpointError as `find_tower`; as `compare` for whatever differs from the chosen model; or for a
        head that does not fit the tower.
    Cost: reads every weight once; sets memory aside for the joined attention weights alone.
    """
    found = _find(tensors)
    weights = found.tower.weights
    if not found.layout.has_proj:
        weights[_PROJ] = pretrained[_PROJ]
    compare(pretrained, weights, model)
    if found.tower.head is not None:
        _check_head(*found.tower.head, weights[_PROJ].shape[1])
    return replace(found.tower, weights={name: weights[name] for name in pretrained})


def find_tower(tensors: Mapping[str, Tensor]) -> ImageTower:
    """The image tower a checkpoint holds, of whichever model it is; without `proj` where the file has none.

    Nothing is compared with a model, as `image_tower` does: this serves to tell which model a checkpoint
    is of.

    Args:
        tensors: a checkpoint as `read_checkpoint` gives it.
    Raises: CheckpointError if no layout has residual blocks among the names, a name has no place in the
        layout, or q, k and v of a block are not all there in one shape and dtype.
    """
    return _find(tensors).tower


def unused_differences(
    tensors: Mapping[str, Tensor], full_pretrained: Mapping[str, Tensor]
) -> dict[str, float]:
    """How far what a checkpoint holds beside its image tower is from the pretrained model's own.

    Fine-tuning the image tower leaves the text tower alone, so every difference should be 0; anything else
    means that the checkpoint began from other weights.

    Args:
        tensors: a checkpoint as `read_checkpoint` gives it.
        full_pretrained: all parameters of the chosen model by open_clip's names.
    Returns: largest absolute difference by the checkpoint's name, infinite where one holds NaN; empty where
        there is nothing besides. Only what open_clip has under the same name counts: transformers' text
        tower does not.
    Raises: CheckpointError as `find_tower`, or if a shape differs.
    """
    found = _find(tensors)
    if found.layout.transformers:
        return {}
    prefix = found.wrapper + found.layout.tower.removesuffix(TOWER)
    differences = {}
    for name in found.tower.unused:
        own = full_pretrained.get(name.removeprefix(prefix))
        if own is None:
            continue
        if tensors[name].shape != own.shape:
            raise CheckpointError(
                f"{name} is {tuple(tensors[name].shape)}, that of the chosen model {tuple(own.shape)}: "
                "the checkpoint was made from a model with another text tower."
            )
        differences[name] = _largest_difference(tensors[name], own)
    return differences


class _Found(NamedTuple):
    layout: Layout
    wrapper: str
    tower: ImageTower


def _find(tensors: Mapping[str, Tensor]) -> _Found:
    """The tower and the row it was found with, once every name has its place."""
    layout, wrapper = _layout(tensors)
    title = f"{layout.title}, under {wrapper}" if wrapper else layout.title
    tower: dict[str, Tensor] = {}
    apart: dict[str, Tensor] = {}
    unused: list[str] = []
    unknown: list[str] = []
    for name, tensor in tensors.items():
        inner = name.removeprefix(wrapper)
        if not name.startswith(wrapper):
            unknown.append(name)
        elif inner in layout.apart:
            apart[inner] = tensor
        elif any(re.fullmatch(pattern, inner) for pattern in layout.beside):
            unused.append(name)
        elif inner.startswith(layout.tower):
            tower[inner.removeprefix(layout.tower)] = tensor
        else:
            unknown.append(name)
    if layout.transformers:
        renamed = _renamed(tower, wrapper + layout.tower, unknown)
        if _PROJECTION in apart:
            matrix = apart[_PROJECTION]
            renamed["proj"] = matrix.T if matrix.ndim == 2 else matrix
        tower = renamed
    if unknown:
        raise CheckpointError(
            f"{_some(unknown)}: no such name in a checkpoint of this layout ({title}). Nothing is guessed; "
            "save the image tower without it."
        )
    weights = {TOWER + name: tensor for name, tensor in tower.items()}
    return _Found(layout, wrapper, ImageTower(title, weights, tuple(unused), _head(apart, layout)))


def _layout(names: Mapping[str, Tensor]) -> tuple[Layout, str]:
    """The first row whose blocks and signs are all among the names, and the wrapper they are under."""
    for wrapper in _WRAPPERS:
        inner = [name.removeprefix(wrapper) for name in names if name.startswith(wrapper)]
        for layout in LAYOUTS:
            pattern = re.compile(re.escape(layout.tower) + layout.blocks)
            if any(map(pattern.fullmatch, inner)) and all(
                any(name.startswith(sign) for name in inner) for sign in layout.signs
            ):
                return layout, wrapper
    raise CheckpointError(
        f"Found no image tower of a CLIP among {len(names)} names ({_some(list(names))}). "
        f"Known layouts: {'; '.join(layout.title for layout in LAYOUTS)}."
    )


def _renamed(tower: Mapping[str, Tensor], prefix: str, unknown: list[str]) -> dict[str, Tensor]:
    """A transformers tower under open_clip's names; what has none is added to `unknown`.

    q, k and v are joined, in that order, as open_clip's attention has one matrix for the three.
    """
    renamed: dict[str, Tensor] = {}
    parts: dict[tuple[str, str], dict[str, Tensor]] = {}
    for name, tensor in tower.items():
        match = re.fullmatch(rf"encoder\.layers\.{_N}\.(.+)\.(weight|bias)", name)
        block, module, kind = match.groups() if match else ("", "", "")
        if name in _OUTSIDE:
            renamed[_OUTSIDE[name]] = tensor
        elif module in _IN_BLOCK:
            renamed[f"transformer.resblocks.{block}.{_IN_BLOCK[module]}.{kind}"] = tensor
        elif module in _JOINED:
            parts.setdefault((block, kind), {})[module] = tensor
        else:
            unknown.append(prefix + name)
    missing = [
        f"{prefix}encoder.layers.{block}.{module}.{kind}"
        for (block, kind), found in parts.items()
        for module in _JOINED
        if module not in found
    ]
    if missing:
        raise CheckpointError(
            f"{_some(missing)}: missing, and q, k and v of a block are only of use together."
        )
    for (block, kind), found in parts.items():
        three = [found[module] for module in _JOINED]
        if len({(tensor.shape, tensor.dtype) for tensor in three}) > 1 or three[0].ndim == 0:
            shapes = ", ".join(f"{tuple(tensor.shape)} {tensor.dtype}" for tensor in three)
            raise CheckpointError(
                f"q, k and v of {prefix}encoder.layers.{block} cannot be joined, their {kind} is {shapes}."
            )
        renamed[f"transformer.resblocks.{block}.attn.in_proj_{kind}"] = torch.cat(three)
    return renamed


def _head(apart: Mapping[str, Tensor], layout: Layout) -> tuple[Tensor, Tensor] | None:
    if layout.apart != _HEAD:
        return None
    missing = [name for name in _HEAD if name not in apart]
    if missing:
        raise CheckpointError(f"The classification head is incomplete: {_some(missing)} is missing.")
    return apart[_HEAD[0]], apart[_HEAD[1]]


def _check_head(weight: Tensor, bias: Tensor, features: int) -> None:
    if weight.ndim != 2 or weight.shape[1] != features or bias.shape != weight.shape[:1]:
        raise CheckpointError(
            f"The classification head has weight {tuple(weight.shape)} and bias {tuple(bias.shape)}, "
            f"expected (classes, {features}) and (classes,)."
        )
    for name, tensor in zip(_HEAD, (weight, bias), strict=True):
        if not tensor.is_floating_point() or not bool(tensor.isfinite().all()):
            raise CheckpointError(f"{name} of the checkpoint is no floating-point tensor, or not finite.")


def _largest_difference(one: Tensor, other: Tensor) -> float:
    if torch.equal(one, other):
        return 0.0  # the usual case, without setting memory aside
    return float((one.float() - other.float()).abs().nan_to_num(nan=inf).max())


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
