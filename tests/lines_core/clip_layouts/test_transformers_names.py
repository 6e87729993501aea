"""Conversion to the names of transformers: the inverse of `find_tower`, bit for bit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from evaluators.encoder.torchvision_operators import declare_missing_operators
from lines_core.clip_layouts.image_tower import find_tower
from lines_core.clip_layouts.transformers_names import transformers_names
from lines_core.errors import CheckpointError
from tests.lines_core.clip_layouts.towers import (
    Size,
    Tensors,
    open_clip_tower,
    randomise,
    transformers_clip,
    visual,
)

SIZE = Size("two-digit blocks", 32, 11, 2, 6, 16)


@pytest.fixture(scope="module")
def open_clip() -> Any:
    return open_clip_tower(SIZE)


@pytest.fixture(scope="module")
def tower(open_clip: Any) -> Tensors:
    return visual(open_clip)


def transformers_tower() -> Any:
    declare_missing_operators()
    from transformers import CLIPVisionModelWithProjection

    config = transformers_clip(SIZE).config.vision_config
    config.projection_dim = SIZE.embed
    module: Any = CLIPVisionModelWithProjection(config)
    randomise(module, seed=3)
    return module.eval()


def same(one: Tensors, other: Tensors) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_tower_comes_back_bit_for_bit(tower: Tensors) -> None:
    found = find_tower(transformers_names(tower))
    assert found.layout == "transformers CLIPVisionModelWithProjection"
    assert same(found.weights, tower)


def test_a_tower_of_transformers_comes_back_too() -> None:
    written = transformers_tower().state_dict()
    assert same(transformers_names(find_tower(written).weights), written)


def test_without_a_projection_it_is_the_vision_model(tower: Tensors) -> None:
    bare = {name: tensor for name, tensor in tower.items() if name != "visual.proj"}
    found = find_tower(transformers_names(bare))
    assert found.layout == "transformers CLIPVisionModel, prefix vision_model."
    assert same(found.weights, bare)


@torch.no_grad()
def test_features_in_transformers_are_those_of_open_clip(open_clip: Any, tower: Tensors) -> None:
    target = transformers_tower()
    images = torch.randn(3, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    expected = open_clip(images)
    assert (target(pixel_values=images).image_embeds - expected).abs().max() > 0.1, "equal before the load"
    target.load_state_dict(transformers_names(tower), strict=True)
    torch.testing.assert_close(target(pixel_values=images).image_embeds, expected, rtol=0, atol=1e-5)


def test_query_key_and_value_lie_in_this_order() -> None:
    inside = "transformer.resblocks.10.attn.in_proj"
    renamed = transformers_names(
        {
            f"visual.{inside}_weight": torch.arange(12.0).view(6, 2),
            f"visual.{inside}_bias": torch.arange(6.0),
            "visual.proj": torch.arange(6.0).view(3, 2),
        }
    )
    layer = "vision_model.encoder.layers.10.self_attn"
    assert {name: tensor.tolist() for name, tensor in renamed.items()} == {
        f"{layer}.q_proj.weight": [[0.0, 1.0], [2.0, 3.0]],
        f"{layer}.k_proj.weight": [[4.0, 5.0], [6.0, 7.0]],
        f"{layer}.v_proj.weight": [[8.0, 9.0], [10.0, 11.0]],
        f"{layer}.q_proj.bias": [0.0, 1.0],
        f"{layer}.k_proj.bias": [2.0, 3.0],
        f"{layer}.v_proj.bias": [4.0, 5.0],
        "visual_projection.weight": [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]],
    }


def test_nothing_is_copied(tower: Tensors) -> None:
    """A needless copy of ViT-L/14's tower would be 1.2 GB."""
    own = {tensor.untyped_storage().data_ptr() for tensor in tower.values()}
    assert {tensor.untyped_storage().data_ptr() for tensor in transformers_names(tower).values()} == own


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("logit_scale", torch.ones(1), r"no counterpart of 'logit_scale': keep open_clip's names"),
        ("visual.attn_pool.query", torch.ones(1), r"no counterpart of 'visual\.attn_pool\.query"),
        ("visual.transformer.resblocks.0.ls_1.gamma", torch.ones(1), r"no counterpart of .*ls_1\.gamma"),
        ("visual.transformer.resblocks.0.ls_1.weight", torch.ones(1), r"no counterpart of .*ls_1\.weight"),
        ("visual.transformer.resblocks.01.ln_1.weight", torch.ones(1), r"no counterpart of .*01\.ln_1"),
        (
            "visual.transformer.resblocks.0.attn.in_proj_weight",
            torch.ones(4, 2),
            r"in_proj_weight is \(4, 2\): q, k and v need a multiple of three",
        ),
        ("visual.transformer.resblocks.0.attn.in_proj_bias", torch.tensor(1.0), r"in_proj_bias is \(\)"),
        ("visual.proj", torch.ones(3), r"visual\.proj is \(3,\), expected a matrix"),
    ],
)
def test_what_has_no_place_is_refused(tower: Tensors, name: str, tensor: Tensor, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        transformers_names(tower | {name: tensor})


def test_many_unknown_names_are_counted(make_tower: Callable[..., Tensors]) -> None:
    tower = make_tower(prefix="")
    with pytest.raises(CheckpointError, match=r"class_embedding', 'positional_emb.* and 23 more: keep"):
        transformers_names(tower)
