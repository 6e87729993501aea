"""Names of open_clip's and timm's image models, alone or beside a text tower in a CLIP."""

from lines_core.architectures.naming import Family, Tower

_TRUNK = "[model.][visual.][trunk.]"
_TEXT = Tower(
    "text",
    "[model.][text.]",
    (
        "transformer.resblocks.{i}.*",
        "transformer.encoder.layer.{i}.*",
        "transformer.encoder.block.{i}.*",
    ),
    ("cls_emb", "token_embedding.weight", "positional_embedding", "transformer.embeddings.*"),
    ("ln_final.*", "(text_projection|text_projection.*)", "transformer.pooler.*", "proj.*"),
)
_CAPTIONS = Tower(
    "decoder",
    "[model.]text_decoder.",
    ("resblocks.{i}.*", "cross_attn.{i}.*"),
    (),
    ("ln_final.*", "text_projection"),
)
_BESIDE_IMAGE = (_TEXT, _CAPTIONS)
_BESIDE_ALL = ("[model.](logit_scale|logit_bias)",)

_OPEN_CLIP_TOWER = (
    ("transformer.resblocks.{i}.*",),
    ("class_embedding", "positional_embedding", "patchnorm_pre_ln.*", "conv1.*", "ln_pre.*"),
    ("attn_pool.*", "attn_pool_contrastive.*", "ln_post.*", "proj"),
)
_VIT_BEFORE = (
    "cls_token",
    "(dist_token|reg_token|register_tokens|storage_tokens|mask_token)",
    "(pos_embed|pos_embed_spatial|pos_embed_temporal|pos_embed_win)",
    "rel_pos_bias.*",
    "(patch_embed.proj|patch_embed.norm|stem.proj|embeds).*",
    "norm_pre.*",
)
_HEAD = ("norm_pre.*", "norm.*", "attn_pool.*", "fc_norm.*", "(head|head_dist).*")

OPEN_CLIP = Family(
    "open_clip",
    "open_clip ViT (visual.*)",
    (Tower("image", "[model.]visual.", *_OPEN_CLIP_TOWER), *_BESIDE_IMAGE),
    _BESIDE_ALL,
    default="image",
)
OPEN_CLIP_TOWER = Family(
    "open_clip_tower", "open_clip ViT (image tower alone)", (Tower("image", "", *_OPEN_CLIP_TOWER),)
)
TIMM_VIT = Family(
    "timm_vit",
    "timm ViT",
    (Tower("image", _TRUNK, ("blocks.{i}.*",), _VIT_BEFORE, _HEAD), *_BESIDE_IMAGE),
    _BESIDE_ALL,
    default="image",
)
CHUNKED_VIT = Family(
    "chunked_vit",
    "ViT with blocks in chunks",
    (Tower("image", "", ("blocks.{s}.{i}.*",), _VIT_BEFORE, _HEAD, continued=True),),
)
CONVNEXT = Family(
    "convnext",
    "ConvNeXt (stages flattened)",
    (
        Tower(
            "image",
            _TRUNK,
            ("stages.{s}.blocks.{i}.*",),
            ("stem.*",),
            _HEAD,
            between=("stages.{s}.downsample.*",),
        ),
        *_BESIDE_IMAGE,
    ),
    _BESIDE_ALL,
    default="image",
)
FASTVIT = Family(
    "fastvit",
    "FastViT (stages flattened)",
    (
        Tower(
            "image",
            _TRUNK,
            ("stages.{s}.blocks.{i}.*",),
            ("stem.*",),
            ("final_conv.*", "head.*"),
            between=("stages.{s}.(downsample|pos_emb).*",),
        ),
        *_BESIDE_IMAGE,
    ),
    _BESIDE_ALL,
    default="image",
)
PVT = Family(
    "pvt",
    "PVT v2 or Swin v2 CR of timm (stages flattened)",
    (
        Tower(
            "image",
            _TRUNK,
            ("stages.{s}.blocks.{i}.*",),
            ("patch_embed.*",),
            _HEAD,
            between=("stages.{s}.downsample.*",),
            closes=("stages.{s}.norm.*",),
        ),
        *_BESIDE_IMAGE,
    ),
    _BESIDE_ALL,
    default="image",
)
SWIN = Family(
    "swin",
    "Swin of timm (stages flattened)",
    (
        Tower(
            "image",
            _TRUNK,
            ("layers.{s}.blocks.{i}.*",),
            ("absolute_pos_embed", "patch_embed.*"),
            _HEAD,
            between=("layers.{s}.downsample.*",),
        ),
        *_BESIDE_IMAGE,
    ),
    _BESIDE_ALL,
    default="image",
)
SWIN_AUTHORS = Family(
    "swin_authors",
    "Swin of its authors (stages flattened)",
    (
        Tower(
            "image",
            "",
            ("layers.{s}.blocks.{i}.*",),
            ("absolute_pos_embed", "patch_embed.*"),
            _HEAD,
            between=("layers.{s-1}.downsample.*",),
        ),
    ),
)
EFFICIENTNET = Family(
    "efficientnet",
    "EfficientNet of timm (stages flattened)",
    (
        Tower(
            "image",
            _TRUNK,
            ("blocks.{s}.{i}.*",),
            ("(conv_stem|bn1).*",),
            ("(conv_head|bn2|norm_head).*", "(classifier|head).*"),
        ),
        *_BESIDE_IMAGE,
    ),
    _BESIDE_ALL,
    default="image",
)
RESNET = Family(
    "resnet",
    "ResNet of open_clip, timm or torchvision (stages flattened)",
    (
        Tower(
            "image",
            _TRUNK,
            ("layer{s+1}.{i}.*",),
            ("(conv1|bn1|conv2|bn2|conv3|bn3).*",),
            ("attnpool.*", "(fc|head).*"),
        ),
        *_BESIDE_IMAGE,
    ),
    _BESIDE_ALL,
    default="image",
)
BYOBNET = Family(
    "byobnet",
    "ByobNet or NFNet of timm (stages flattened)",
    (
        Tower(
            "image",
            _TRUNK,
            ("stages.{s}.{i}.*",),
            ("stem.*",),
            ("(final_conv|norm|head).*",),
        ),
        *_BESIDE_IMAGE,
    ),
    _BESIDE_ALL,
    default="image",
)
REGNET = Family(
    "regnet",
    "RegNet of timm (stages flattened)",
    (
        Tower(
            "image",
            _TRUNK,
            ("s{s+1}.b{i+1}.*",),
            ("stem.*",),
            ("final_conv.*", "head.*"),
        ),
        *_BESIDE_IMAGE,
    ),
    _BESIDE_ALL,
    default="image",
)

CLIP_FAMILIES = (
    OPEN_CLIP,
    OPEN_CLIP_TOWER,
    TIMM_VIT,
    CHUNKED_VIT,
    CONVNEXT,
    FASTVIT,
    PVT,
    SWIN,
    SWIN_AUTHORS,
    EFFICIENTNET,
    RESNET,
    BYOBNET,
    REGNET,
)
