"""CLIP checkpoint layouts found in public files, and the two libraries' names for the same parameter."""

from dataclasses import dataclass

TOWER = "visual."
"""Prefix of the image tower in open_clip's names."""
PROJ = TOWER + "proj"
NUMBER = r"(0|[1-9][0-9]*)"
AROUND = frozenset(
    "module model clip clip_model net network backbone encoder image_encoder visual_encoder vision_encoder "
    "vision_tower vision base_model".split()
)
"""Parts of names that programs put before a CLIP's, in any order: ``image_encoder.model.visual.proj``."""


@dataclass(frozen=True)
class Layout:
    """Naming of a CLIP image tower in a file. Patterns are regular expressions for the whole name.

    Attributes:
        title: name in messages and on the page.
        tower: prefix of the tower.
        blocks: parameters of a residual block, after `tower`.
        beside: other names that may be in the file and are not used.
        extra: names outside `tower` that are used: transformers' projection, the head of model soups.
        required: prefixes that must occur: they distinguish a row from those after it.
        transformers: whether the tower has the names of transformers rather than open_clip.
    """

    title: str
    tower: str
    blocks: str
    beside: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    transformers: bool = False

    @property
    def has_proj(self) -> bool:
        """Whether the file has the projection; transformers' CLIPVisionModel ends before it."""
        return not self.transformers or PROJECTION in self.extra


_OPEN_CLIP_BLOCKS = rf"(?:transformer\.resblocks|trunk\.stages\.{NUMBER}\.blocks)\.{NUMBER}\..+"
"""Of a ViT, and of timm's ConvNeXt."""
_OPEN_CLIP_TEXT = (
    r"transformer\.resblocks\..+",
    r"token_embedding\.weight|positional_embedding|ln_final\.(?:weight|bias)|text_projection",
    r"text\..+",
    r"logit_scale|logit_bias",
    r"input_resolution|context_length|vocab_size",  # OpenAI's own files
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
        extra=HEAD_NAMES,
        required=("classification_head.",),
    ),
    Layout("open_clip, prefix model.", "model.visual.", _OPEN_CLIP_BLOCKS, beside=_TEXT_UNDER_MODEL),
    Layout("open_clip", "visual.", _OPEN_CLIP_BLOCKS, beside=_OPEN_CLIP_TEXT),
    Layout(
        "transformers CLIPModel",
        "vision_model.",
        _TRANSFORMERS_BLOCKS,
        beside=(*_TRANSFORMERS_TEXT, _POSITION_IDS),
        extra=(PROJECTION,),
        required=("text_model.",),
        transformers=True,
    ),
    Layout(
        "transformers CLIPVisionModelWithProjection",
        "vision_model.",
        _TRANSFORMERS_BLOCKS,
        beside=(_POSITION_IDS,),
        extra=(PROJECTION,),
        required=(PROJECTION,),
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
    # last, because the text tower of a full CLIP has blocks of the same names
    Layout("open_clip, image tower alone", "", _OPEN_CLIP_BLOCKS),
)
"""In the order in which they are tried."""

OUTSIDE_NAMES = {
    "embeddings.class_embedding": "class_embedding",
    "embeddings.patch_embedding.weight": "conv1.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "pre_layrnorm.weight": "ln_pre.weight",  # the spelling of transformers
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
"""In the order of their rows in open_clip's ``attn.in_proj_*``."""
