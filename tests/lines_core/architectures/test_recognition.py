"""Every row of the table against the modules of the real model; files that nobody may guess about."""

from collections.abc import Sequence

import pytest
import torch

from lines_core.architectures import recognise
from lines_core.errors import LayerError
from tests.lines_core.architectures.models import MODELS, built

CASES = [(name, part) for name, model in MODELS.items() for part in model.blocks]


def blocks_by_module(name: str, part: str) -> tuple[int, dict[str, int | None]]:
    """L and the block of each name, read off the modules themselves."""
    model = built(name)
    paths = {id(module): path for path, module in model.named_modules()}
    block: dict[str, int | None] = dict.fromkeys(model.state_dict())
    count = 0
    for index, entry in enumerate(MODELS[name].blocks[part](model)):
        for module in entry if isinstance(entry, Sequence) else [entry]:
            inside = [other for other in block if other.startswith(paths[id(module)] + ".")]
            block |= dict.fromkeys(inside, index)
        count = index + 1
    return count, block


@pytest.mark.parametrize(("name", "part"), CASES, ids=lambda value: str(value) or "alone")
def test_blocks_are_those_of_the_modules(name: str, part: str) -> None:
    found = recognise(built(name).state_dict(), part=part or None)
    count, block = blocks_by_module(name, part)
    assert count > 1
    assert found.family.key == MODELS[name].family
    assert (found.part, found.num_blocks) == (part, count)
    assert found.block == block


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if "image" in model.blocks])
def test_a_contrastive_model_means_its_image_tower_and_others_have_to_be_asked(name: str) -> None:
    """In CLIPs of ConvNeXt, ResNet and Swin the text tower's blocks used to be found first."""
    state = built(name).state_dict()
    if MODELS[name].family in ("llava", "qwen_vl"):
        with pytest.raises(
            LayerError, match='"image" of 2 blocks, "text" of 3 blocks: choose one with part='
        ):
            recognise(state)
    else:
        assert recognise(state) == recognise(state, part="image")


@pytest.mark.parametrize("name", ["BART", "Whisper"])
def test_encoder_and_decoder_have_to_be_asked_for(name: str) -> None:
    state = built(name).state_dict()
    with pytest.raises(
        LayerError, match=r'"encoder" of 3 blocks, "decoder" of 3 blocks: .* part="encoder" or .* or "both"'
    ):
        recognise(state)
    with pytest.raises(LayerError, match=f"No part 'text' in this {name}: it has \"encoder\" of 3 blocks"):
        recognise(state, part="text")
    with pytest.raises(LayerError, match="Unknown part 'vision': pick one of image, text, encoder"):
        recognise(state, part="vision")


def test_t5_alone_means_its_decoder() -> None:
    state = built("T5").state_dict()
    assert recognise(state) == recognise(state, part="decoder")


def test_both_needs_as_many_blocks_in_encoder_and_decoder() -> None:
    names = [name for name in built("T5").state_dict() if not name.startswith("decoder.block.2.")]
    with pytest.raises(
        LayerError, match=r'"encoder" of 3 blocks, "decoder" of 2 blocks: block i is the same'
    ):
        recognise(names, part="both")


def test_names_of_one_tower_need_no_part() -> None:
    encoder = {
        "shared.weight": None,
        "encoder.block.0.layer.0.SelfAttention.q.weight": 0,
        "encoder.block.1.layer.0.SelfAttention.q.weight": 1,
        "encoder.final_layer_norm.weight": None,
    }
    found = recognise(encoder)
    assert (found.block, found.part) == (encoder, "")
    assert recognise(encoder, part="encoder") == found


