"""Parameter naming schemes of the supported architectures: one table row per family."""

from dataclasses import dataclass

_N = r"(0|[1-9][0-9]*)"
_CLIP_TEXT = (
    r"(?:model\.)?transformer\.resblocks\..+",
    r"(?:model\.)?(?:token_embedding\.weight|positional_embedding|ln_final\..+|text_projection)",
    r"(?:model\.)?text\..+",
    r"(?:model\.)?(?:logit_scale|logit_bias)",
)


@dataclass(frozen=True)
class Family:
    """How one architecture names its parameters. Patterns are regular expressions for the whole name.

    Attributes:
        key: short name for code.
        title: name in messages.
        prefix: optional prefix of all patterns but `beside`.
        blocks: parameters of a residual block; the groups are its coordinates, (number,) or (stage, number).
            A missing last coordinate counts as 0: the layer that opens a stage goes with its first block.
        before: parameters in no block that act before the first one, in depth order.
        after: parameters in no block that act after the last one, in depth order.
        beside: other parameters that a checkpoint may have, such as CLIP's text tower; they have no depth.
    """

    key: str
    title: str
    prefix: str
    blocks: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    beside: tuple[str, ...] = ()


_OPEN_CLIP_BLOCKS = (rf"transformer\.resblocks\.{_N}\..+",)
_OPEN_CLIP_BEFORE = (
    r"class_embedding",
    r"positional_embedding",
    r"patchnorm_pre_ln\..+",
    r"conv1\..+",
    r"ln_pre\..+",
)
_OPEN_CLIP_AFTER = (r"attn_pool(?:_contrastive)?\..+", r"ln_post\..+", r"proj")
_T5_BEFORE = (r"shared\.weight", r"encoder\.embed_tokens\.weight", r"decoder\.embed_tokens\.weight")

OPEN_CLIP = Family(
    "open_clip",
    "open_clip ViT (visual.*)",
    r"(?:model\.)?visual\.",
    _OPEN_CLIP_BLOCKS,
    _OPEN_CLIP_BEFORE,
    _OPEN_CLIP_AFTER,
    _CLIP_TEXT,
)
OPEN_CLIP_TOWER = Family(
    "open_clip_tower",
    "open_clip ViT (image tower alone)",
    "",
    _OPEN_CLIP_BLOCKS,
    _OPEN_CLIP_BEFORE,
    _OPEN_CLIP_AFTER,
)
TIMM_VIT = Family(
    "timm_vit",
    "timm ViT",
    r"(?:(?:model\.)?visual\.)?(?:trunk\.)?",
    (rf"blocks\.{_N}\..+",),
    (r"cls_token", r"reg_token", r"pos_embed", r"patch_embed\..+", r"norm_pre\..+"),
    (r"norm\..+", r"attn_pool\..+", r"fc_norm\..+", r"head\..+"),
    _CLIP_TEXT,
)
HF_CLIP = Family(
    "hf_clip",
    "Hugging Face CLIP vision tower",
    r"(?:vision_model\.)?",
    (rf"encoder\.layers\.{_N}\..+",),
    (
        r"embeddings\.class_embedding",
        r"embeddings\.position_embedding\.weight",
        r"embeddings\.patch_embedding\.(?:weight|bias)",
        r"pre_layrnorm\..+",
    ),
    (r"post_layernorm\..+", r"visual_projection\.weight"),
    (r"text_model\..+", r"text_projection\.weight", r"logit_scale"),
)
CONVNEXT = Family(
    "convnext",
    "ConvNeXt (stages flattened)",
    r"(?:(?:model\.)?visual\.)?(?:trunk\.)?(?:convnext\.)?(?:encoder\.)?",
    (
        rf"stages\.{_N}\.(?:blocks|layers)\.{_N}\..+",
        rf"stages\.{_N}\.(?:downsample|downsampling_layer)\..+",
    ),
    (r"(?:stem|embeddings\.patch_embeddings|embeddings\.layernorm)\..+",),
    (r"norm_pre\..+", r"(?:norm|layernorm)\..+", r"(?:head|classifier)\..+"),
    _CLIP_TEXT,
)
T5_DECODER = Family(
    "t5_decoder",
    "T5, blocks of the decoder",
    "",
    (rf"decoder\.block\.{_N}\..+",),
    (*_T5_BEFORE, r"encoder\.block\..+", r"encoder\.final_layer_norm\..+"),
    (r"decoder\.final_layer_norm\..+", r"lm_head\..+"),
)
T5_ENCODER = Family(
    "t5_encoder",
    "T5, blocks of the encoder",
    "",
    (rf"encoder\.block\.{_N}\..+",),
    _T5_BEFORE,
    (
        r"encoder\.final_layer_norm\..+",
        r"decoder\.block\..+",
        r"decoder\.final_layer_norm\..+",
        r"lm_head\..+",
    ),
)
T5_BOTH = Family(
    "t5_both",
    "T5, block i of encoder and decoder alike",
    "",
    (rf"(?:encoder|decoder)\.block\.{_N}\..+",),
    _T5_BEFORE,
    (r"(?:encoder|decoder)\.final_layer_norm\..+", r"lm_head\..+"),
)
LLAMA = Family(
    "llama",
    "LLaMA",
    r"(?:model\.)?",
    (rf"layers\.{_N}\..+",),
    (r"embed_tokens\..+",),
    (r"norm\..+", r"lm_head\..+"),
)
GPT2 = Family(
    "gpt2",
    "GPT-2",
    r"(?:transformer\.)?",
    (rf"h\.{_N}\..+",),
    (r"wte\..+", r"wpe\..+"),
    (r"ln_f\..+", r"(?:lm_head|score)\..+"),
)
FAMILIES: tuple[Family, ...] = (
    OPEN_CLIP,
    OPEN_CLIP_TOWER,
    TIMM_VIT,
    HF_CLIP,
    CONVNEXT,
    T5_DECODER,
    T5_ENCODER,
    T5_BOTH,
    LLAMA,
    GPT2,
)
"""In the order in which names are tried. T5 names alone mean the decoder, as in the paper (section 5.2)."""
