"""Checkpoints that are no image tower of the chosen model are refused with the names that do not fit."""

from typing import Any

import pytest
import torch

from lines_core.clip_layouts.image_tower import find_tower, image_tower
from lines_core.errors import CheckpointError
from tests.lines_core.clip_layouts.towers import (
    BLOCKS,
    HEAD,
    SMALL,
    TEXT,
    Tensors,
    transformers_clip,
    under,
    vision_model,
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"adapter.weight": torch.ones(1)},
            r"\(open_clip, prefix model\.\): \'adapter\.weight\'",
        ),
        ({"visual.proj": torch.ones(1)}, r"^Unknown parameter name .*visual\.proj'"),
        ({"logit_scale": torch.ones(1)}, r"^Unknown parameter name .*logit_scale'"),
        ({"model.visual.extra": torch.ones(1)}, r"unexpected: model\.visual\.extra"),
        (
            {"model.visual.proj": torch.ones(6, 16)},
            r"wrong shape: model\.visual\.proj is \(6, 16\), expected \(16, 6\)",
        ),
        (
            {"model.visual.ln_pre.bias": torch.full((16,), torch.nan)},
            r"but model\.visual\.ln_pre\.bias holds NaN or infinity\. Take a checkpoint",
        ),
        (
            {"model.visual.ln_pre.bias": torch.ones(16, dtype=torch.int32)},
            r"wrong dtype: .*ln_pre\.bias is int32",
        ),
    ],
)
def test_open_clip_files_that_do_not_fit(
    pretrained: Tensors, tower: Tensors, change: Tensors, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        image_tower(under("model.", tower | TEXT) | change, pretrained, "small")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classifier.weight": torch.ones(1)}, r"^Unknown parameter name .*classifier\.weight'"),
        ({"vision_model.new": torch.ones(1)}, r"^Unknown parameter name .*vision_model\.new'"),
        (
            {"vision_model.encoder.layers.1.mlp.fc3.bias": torch.ones(1)},
            r"^Unknown parameter name .*vision_model\.encoder.*fc3\.bias'",
        ),
        (
            {"vision_model.encoder.layers.01.mlp.fc1.bias": torch.ones(1)},
            r"^Unknown parameter name .*vision_model.*01\.mlp.*'",
        ),
        (
            {"vision_model.encoder.layers.1.self_attn.k_proj.weight": torch.ones(8, 16)},
            r"k_proj\.weight, vision_model\.encoder\.layers\.1\.self_attn\.v_proj\.weight cannot be joined: "
            r"they are \(16, 16\) torch\.float32, \(8, 16\)",
        ),
        (
            {"vision_model.encoder.layers.1.self_attn.q_proj.bias": torch.ones(16).half()},
            r"cannot be joined: they are \(16,\) torch\.float16",
        ),
        (
            {f"vision_model.encoder.layers.1.self_attn.{x}_proj.bias": torch.tensor(1.0) for x in "qkv"},
            r"cannot be joined: they are \(\) torch\.float32",
        ),
        ({"visual_projection.weight": torch.ones(6)}, r"wrong shape: visual_projection\.weight is \(6,\)"),
    ],
)
def test_transformers_files_that_do_not_fit(
    clip: Any, pretrained: Tensors, change: Tensors, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        image_tower(vision_model(clip) | change, pretrained, "small")


def test_missing_parts_of_the_attention_are_named(clip: Any, pretrained: Tensors) -> None:
    checkpoint = vision_model(clip)
    inside = "vision_model.encoder.layers.2.self_attn"
    del checkpoint[f"{inside}.k_proj.weight"]
    with pytest.raises(CheckpointError, match=rf"^'{inside}\.k_proj\.weight': missing"):
        image_tower(checkpoint, pretrained, "small")
    del checkpoint[f"{inside}.v_proj.weight"]
    with pytest.raises(CheckpointError, match=r"k_proj\.weight', .*v_proj\.weight': missing"):
        image_tower(checkpoint, pretrained, "small")
    del checkpoint[f"{inside}.q_proj.weight"]
    with pytest.raises(
        CheckpointError,
        match=rf"missing: {inside}\.q_proj\.weight, {inside}\.k_proj\.weight, {inside}\.v_proj",
    ):
        image_tower(checkpoint, pretrained, "small")


def test_another_number_of_blocks(clip: Any, pretrained: Tensors) -> None:
    deeper = transformers_clip(SMALL._replace(num_blocks=5)).state_dict()
    with pytest.raises(CheckpointError, match="5 blocks, the chosen small has 3: pick the model"):
        image_tower(deeper, pretrained, "small")
    assert "visual.transformer.resblocks.4.attn.in_proj_weight" in find_tower(deeper).weights


def test_a_projection_that_should_be_there_is_not_replaced(clip: Any, pretrained: Tensors) -> None:
    """Only layouts that never have one take the chosen model's own."""
    whole = clip.state_dict()
    del whole["visual_projection.weight"]
    with pytest.raises(CheckpointError, match=r"missing: visual_projection\.weight"):
        image_tower(whole, pretrained, "small")
    with pytest.raises(CheckpointError, match=r"missing: visual\.proj"):
        image_tower({name: t for name, t in pretrained.items() if name != "visual.proj"}, pretrained, "small")


@pytest.mark.parametrize(
    "names", [["a", "b"], ["blocks.0.norm1.weight"], ["image_encoder.model.visual.proj"]]
)
def test_no_tower_of_a_clip(pretrained: Tensors, names: list[str]) -> None:
    with pytest.raises(
        CheckpointError, match=rf"no image tower of a CLIP among {len(names)} names \('{names[0]}"
    ):
        image_tower({name: torch.ones(1) for name in names}, pretrained, "small")


def test_a_text_tower_alone_is_refused_by_name(pretrained: Tensors) -> None:
    with pytest.raises(CheckpointError, match=r"unexpected: token_embedding\.weight"):
        image_tower(TEXT | BLOCKS, pretrained, "small")


def test_names_outside_the_wrapper_are_refused(pretrained: Tensors, tower: Tensors) -> None:
    with pytest.raises(CheckpointError, match=r"^Unknown parameter name .*other\.logit_scale'"):
        image_tower(under("module.model.", tower) | {"other.logit_scale": torch.ones(1)}, pretrained, "small")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"classification_head.weight": torch.ones(5, 7)},
            r"weight \(5, 7\) and bias \(5,\), expected \(classes, 6\)",
        ),
        ({"classification_head.bias": torch.zeros(4)}, r"weight \(5, 6\) and bias \(4,\)"),
        ({"classification_head.weight": torch.ones(6)}, r"weight \(6,\)"),
        (
            {"classification_head.bias": torch.zeros(5).long()},
            r"classification_head\.bias .* not floating-point",
        ),
        (
            {"classification_head.weight": torch.full((5, 6), torch.inf)},
            r"classification_head\.weight .* not finite",
        ),
        (
            {"classification_head.scale": torch.ones(1)},
            r"^Unknown parameter .*classification_head\.scale'",
        ),
    ],
)
def test_heads_that_do_not_fit(pretrained: Tensors, tower: Tensors, change: Tensors, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        image_tower(under("model.", tower) | HEAD | change, pretrained, "small")


def test_half_a_head(pretrained: Tensors, tower: Tensors) -> None:
    checkpoint = under("model.", tower) | {"classification_head.weight": torch.ones(5, 6)}
    with pytest.raises(CheckpointError, match=r"incomplete: 'classification_head\.bias' is missing"):
        image_tower(checkpoint, pretrained, "small")