@pytest.mark.parametrize(
    ("family", "part", "block"),
    [
        (
            "hf_vit",
            None,
            {
                "vit.embeddings.cls_token": None,
                "vit.encoder.layer.0.attention.attention.query.weight": 0,
                "vit.encoder.layer.1.attention.attention.query.weight": 1,
                "vit.layernorm.weight": None,
            },
        ),
        (
            "hf_dinov3",
            None,
            {
                "embeddings.cls_token": None,
                "layer.0.norm1.weight": 0,
                "layer.1.norm1.weight": 1,
                "norm.bias": None,
            },
        ),
        (
            "hf_segformer",
            None,
            {
                "segformer.encoder.patch_embeddings.0.proj.weight": None,
                "segformer.encoder.patch_embeddings.1.proj.weight": 2,
                "segformer.encoder.block.0.0.layer_norm_1.weight": 0,
                "segformer.encoder.block.0.1.layer_norm_1.weight": 1,
                "segformer.encoder.block.1.0.layer_norm_1.weight": 2,
                "segformer.encoder.layer_norm.0.weight": 1,
                "decode_head.classifier.weight": None,
            },
        ),
        (
            "llava",
            "text",
            {
                "vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight": None,
                "multi_modal_projector.linear_1.weight": None,
                "language_model.model.embed_tokens.weight": None,
                "language_model.model.layers.0.mlp.up_proj.weight": 0,
                "language_model.model.layers.1.mlp.up_proj.weight": 1,
                "language_model.lm_head.weight": None,
            },
        ),
        (
            "qwen_vl",
            "image",
            {
                "visual.patch_embed.proj.weight": None,
                "visual.blocks.0.norm1.weight": 0,
                "visual.blocks.1.norm1.weight": 1,
                "visual.merger.ln_q.weight": None,
                "model.layers.0.mlp.up_proj.weight": None,
                "lm_head.weight": None,
            },
        ),
        (
            "vit_pytorch",
            None,
            {
                "to_patch_embedding.1.weight": None,
                "transformer.layers.0.0.norm.weight": 0,
                "transformer.layers.0.1.net.1.weight": 0,
                "transformer.layers.1.0.norm.weight": 1,
                "transformer.layers.1.1.net.1.weight": 1,
                "mlp_head.weight": None,
            },
        ),
        (
            "open_clip",
            "text",
            {
                "visual.transformer.resblocks.0.ln_1.weight": None,
                "text.transformer.encoder.layer.0.output.dense.weight": 0,
                "text.transformer.encoder.layer.1.output.dense.weight": 1,
                "text.transformer.embeddings.LayerNorm.weight": None,
                "text.proj.0.weight": None,
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_names_of_files_that_no_installed_version_writes(
    family: str, part: str | None, block: dict[str, int | None]
) -> None:
    """transformers 4, vit-pytorch, and open_clip with a text tower of transformers."""
    found = recognise(block, part=part)
    assert (found.family.key, found.block) == (family, block)


@pytest.mark.parametrize("continued", [True, False])
def test_chunks_of_a_vit_are_no_blocks(continued: bool) -> None:
    """DINOv2's authors number on from chunk to chunk; the chunks themselves used to be counted."""
    inside = ("norm1.weight", "attn.qkv.weight", "norm2.weight", "mlp.fc1.weight")
    block: dict[str, int | None] = {"cls_token": None, "norm.weight": None}
    for chunk in range(3):
        for i in range(4):
            number = 4 * chunk + i
            block |= {f"blocks.{chunk}.{number if continued else i}.{name}": number for name in inside}
    found = recognise(block)
    assert (found.num_blocks, found.block) == (12, block)


def test_swin_of_its_authors_ends_a_stage_with_the_downsampling_that_timm_begins_one_with() -> None:
    blocks = {"layers.0.blocks.0.norm1.weight": 0, "layers.1.blocks.0.norm1.weight": 1}
    for key, downsample in {
        "swin_authors": "layers.0.downsample.norm.weight",
        "swin": "layers.1.downsample.norm.weight",
    }.items():
        found = recognise([*blocks, downsample])
        assert (found.family.key, found.block) == (key, {**blocks, downsample: 1})


def test_two_rows_that_explain_as_much_and_count_differently_are_refused() -> None:
    names = [
        *(f"layers.{stage}.blocks.0.norm1.weight" for stage in range(3)),
        "layers.1.downsample.norm.weight",
    ]
    with pytest.raises(
        LayerError, match=r"Swin of timm .* and Swin of its authors .* into block 1 and 2: say which"
    ):
        recognise(names)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            [f"encoder.layers.{i}.{j}.norm.weight" for i in range(2) for j in range(2)],
            r"The numbers 0 and 0 in 'encoder\.layers\.0\.0\.norm\.weight' could each count blocks",
        ),
        (
            [f"model.layers.{i}.units.{j}.ln.weight" for i in range(2) for j in range(2)],
            r"The numbers 0 and . in 'model\.layers\.0\.units\..\.ln\.weight' could each count blocks",
        ),
        (
            [f"groups.{i}.units.{j}.norm.weight" for i in range(2) for j in range(2)],
            r"no residual block among 4 names .* The numbers 0 and 0 in 'groups\.0\.units\.0\.norm\.weight'",
        ),
        (
            [*(f"blocks.{i}.attn.qkv.weight" for i in range(2)), "branch.0.cells.1.weight"],
            r"in timm ViT: 'branch\.0\.cells\.1\.weight'\. The numbers 0 and 1 in .* has 2 of the 3 names",
        ),
        ([f"layers.{i}.weight" for i in range(3)], r"'layers\.0\.weight' are single layers"),
        (
            ["layers.0.conv.weight", "layers.1.pool.weight", "layers.2.conv.weight"],
            "no residual blocks: the entries have no parameter in common",
        ),
    ],
    ids=["number after number", "nested", "no row", "stranger", "single layers", "nothing in common"],
)
def test_what_may_be_no_residual_block_is_refused(names: list[str], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        recognise(names)


def test_without_a_block_the_closest_architectures_are_named_and_not_all() -> None:
    """A list of all of them, a thousand characters, hid what was wrong."""
    names = ["vision_model.embeddings.class_embedding", "vision_model.post_layernorm.weight", "w"]
    with pytest.raises(LayerError, match="Closest: CLIP or SigLIP of transformers") as refusal:
        recognise(names)
    with pytest.raises(
        LayerError, match=r"no residual block among 1 names \('w'\)\. The [0-9]+ known"
    ) as other:
        recognise(["w"])
    assert max(len(str(one.value)) for one in (refusal, other)) < 400


def test_numbers_of_any_length_are_refused_in_a_short_message() -> None:
    """Python converts no integer of more than 4300 digits, and a message repeats three numbers."""
    with pytest.raises(LayerError, match="no residual block"):
        recognise([f"blocks.{'9' * 5000}.norm1.weight"])
    with pytest.raises(LayerError, match="The numbers 1, 1 and 1 in") as refusal:
        recognise([".".join(["groups", *["1"] * 1000, "weight"])])
    assert len(str(refusal.value)) < 3000


def test_experts_are_no_blocks() -> None:
    block = {
        f"model.layers.{i}.{name}": i
        for i in range(2)
        for name in ("input_layernorm.weight", *(f"mlp.experts.{j}.up_proj.weight" for j in range(3)))
    }
    assert recognise(block).block == block


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ("AlbertModel", "This is ALBERT: all its layers share one set of weights"),
        ("davit", r"The numbers 0, 0 and 0 in 'stages\.0\.blocks\.0\.0\."),
    ],
)
def test_real_models_without_an_order_of_blocks_are_refused(build: str, message: str) -> None:
    import timm
    import transformers

    with torch.device("meta"):
        model = (
            timm.create_model("davit_tiny")
            if build == "davit"
            else transformers.AlbertModel(transformers.AlbertConfig(hidden_size=32, num_attention_heads=2))
        )
    with pytest.raises(LayerError, match=message):
        recognise(model.state_dict())


