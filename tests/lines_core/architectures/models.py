"""The smallest models of every supported architecture, built from their configurations, without weights."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn

from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.encoder.torchvision_operators import declare_missing_operators

Blocks = Iterable[nn.Module | Sequence[nn.Module]]

declare_missing_operators()


@dataclass(frozen=True)
class Model:
    """A model and what its blocks are.

    Attributes:
        family: key of the row that has to recognise it.
        build: makes it.
        blocks: for each part its blocks in depth order, each a module or several; "" if there is one part.
    """

    family: str
    build: Callable[[], nn.Module]
    blocks: dict[str, Callable[[Any], Blocks]]


def hf(name: str, family: str, config: dict[str, Any], **blocks: Callable[[Any], Blocks]) -> Model:
    """A model of transformers; its configuration's class goes by the longest fitting name."""

    def build() -> nn.Module:
        import transformers

        stem = next(
            name[:end] for end in range(len(name), 0, -1) if hasattr(transformers, f"{name[:end]}Config")
        )
        made: nn.Module = getattr(transformers, name)(getattr(transformers, f"{stem}Config")(**config))
        return made

    return Model(family, build, {part.removeprefix("one"): of for part, of in blocks.items()})


def timm(name: str, family: str, one: Callable[[Any], Blocks], **settings: Any) -> Model:
    """A model of timm."""

    def build() -> nn.Module:
        from timm import create_model

        made: nn.Module = create_model(name, **settings)
        return made

    return Model(family, build, {"": one})


def clip(family: str, image: Callable[[Any], Blocks], custom_text: bool = False, **vision: Any) -> Model:
    """A CLIP of open_clip with an image tower of 32 wide and a text tower of 2 blocks."""

    def build() -> nn.Module:
        model = import_open_clip(timm=True).model
        made: nn.Module = (model.CustomTextCLIP if custom_text else model.CLIP)(
            embed_dim=16,
            vision_cfg={"image_size": 32, "patch_size": 16, "head_width": 16, **vision},
            text_cfg={"width": 32, "heads": 2, "layers": 2, "vocab_size": 50, "context_length": 8},
        )
        return made

    def text(model: Any) -> Blocks:
        blocks: Blocks = (model.text if custom_text else model).transformer.resblocks
        return blocks

    return Model(family, build, {"image": image, "text": text})


def coca() -> nn.Module:
    text = {"width": 32, "heads": 2, "layers": 2, "vocab_size": 50, "context_length": 8}
    vision = {"image_size": 32, "patch_size": 16, "width": 32, "layers": 3, "head_width": 16}
    captions = {"width": 32, "heads": 2, "layers": 2, "vocab_size": 50, "context_length": 8}
    made: nn.Module = import_open_clip().coca_model.CoCa(
        16, captions, text, {**vision, "attentional_pool": True, "attn_pooler_heads": 2}
    )
    return made


def staged(
    stages: Iterable[Any], blocks: str = "blocks", opens: str = "", closes: str = "", leads: str = ""
) -> Blocks:
    """Blocks of all stages in depth order.

    Args:
        stages: modules.
        blocks: attribute of a stage; empty if the stage is its blocks.
        opens: attributes, by spaces, of what a stage begins with; in the first stage that is the stem.
        closes: attribute of what a stage ends with.
        leads: attribute of what leads to the next stage.
    """
    before: list[nn.Module] = []
    for index, stage in enumerate(stages):
        if index > 0:
            before += [part for name in opens.split() if (part := getattr(stage, name)) is not None]
        *first, last = getattr(stage, blocks) if blocks else stage
        after = [getattr(stage, closes)] if closes else []
        members = [[block] for block in first] + [[last, *after]]
        members[0] += before
        yield from members
        before = [part] if leads and (part := getattr(stage, leads)) is not None else []


SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64}
LANGUAGE = {**SMALL, "num_key_value_heads": 2, "vocab_size": 50, "pad_token_id": 0}
STACKS = {
    "d_model": 32,
    "encoder_layers": 3,
    "decoder_layers": 3,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
}
VISION_AND_TEXT = {"vision_config": SMALL, "text_config": {**SMALL, "num_hidden_layers": 2}}
SEE_AND_SAY: dict[str, Any] = {
    "text_config": {**LANGUAGE, "model_type": "llama"},
    "vision_config": {**SMALL, "model_type": "clip_vision_model", "num_hidden_layers": 2},
}
QWEN: dict[str, Any] = {
    "text_config": LANGUAGE,
    "vision_config": {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2},
}
SWIN = {"embed_dim": 16, "depths": [1, 2, 1], "num_heads": [1, 2, 2], "window_size": 4, "image_size": 64}


