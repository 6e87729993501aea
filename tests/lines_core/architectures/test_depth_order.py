"""Names of real checkpoints, the names that mislead a search for ``.i.``, and names that must be refused."""

import random

import pytest

from lines_core.architectures import block_of, depth_order, recognise
from lines_core.architectures.clip_families import OPEN_CLIP
from lines_core.architectures.multimodal_families import HF_CLIP
from lines_core.errors import LayerError

VISUAL = "visual.transformer.resblocks"


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("visual.transformer.resblocks.0.ln_1.weight", 0),
        ("visual.transformer.resblocks.1.ln_1.weight", 1),
        ("visual.transformer.resblocks.10.ln_1.weight", 10),
        ("visual.transformer.resblocks.11.ln_1.weight", 11),
        ("model.visual.transformer.resblocks.23.attn.in_proj_bias", 23),
        ("transformer.resblocks.5.mlp.c_fc.weight", 5),
        ("blocks.7.mlp.0", 7),
        ("blocks.7.mlp.0.weight", 7),
        ("visual.trunk.blocks.2.attn.qkv.weight", 2),
        ("vision_model.encoder.layers.11.self_attn.q_proj.weight", 11),
        ("encoder.layers.1.layer_norm1.bias", 1),
        ("decoder.block.3.layer.0.SelfAttention.q.weight", 3),
        ("model.layers.31.mlp.gate_proj.weight", 31),
        ("layers.0.1.net.1.weight", 0),
        ("transformer.h.4.attn.c_attn.weight", 4),
        ("h.4.mlp.c_fc.bias", 4),
        ("visual.class_embedding", None),
        ("visual.positional_embedding", None),
        ("visual.conv1.weight", None),
        ("visual.ln_pre.bias", None),
        ("visual.ln_post.weight", None),
        ("visual.proj", None),
        ("model.visual.proj", None),
        ("token_embedding.weight", None),
        ("logit_scale", None),
        ("vision_model.pre_layrnorm.weight", None),
        ("vision_model.embeddings.patch_embedding.weight", None),
        ("visual_projection.weight", None),
        ("patch_embed.proj.weight", None),
        ("lm_head.weight", None),
        ("transformer.wte.weight", None),
        ("encoder.block.3.layer.0.SelfAttention.q.weight", 3),
        ("embeddings.position_ids", None),
    ],
)
def test_block_of_one_name(name: str, block: int | None) -> None:
    assert block_of(name) == block


@pytest.mark.parametrize(
    "name",
    [
        "",
        "resblocks.3.ln_1.weight",
        "my.visual.transformer.resblocks.3.ln_1.weight",
        "visual.transformer.resblocks.03.ln_1.weight",
        "visual.transformer.resblocks.x.ln_1.weight",
        "visual.transformer.resblocks.3",
        "visual.transformer.resblocks.3.",
        "visual.transformer.resblocks.\u0663.ln_1.weight",
        "visual.projection",
        "visual.proj\n",
        "adapter.weight",
    ],
)
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(LayerError, match="Unknown parameter name in any known architecture"):
        block_of(name)


def test_a_given_family_is_the_only_one_tried() -> None:
    assert block_of("text_model.encoder.layers.3.mlp.fc1.weight", HF_CLIP) == 3
    with pytest.raises(LayerError, match="Unknown parameter name in CLIP or SigLIP of transformers"):
        block_of("visual.proj", HF_CLIP)


