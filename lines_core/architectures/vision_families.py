"""Names of the image models of transformers, with those of its versions 4 and 5, and of U-Nets."""

from lines_core.architectures.naming import Family, Tower

_VIT_BEFORE = (
    "embeddings.(cls_token|mask_token|distillation_token|register_tokens|position_embeddings)",
    "embeddings.(patch_embeddings|norm|layernorm).*",
)
_HEAD = ("(layernorm|pooler|classifier|cls_classifier|distillation_classifier).*",)

HF_VIT = Family(
    "hf_vit",
    "ViT of transformers",
    (
        Tower(
            "image",
            "[vit.|deit.|beit.|data2vec_vision.|dinov2.|dinov2_with_registers.|ijepa.|vit_msn.]",
            ("encoder.layer.{i}.*", "layers.{i}.*"),
            (*_VIT_BEFORE, "encoder.relative_position_bias.*"),
            _HEAD,
        ),
    ),
)
HF_DINOV3 = Family(
    "hf_dinov3",
    "DINOv3 of transformers",
    (
        Tower(
            "image", "[dinov3_vit.][model.]", ("layer.{i}.*",), ("embeddings.*",), ("norm.*", "classifier.*")
        ),
    ),
)
HF_SWIN = Family(
    "hf_swin",
    "Swin of transformers (stages flattened)",
    (
        Tower(
            "image",
            "[swin.|swinv2.]",
            ("encoder.layers.{s}.blocks.{i}.*",),
            _VIT_BEFORE,
            _HEAD,
            between=("encoder.layers.{s-1}.downsample.*",),
        ),
    ),
)
HF_PVT = Family(
    "hf_pvt",
    "PVT of transformers (stages flattened)",
    (
        Tower(
            "image",
            "[pvt.]",
            ("encoder.block.{s}.{i}.*",),
            ("encoder.patch_embeddings.0.*",),
            ("encoder.layer_norm.*", "classifier.*"),
            between=("encoder.patch_embeddings.{s}.*",),
        ),
    ),
)
HF_PVT_V2 = Family(
    "hf_pvt_v2",
    "PVT v2 of transformers (stages flattened)",
    (
        Tower(
            "image",
            "[pvt_v2.]",
            ("encoder.layers.{s}.blocks.{i}.*",),
            ("encoder.layers.0.patch_embedding.*",),
            ("classifier.*",),
            between=("encoder.layers.{s}.patch_embedding.*",),
            closes=("encoder.layers.{s}.layer_norm.*",),
        ),
    ),
)
HF_SEGFORMER = Family(
    "hf_segformer",
    "SegFormer of transformers (stages flattened)",
    (
        Tower(
            "image",
            "[segformer.]",
            ("stages.{s}.blocks.{i}.*", "encoder.block.{s}.{i}.*"),
            ("stages.0.patch_embeddings.*", "encoder.patch_embeddings.0.*"),
            ("(classifier|decode_head).*",),
            between=("stages.{s}.patch_embeddings.*", "encoder.patch_embeddings.{s}.*"),
            closes=("stages.{s}.layer_norm.*", "encoder.layer_norm.{s}.*"),
        ),
    ),
)
HF_STAGES = Family(
    "hf_stages",
    "ConvNeXt, ResNet, RegNet or Hiera of transformers (stages flattened)",
    (
        Tower(
            "image",
            "[convnext.|convnextv2.|resnet.|regnet.|hiera.][encoder.]",
            ("stages.{s}.layers.{i}.*",),
            ("embedder.*", "embeddings.*"),
            _HEAD,
            between=("stages.{s}.downsampling_layer.*",),
        ),
    ),
)
HF_EFFICIENTNET = Family(
    "hf_efficientnet",
    "EfficientNet of transformers",
    (
        Tower(
            "image",
            "[efficientnet.]",
            ("encoder.blocks.{i}.*",),
            ("embeddings.*",),
            ("encoder.(top_conv|top_bn).*", "classifier.*"),
        ),
    ),
)
LUCIDRAINS_VIT = Family(
    "vit_pytorch",
    "ViT of vit-pytorch",
    (
        Tower(
            "image",
            "",
            ("transformer.layers.{i}.(0|1).*",),
            ("cls_token", "(pos_embedding|pos_embedding.*)", "to_patch_embedding.*"),
            ("transformer.norm.*", "(mlp_head|linear_head).*"),
        ),
    ),
)
_NO_DEPTH = (
    "its blocks run down and up again, joined by skip connections, so they have no order of depth; LiNeS "
    "is not defined for it"
)
UNET = Family(
    "unet",
    "U-Net of diffusers",
    (
        Tower(
            "image",
            "[unet.]",
            ("(down_blocks|up_blocks).{i}.*",),
            ("conv_in.*", "(time_embedding|add_embedding|class_embedding|encoder_hid_proj|time_proj).*"),
            ("mid_block.*", "(conv_norm_out|conv_out).*"),
        ),
    ),
    refused=_NO_DEPTH,
)
UNET_LDM = Family(
    "unet_ldm",
    "U-Net of Stable Diffusion",
    (
        Tower(
            "image",
            "[model.][diffusion_model.]",
            ("(input_blocks|output_blocks).{i}.*",),
            ("(time_embed|label_emb).*",),
            ("middle_block.*", "out.*"),
        ),
    ),
    (
        "(first_stage_model|cond_stage_model|conditioner|model_ema).*",
        "(sqrt_|log_|posterior_|alphas_cumprod|betas)*",
    ),
    refused=_NO_DEPTH,
)
VISION_FAMILIES = (
    HF_VIT,
    HF_DINOV3,
    HF_SWIN,
    HF_PVT,
    HF_PVT_V2,
    HF_SEGFORMER,
    HF_STAGES,
    HF_EFFICIENTNET,
    LUCIDRAINS_VIT,
    UNET,
    UNET_LDM,
)
