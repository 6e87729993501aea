"""CLIP checkpoint layouts found in public files, and the two libraries' names for the same parameter."""

from dataclasses import dataclass

TOWER = "visual."
"""What open_clip's names of the image tower begin with."""
PROJ = TOWER + "proj"
NUMBER = r"(0|[1-9][0-9]*)"
WRAPPERS = ("", "module.")  # torch's DistributedDataParallel puts its own prefix before every name


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
        return not self.transformers or PROJECTION in self.apart


_OPEN_CLIP_BLOCKS = rf"transformer\.resblocks\.{NUMBER}\..+"
_OPEN_CLIP_TEXT = (
    r"transformer\.resblocks\..+",
    r"token_embedding\.weight|positional_embedding|ln_final\.(?:weight|bias)|text_projection",
    r"text\..+",
    r"logit_scale|logit_bias",
)
_TEXT_UNDER_MODEL = tuple(rf"model\.(?:{pattern})" for pattern in _OPEN_CLIP_TEXT)
HEAD_NAMES = ("classification_head.weight", "classification_head.bias")
_TRANSFORMERS_BLOCKS = rf"encoder\.layers\.{NUMBER}\..+"
_TRANSFORMERS_TEXT = (r"text_model\..+", r"text_projection\.weight", r"logit_scale")
_POSITION_IDS = r"(?:vision_model\.)?embeddings\.position_ids"  # in files of older versions
PROJECTION = "visual_projection.weight"

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "model soups: open_clip, prefix model., with a classification head",
        "model.visual.",
        _OPEN_CLIP_BLOCKS,
        beside=_TEXT_UNDER_MODEL,
        apart=HEAD_NAMES,
        signs=("classification_head.",),
    ),
    Layout("open_clip, prefix model.", "model.visual.", _OPEN_CLIP_BLOCKS, beside=_TEXT_UNDER_MODEL),
    Layout("open_clip", "visual.", _OPEN_CLIP_BLOCKS, beside=_OPEN_CLIP_TEXT),
    Layout(
        "transformers CLIPModel",
        "vision_model.",
        _TRANSFORMERS_BLOCKS,
        beside=(*_TRANSFORMERS_TEXT, _POSITION_IDS),
        apart=(PROJECTION,),
        signs=("text_model.",),
        transformers=True,
    ),
    Layout(
        "transformers CLIPVisionModelWithProjection",
        "vision_model.",
        _TRANSFORMERS_BLOCKS,
        beside=(_POSITION_IDS,),
        apart=(PROJECTION,),
        signs=(PROJECTION,),
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

OUTSIDE_NAMES = {
    "embeddings.class_embedding": "class_embedding",
    "embeddings.patch_embedding.weight": "conv1.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "pre_layrnorm.weight": "ln_pre.weight",  # spelt so by transformers
    "pre_layrnorm.bias": "ln_pre.bias",
    "post_layernorm.weight": "ln_post.weight",
    "post_layernorm.bias": "ln_post.bias",
}
BLOCK_NAMES = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
JOINED_NAMES = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
"""In the order in which open_clip's ``attn.in_proj_*`` holds them, one below the other."""