@pytest.mark.parametrize(
    "names",
    [
        ["conv_in.weight", "down_blocks.0.resnets.0.norm1.weight", "mid_block.resnets.0.norm1.weight"],
        [
            "model.diffusion_model.input_blocks.0.0.weight",
            "first_stage_model.encoder.conv_in.weight",
            "betas",
        ],
    ],
)
def test_a_unet_is_refused_by_name(names: list[str]) -> None:
    with pytest.raises(LayerError, match=r"This is U-Net of .*: its blocks run down and up again"):
        recognise(names)


def test_buffers_are_unchanged_and_what_lies_outside_is_said() -> None:
    names = [
        "vision_model.embeddings.position_ids",
        "vision_model.embeddings.class_embedding",
        "vision_model.encoder.layers.0.mlp.fc1.weight",
        "vision_model.post_layernorm.weight",
        "text_model.encoder.layers.0.mlp.fc1.weight",
        "text_model.embeddings.position_ids",
        "logit_scale",
    ]
    clip = recognise(names)
    assert clip.unchanged == {names[0], names[5]}
    assert clip.outside == (names[1], names[3], names[4], names[6])
    assert clip.after == {names[3]}


@pytest.mark.parametrize(
    "masks",
    [
        ["h.0.attn.bias", "h.1.attn.bias", "h.0.attn.masked_bias"],
        ["h.0.attn.attention.bias", "h.1.attn.attention.bias"],
    ],
)
def test_the_masks_of_gpt2_are_no_biases(masks: list[str]) -> None:
    names = ["wte.weight", "h.0.attn.c_attn.bias", "h.1.attn.c_attn.bias", *masks]
    assert recognise(names).unchanged == set(masks)
    assert recognise([f"transformer.{name}" for name in names]).unchanged == {
        f"transformer.{name}" for name in masks
    }
    other = recognise(["blocks.0.attn.bias", "blocks.1.attn.bias", "cls_token"])
    assert other.unchanged == frozenset()


def test_counters_of_batch_norm_are_unchanged() -> None:
    resnet = recognise(built("open_clip ResNet").state_dict())
    counters = {name for name in resnet.block if name.endswith("num_batches_tracked")}
    assert counters
    assert resnet.unchanged == counters


def test_a_wrapper_of_all_names_is_pointed_at() -> None:
    names = [f"module.{name}" for name in ("blocks.0.norm1.weight", "blocks.1.norm1.weight", "cls_token")]
    with pytest.raises(LayerError, match=r"All begin with 'module\.': take it off"):
        recognise(names)
    with pytest.raises(LayerError, match=r"others'\)\. The [0-9]+ known"):
        recognise(["module.x", "others"])
