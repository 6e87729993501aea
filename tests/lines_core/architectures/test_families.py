"""Parameter names of the architectures: CLIP of transformers, ConvNeXt, T5, LLaMA, GPT-2, timm."""

from pathlib import Path

import pytest

from lines_core.architectures import FAMILIES, block_of, depth_order, recognise
from lines_core.architectures.clip_families import CONVNEXT
from lines_core.architectures.multimodal_families import HF_CLIP
from lines_core.errors import LayerError

T5 = [
    "shared.weight",
    "encoder.block.0.layer.0.SelfAttention.q.weight",
    "encoder.block.1.layer.0.SelfAttention.q.weight",
    "encoder.final_layer_norm.weight",
    "decoder.block.0.layer.1.EncDecAttention.q.weight",
    "decoder.block.1.layer.1.EncDecAttention.q.weight",
    "decoder.final_layer_norm.weight",
    "lm_head.weight",
]


def test_one_name_of_a_convnext_does_not_tell_its_block() -> None:
    with pytest.raises(LayerError, match="in stage 2 of ConvNeXt"):
        block_of("stages.2.blocks.1.gamma")
    assert block_of("stem.0.weight") is None


def hf_clip() -> list[str]:
    return [
        "vision_model.embeddings.class_embedding",
        "vision_model.embeddings.position_embedding.weight",
        "vision_model.embeddings.patch_embedding.weight",
        "vision_model.pre_layrnorm.weight",
        "vision_model.encoder.layers.0.mlp.fc1.weight",
        "vision_model.encoder.layers.1.mlp.fc1.weight",
        "vision_model.post_layernorm.weight",
        "visual_projection.weight",
    ]


def test_hugging_face_clip_in_depth_order() -> None:
    order = depth_order(reversed(hf_clip()))
    assert order.family is HF_CLIP
    assert list(order.names) == hf_clip()
    assert [len(segment) for segment in order.segments] == [4, 1, 1, 2]


def test_convnext_stages_are_flattened_and_a_downsampling_layer_opens_its_stage() -> None:
    """timm's and Hugging Face's names; ``blocks.0`` occurs once a stage, another block each time."""
    timm = {
        "stem.0.weight": None,
        "stages.0.blocks.0.gamma": 0,
        "stages.0.blocks.1.gamma": 1,
        "stages.1.downsample.0.weight": 2,
        "stages.1.blocks.0.gamma": 2,
        "stages.2.blocks.0.gamma": 3,
        "stages.2.blocks.1.gamma": 4,
        "head.norm.weight": None,
    }
    assert (recognise(timm).num_blocks, recognise(timm).block) == (5, timm)
    order = depth_order(timm)
    assert order.family is CONVNEXT
    assert order.segments[3] == ("stages.1.blocks.0.gamma", "stages.1.downsample.0.weight")
    hf = {
        "convnext.embeddings.patch_embeddings.weight": None,
        "convnext.encoder.stages.0.layers.0.dwconv.weight": 0,
        "convnext.encoder.stages.1.downsampling_layer.0.weight": 1,
        "convnext.encoder.stages.1.layers.0.dwconv.weight": 1,
        "convnext.encoder.stages.1.layers.1.dwconv.weight": 2,
        "convnext.layernorm.weight": None,
    }
    assert (recognise(hf).num_blocks, recognise(hf).block) == (3, hf)


def test_convnext_base_has_the_36_blocks_of_the_paper() -> None:
    names = [f"stages.{s}.blocks.{b}.gamma" for s, size in enumerate((3, 3, 27, 3)) for b in range(size)]
    assert depth_order(names).num_blocks == 36


@pytest.mark.parametrize(
    ("part", "blocks"),
    [
        (None, [None, None, None, None, 0, 1, None, None]),
        ("decoder", [None, None, None, None, 0, 1, None, None]),
        ("encoder", [None, 0, 1, None, None, None, None, None]),
        ("both", [None, 0, 1, None, 0, 1, None, None]),
    ],
)
def test_t5_counts_the_stack_that_is_asked_for(part: str | None, blocks: list[int | None]) -> None:
    """``layer.0`` and ``layer.1`` inside each block are what a search for ``.i.`` trips over."""
    assert recognise(T5, part=part).block == dict(zip(T5, blocks, strict=True))
    assert sorted(depth_order(T5, part=part).names) == sorted(T5)


@pytest.mark.parametrize(
    ("names", "segments"),
    [
        (
            [
                "model.embed_tokens.weight",
                "model.layers.0.a",
                "model.layers.1.a",
                "model.norm.weight",
                "lm_head.weight",
            ],
            [1, 1, 1, 2],
        ),
        (["wte.weight", "wpe.weight", "h.0.ln_1.weight", "h.1.ln_1.weight", "ln_f.weight"], [2, 1, 1, 1]),
        (["cls_token", "pos_embed", "blocks.0.norm1.weight", "norm.weight", "head.weight"], [2, 1, 2]),
    ],
)
def test_language_models_and_timm(names: list[str], segments: list[int]) -> None:
    order = depth_order(reversed(names))
    assert list(order.names) == names
    assert [len(segment) for segment in order.segments] == segments


@pytest.mark.parametrize(
    ("coordinates", "gap"),
    [
        ([(0, 0), (0, 2)], r"block 0\.2 follows block 0\.0"),
        ([(0, 0), (2, 0)], r"block 2\.0 follows block 0\.0"),
        ([(0, 0), (1, 1)], r"block 1\.1 follows block 0\.0"),
        ([(1, 0)], r"block 1\.0 follows nothing"),
    ],
)
def test_a_missing_block_or_stage_of_a_convnext_is_refused(
    coordinates: list[tuple[int, int]], gap: str
) -> None:
    with pytest.raises(LayerError, match=gap):
        depth_order(f"stages.{stage}.blocks.{block}.x" for stage, block in coordinates)


def test_families_have_keys_of_their_own() -> None:
    assert len({family.key for family in FAMILIES}) == len(FAMILIES)


def test_the_page_on_architectures_lists_every_row_with_its_parts() -> None:
    lines = (Path(__file__).parents[3] / "docs" / "architectures.md").read_text("utf-8").splitlines()
    rows = [tuple(cell.strip() for cell in line.split("|")[1:3]) for line in lines if line.startswith("| ")]
    for family in FAMILIES:
        parts = [tower.part for tower in family.towers]
        parts += ["both"] if {"encoder", "decoder"} <= set(parts) else []
        written = next(cell for titles, cell in rows if family.title in titles)
        assert written == ("refused" if family.refused else ", ".join(parts)), family.title
