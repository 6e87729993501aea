"""Names of the models of transformers that read images and text: CLIP, SigLIP, LLaVA, Qwen2-VL."""

from lines_core.architectures.naming import Family, Tower

_CLIP_VISION = (
    ("encoder.layers.{i}.*",),
    (
        "embeddings.class_embedding",
        "embeddings.position_embedding.weight",
        "embeddings.patch_embedding.*",
        "pre_layrnorm.*",
    ),
    ("post_layernorm.*", "head.*", "visual_projection.weight", "classifier.*"),
)
_CLIP_TEXT = (
    ("encoder.layers.{i}.*",),
    ("embeddings.(token_embedding|position_embedding).weight",),
    ("final_layer_norm.*", "head.*"),
)
_LANGUAGE_MODEL = Tower(
    "text",
    "[model.][language_model.|text_model.][model.]",
    ("layers.{i}.*",),
    ("embed_tokens.*",),
    ("norm.*", "lm_head.*"),
)

HF_CLIP = Family(
    "hf_clip",
    "CLIP or SigLIP of transformers",
    (Tower("image", "[vision_model.]", *_CLIP_VISION), Tower("text", "text_model.", *_CLIP_TEXT)),
    ("text_projection.weight", "logit_scale", "logit_bias"),
    default="image",
)
HF_CLIP_TEXT = Family("hf_clip_text", "CLIP text tower of transformers", (Tower("text", "", *_CLIP_TEXT),))
LLAVA = Family(
    "llava",
    "LLaVA",
    (
        Tower(
            "image",
            "[model.](vision_tower|vision_model).[vision_tower.][vision_model.]",
            ("encoder.layers.{i}.*", "encoder.layer.{i}.*"),
            ("embeddings.*", "pre_layrnorm.*"),
            ("(post_layernorm|layernorm|head).*",),
        ),
        _LANGUAGE_MODEL,
    ),
    ("[model.](multi_modal_projector|mm_projector|connector).*", "[model.]image_newline"),
    serial=True,
)
QWEN_VL = Family(
    "qwen_vl",
    "Qwen2-VL",
    (
        Tower(
            "image",
            "[model.]visual.",
            ("blocks.{i}.*",),
            ("patch_embed.*", "pos_embed.*"),
            ("(merger|deepstack_merger_list).*",),
        ),
        _LANGUAGE_MODEL,
    ),
    serial=True,
)
MULTIMODAL_FAMILIES = (HF_CLIP, HF_CLIP_TEXT, LLAVA, QWEN_VL)