def test_depth_order_sorts_blocks_by_number_and_the_outside_by_depth() -> None:
    names = [
        "visual.proj",
        "visual.ln_post.weight",
        "visual.ln_post.bias",
        *(f"{VISUAL}.{block}.ln_1.weight" for block in range(12)),
        "visual.ln_pre.weight",
        "visual.conv1.weight",
        "visual.positional_embedding",
        "visual.class_embedding",
    ]
    order = depth_order(names)
    assert order.family is OPEN_CLIP
    assert order.num_blocks == 12
    assert order.segments[0] == (
        "visual.class_embedding",
        "visual.positional_embedding",
        "visual.conv1.weight",
        "visual.ln_pre.weight",
    )
    assert order.segments[1:-1] == tuple((f"{VISUAL}.{block}.ln_1.weight",) for block in range(12))
    assert order.segments[-1] == ("visual.ln_post.bias", "visual.ln_post.weight", "visual.proj")
    assert sorted(order.names) == sorted(names)
    shuffled = random.Random(0).sample(names, len(names))
    assert depth_order(shuffled) == order


@pytest.mark.parametrize("prefix", ["", "visual.", "model.visual."])
def test_a_prefix_changes_nothing_but_the_names(prefix: str) -> None:
    names = ["conv1.weight", "transformer.resblocks.0.x", "transformer.resblocks.1.x", "proj"]
    order = depth_order(prefix + name for name in names)
    assert order.segments == tuple((prefix + name,) for name in names)


def full_clip() -> list[str]:
    return [
        "positional_embedding",
        "text_projection",
        "logit_scale",
        "visual.conv1.weight",
        f"{VISUAL}.0.ln_1.weight",
        f"{VISUAL}.1.ln_1.weight",
        "visual.proj",
        *(f"transformer.resblocks.{block}.ln_1.weight" for block in range(3)),
        "token_embedding.weight",
        "ln_final.bias",
    ]


def test_the_text_tower_is_not_counted() -> None:
    """Its blocks are called like the image tower's: a search for ``.resblocks.i.`` finds three here."""
    clip = recognise(full_clip())
    assert clip.num_blocks == 2
    assert clip.block["transformer.resblocks.2.ln_1.weight"] is None
    assert clip.block[f"{VISUAL}.1.ln_1.weight"] == 1
    with pytest.raises(
        LayerError, match=r"'positional_embedding', 'text_projection', 'logit_scale', .* and 3 more"
    ):
        depth_order(full_clip())


def test_the_text_tower_alone_is_a_tower() -> None:
    order = depth_order(["transformer.resblocks.0.x", "token_embedding.weight"])
    assert order.segments == (("token_embedding.weight",), ("transformer.resblocks.0.x",), ())


@pytest.mark.parametrize("names", [[], ["visual.proj", "visual.conv1.weight"], ["weight"]])
def test_zero_blocks_are_refused(names: list[str]) -> None:
    with pytest.raises(LayerError, match=f"no residual block among {len(names)} names"):
        depth_order(names)
    with pytest.raises(LayerError, match="no residual block of open_clip"):
        depth_order(["visual.proj"], OPEN_CLIP)


def test_one_block_is_an_order() -> None:
    assert depth_order(["h.0.x"]).segments == ((), ("h.0.x",), ())


@pytest.mark.parametrize(
    ("numbers", "gap"),
    [
        ([1, 2], "block 1 follows nothing"),
        ([0, 2], "block 2 follows block 0"),
        ([0, 1, 10], "block 10 follows block 1"),
    ],
)
def test_a_missing_block_is_refused(numbers: list[int], gap: str) -> None:
    with pytest.raises(LayerError, match=gap):
        depth_order(f"{VISUAL}.{number}.x" for number in numbers)


def test_two_towers_under_different_prefixes_are_refused() -> None:
    with pytest.raises(LayerError, match=r"different prefixes, \['model.visual.', 'visual.'\]"):
        depth_order([f"{VISUAL}.0.x", f"model.{VISUAL}.0.x"])


def test_unknown_names_beside_known_ones_are_listed() -> None:
    names = [f"{VISUAL}.0.x", *(f"adapter.{i}" for i in range(5))]
    with pytest.raises(LayerError, match=r"'adapter\.0', 'adapter\.1', .*'adapter\.4'\. .* 1 of the 6 names"):
        depth_order(names)