def encoder_and_decoder(model: Any) -> Blocks:
    stacks = model.model if hasattr(model, "model") else model
    layers = [getattr(stack, "layers", None) or stack.block for stack in (stacks.encoder, stacks.decoder)]
    return [list(pair) for pair in zip(*layers, strict=True)]


MODELS: dict[str, Model] = {
    "HF ViT": hf("ViTForImageClassification", "hf_vit", SMALL, one=lambda m: m.vit.layers),
    "DINOv2": hf(
        "Dinov2ForImageClassification",
        "hf_vit",
        {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2},
        one=lambda m: m.dinov2.encoder.layer,
    ),
    "DINOv3": hf("DINOv3ViTModel", "hf_dinov3", SMALL, one=lambda m: m.model.layer),
    "BEiT": hf("BeitForImageClassification", "hf_vit", SMALL, one=lambda m: m.beit.layers),
    "BERT": hf("BertForSequenceClassification", "bert", SMALL, one=lambda m: m.bert.encoder.layer),
    "BERT pretraining": hf("BertForPreTraining", "bert", SMALL, one=lambda m: m.bert.encoder.layer),
    "RoBERTa": hf("RobertaForMaskedLM", "bert", SMALL, one=lambda m: m.roberta.encoder.layer),
    "ELECTRA": hf("ElectraForPreTraining", "bert", SMALL, one=lambda m: m.electra.encoder.layer),
    "DeBERTa": hf("DebertaForSequenceClassification", "bert", SMALL, one=lambda m: m.deberta.encoder.layer),
    "DeBERTa v2": hf(
        "DebertaV2ForSequenceClassification",
        "bert",
        {**SMALL, "relative_attention": True, "position_buckets": 8, "conv_kernel_size": 3},
        one=lambda m: m.deberta.encoder.layer,
    ),
    "DistilBERT": hf(
        "DistilBertForSequenceClassification",
        "distilbert",
        {"dim": 32, "hidden_dim": 64, "n_layers": 3, "n_heads": 2},
        one=lambda m: m.distilbert.transformer.layer,
    ),
    "ModernBERT": hf(
        "ModernBertForSequenceClassification", "modernbert", LANGUAGE, one=lambda m: m.model.layers
    ),
    "ModernBERT masked": hf("ModernBertForMaskedLM", "modernbert", LANGUAGE, one=lambda m: m.model.layers),
    "GPT-2": hf(
        "GPT2LMHeadModel", "gpt2", {"n_embd": 32, "n_layer": 3, "n_head": 2}, one=lambda m: m.transformer.h
    ),
    "GPT-2 alone": hf("GPT2Model", "gpt2", {"n_embd": 32, "n_layer": 3, "n_head": 2}, one=lambda m: m.h),
    "GPT-J": hf(
        "GPTJForCausalLM",
        "gpt2",
        {"n_embd": 32, "n_layer": 3, "n_head": 2, "rotary_dim": 8},
        one=lambda m: m.transformer.h,
    ),
    "BLOOM": hf(
        "BloomForCausalLM",
        "gpt2",
        {"hidden_size": 32, "n_layer": 3, "n_head": 2},
        one=lambda m: m.transformer.h,
    ),
    "Falcon": hf("FalconForCausalLM", "gpt2", SMALL, one=lambda m: m.transformer.h),
    "MPT": hf(
        "MptForCausalLM",
        "mpt",
        {"d_model": 32, "n_layers": 3, "n_heads": 2},
        one=lambda m: m.transformer.blocks,
    ),
    "GPT-NeoX": hf("GPTNeoXForCausalLM", "gpt_neox", SMALL, one=lambda m: m.gpt_neox.layers),
    "OPT": hf(
        "OPTForCausalLM",
        "opt",
        {
            "hidden_size": 32,
            "word_embed_proj_dim": 16,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "ffn_dim": 64,
        },
        one=lambda m: m.model.decoder.layers,
    ),
    **{
        name: hf(f"{name}ForCausalLM", "llama", LANGUAGE, one=lambda m: m.model.layers)
        for name in (
            "Llama",
            "Mistral",
            "Mixtral",
            "Qwen2",
            "Qwen3",
            "Gemma",
            "Gemma2",
            "Phi",
            "Phi3",
            "Olmo2",
        )
    },
    "LLaMA classifier": hf("LlamaForSequenceClassification", "llama", LANGUAGE, one=lambda m: m.model.layers),
    "T5": hf(
        "T5ForConditionalGeneration",
        "t5",
        {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 3, "num_heads": 2},
        encoder=lambda m: m.encoder.block,
        decoder=lambda m: m.decoder.block,
        both=encoder_and_decoder,
    ),
    "BART": hf(
        "BartForConditionalGeneration",
        "bart",
        STACKS,
        encoder=lambda m: m.model.encoder.layers,
        decoder=lambda m: m.model.decoder.layers,
        both=encoder_and_decoder,
    ),
    "Whisper": hf(
        "WhisperForConditionalGeneration",
        "whisper",
        STACKS,
        encoder=lambda m: m.model.encoder.layers,
        decoder=lambda m: m.model.decoder.layers,
        both=encoder_and_decoder,
    ),
    "HF CLIP": hf(
        "CLIPModel",
        "hf_clip",
        VISION_AND_TEXT,
        image=lambda m: m.vision_model.encoder.layers,
        text=lambda m: m.text_model.encoder.layers,
    ),
    "HF CLIP vision": hf("CLIPVisionModel", "hf_clip", SMALL, one=lambda m: m.encoder.layers),
    "HF CLIP text": hf("CLIPTextModel", "hf_clip_text", SMALL, one=lambda m: m.encoder.layers),
    "HF SigLIP": hf(
        "SiglipModel",
        "hf_clip",
        VISION_AND_TEXT,
        image=lambda m: m.vision_model.encoder.layers,
        text=lambda m: m.text_model.encoder.layers,
    ),
    "LLaVA": hf(
        "LlavaForConditionalGeneration",
        "llava",
        SEE_AND_SAY,
        image=lambda m: m.model.vision_tower.encoder.layers,
        text=lambda m: m.model.language_model.layers,
    ),
    "Gemma 3": hf(
        "Gemma3ForConditionalGeneration",
        "llava",
        {"text_config": LANGUAGE, "vision_config": {**SMALL, "num_hidden_layers": 2}},
        image=lambda m: m.model.vision_tower.encoder.layers,
        text=lambda m: m.model.language_model.layers,
    ),
    "Idefics 3": hf(
        "Idefics3ForConditionalGeneration",
        "llava",
        {**SEE_AND_SAY, "vision_config": {**SMALL, "num_hidden_layers": 2}},
        image=lambda m: m.model.vision_model.encoder.layers,
        text=lambda m: m.model.text_model.layers,
    ),
    "InternVL": hf(
        "InternVLForConditionalGeneration",
        "llava",
        {**SEE_AND_SAY, "vision_config": {**SMALL, "num_hidden_layers": 2}},
        image=lambda m: m.model.vision_tower.encoder.layer,
        text=lambda m: m.model.language_model.layers,
    ),
    "wav2vec 2.0": hf(
        "Wav2Vec2ForCTC", "wav2vec2", {**SMALL, "vocab_size": 20}, one=lambda m: m.wav2vec2.encoder.layers
    ),
    "HuBERT": hf("HubertForSequenceClassification", "wav2vec2", SMALL, one=lambda m: m.hubert.encoder.layers),
    "Qwen2-VL": hf(
        "Qwen2VLForConditionalGeneration",
        "qwen_vl",
        QWEN,
        image=lambda m: m.model.visual.blocks,
        text=lambda m: m.model.language_model.layers,
    ),
    "HF Swin": hf(
        "SwinForImageClassification",
        "hf_swin",
        SWIN,
        one=lambda m: staged(m.swin.encoder.layers, leads="downsample"),
    ),
    "HF Swin v2": hf(
        "Swinv2ForImageClassification",
        "hf_swin",
        SWIN,
        one=lambda m: staged(m.swinv2.encoder.layers, leads="downsample"),
    ),
    "HF PVT": hf(
        "PvtForImageClassification",
        "hf_pvt",
        {"depths": [1, 2, 1, 1]},
        one=lambda m: [
            [block, embed] if stage > 0 and number == 0 else block
            for stage, (blocks, embed) in enumerate(
                zip(m.pvt.encoder.block, m.pvt.encoder.patch_embeddings, strict=True)
            )
            for number, block in enumerate(blocks)
        ],
    ),
    "PvtV2Model": hf(
        "PvtV2Model",
        "hf_pvt_v2",
        {},
        one=lambda m: staged(m.encoder.layers, opens="patch_embedding", closes="layer_norm"),
    ),
    "SegFormer": hf(
        "SegformerForImageClassification",
        "hf_segformer",
        {},
        one=lambda m: staged(m.segformer.stages, opens="patch_embeddings", closes="layer_norm"),
    ),
    "HF Hiera": hf(
        "HieraForImageClassification",
        "hf_stages",
        {"depths": [1, 2, 1, 1], "embed_dim": 32},
        one=lambda m: staged(m.hiera.encoder.stages, "layers"),
    ),
    "HF EfficientNet": hf(
        "EfficientNetForImageClassification",
        "hf_efficientnet",
        {"width_coefficient": 0.25, "depth_coefficient": 1.0, "hidden_dim": 320},
        one=lambda m: m.efficientnet.encoder.blocks,
    ),
    "HF ResNet": hf(
        "ResNetForImageClassification",
        "hf_stages",
        {"depths": [1, 2, 1, 1]},
        one=lambda m: staged(m.resnet.encoder.stages, "layers"),
    ),
    "HF ConvNeXt": hf(
        "ConvNextForImageClassification",
        "hf_stages",
        {"depths": [1, 2, 1, 1]},
        one=lambda m: staged(m.convnext.encoder.stages, "layers", opens="downsampling_layer"),
    ),
    "timm ViT": timm("vit_tiny_patch16_224", "timm_vit", lambda m: m.blocks),
    "timm DeiT": timm("deit_tiny_distilled_patch16_224", "timm_vit", lambda m: m.blocks),
    "timm DINOv3": timm("vit_small_patch16_dinov3", "timm_vit", lambda m: m.blocks),
    "timm EVA-02": timm("eva02_tiny_patch14_224", "timm_vit", lambda m: m.blocks),
    "timm BEiT": timm("beit_base_patch16_224", "timm_vit", lambda m: m.blocks),
    "timm Hiera": timm("hiera_tiny_224", "timm_vit", lambda m: m.blocks),
    "timm Swin": timm(
        "swin_tiny_patch4_window7_224",
        "swin",
        lambda m: staged(m.layers, opens="downsample"),
        depths=(1, 2, 1, 1),
    ),
    "timm PVT v2": timm("pvt_v2_b0", "pvt", lambda m: staged(m.stages, opens="downsample", closes="norm")),
    "timm EfficientNet": timm("efficientnet_b0", "efficientnet", lambda m: staged(m.blocks, "")),
    "timm MobileNetV3": timm("mobilenetv3_small_050", "efficientnet", lambda m: staged(m.blocks, "")),
    "timm ResNet": timm("resnet18", "resnet", lambda m: staged([m.layer1, m.layer2, m.layer3, m.layer4], "")),
    "timm ByobNet": timm("gernet_s", "byobnet", lambda m: staged(m.stages, "")),
    "timm NFNet": timm("nf_regnet_b0", "byobnet", lambda m: staged(m.stages, "")),
    "timm RegNet": timm(
        "regnetx_002",
        "regnet",
        lambda m: staged([list(stage.children()) for stage in (m.s1, m.s2, m.s3, m.s4)], ""),
    ),
    "timm ConvNeXt": timm("convnext_atto", "convnext", lambda m: staged(m.stages, opens="downsample")),
    "open_clip ViT": clip("open_clip", lambda m: m.visual.transformer.resblocks, layers=3, width=32),
    "open_clip ConvNeXt": clip(
        "convnext",
        lambda m: staged(m.visual.trunk.stages, opens="downsample"),
        timm_model_name="convnext_atto",
    ),
    "open_clip ResNet": clip(
        "resnet",
        lambda m: staged([m.visual.layer1, m.visual.layer2, m.visual.layer3, m.visual.layer4], ""),
        layers=(1, 2, 1, 1),
        width=16,
    ),
    "open_clip Swin": clip(
        "swin",
        lambda m: staged(m.visual.trunk.layers, opens="downsample"),
        timm_model_name="swin_tiny_patch4_window7_224",
        image_size=224,
    ),
    "open_clip SigLIP": clip(
        "timm_vit",
        lambda m: m.visual.trunk.blocks,
        custom_text=True,
        timm_model_name="vit_tiny_patch16_224",
        timm_pool="map",
        timm_proj="none",
    ),
    "open_clip EVA-02": clip(
        "timm_vit",
        lambda m: m.visual.trunk.blocks,
        custom_text=True,
        timm_model_name="eva02_tiny_patch14_224",
    ),
    "open_clip FastViT": clip(
        "fastvit",
        lambda m: staged(m.visual.trunk.stages, opens="downsample pos_emb"),
        timm_model_name="fastvit_sa12",
    ),
    "CoCa": Model(
        "open_clip",
        coca,
        {
            "image": lambda m: m.visual.transformer.resblocks,
            "text": lambda m: m.text.transformer.resblocks,
            "decoder": lambda m: [
                list(pair) for pair in zip(m.text_decoder.resblocks, m.text_decoder.cross_attn, strict=True)
            ],
        },
    ),
}


@cache
def built(name: str) -> nn.Module:
    """The model with parameters that have shapes and no values."""
    with torch.device("meta"):
        return MODELS[name].build()
