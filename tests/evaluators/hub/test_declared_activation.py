"""What configurations of open_clip and transformers say of the activation, and who is contradicted."""

import json
from typing import Any

import pytest
import torch

from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.encoder.torchvision_operators import declare_missing_operators
from evaluators.hub.declared_activation import (
    CONFIGS,
    DeclaredActivation,
    activation_of,
    check_activation,
    declared_activation,
)
from lines_core.errors import CheckpointError

OPEN_CLIP, TRANSFORMERS = CONFIGS


@pytest.mark.parametrize(
    ("file", "config", "activation"),
    [
        (OPEN_CLIP, {"model_cfg": {"quick_gelu": True, "vision_cfg": {}}}, "QuickGELU"),
        (OPEN_CLIP, {"model_cfg": {"vision_cfg": {}}}, "GELU"),
        (OPEN_CLIP, {"embed_dim": 512, "vision_cfg": {}}, "GELU"),
        (OPEN_CLIP, {"model_cfg": {"vision_cfg": {"timm_model_name": "vit_base"}}}, ""),
        (OPEN_CLIP, {"model_cfg": [1]}, ""),
        (TRANSFORMERS, {"model_type": "clip", "vision_config": {"hidden_act": "gelu"}}, "GELU"),
        (TRANSFORMERS, {"model_type": "clip", "vision_config": {}}, "QuickGELU"),
        (TRANSFORMERS, {"model_type": "clip"}, "QuickGELU"),
        (TRANSFORMERS, {"model_type": "clip", "vision_config": None}, ""),
        (TRANSFORMERS, {"model_type": "clip_vision_model", "hidden_act": "quick_gelu"}, "QuickGELU"),
        (TRANSFORMERS, {"model_type": "clip_vision_model", "hidden_act": "silu"}, "'silu'"),
        (TRANSFORMERS, {"model_type": "clip_vision_model", "hidden_act": ["gelu"]}, ""),
        (TRANSFORMERS, {"model_type": "siglip", "hidden_act": "gelu"}, ""),
        (TRANSFORMERS, [], ""),
    ],
)
def test_declared(file: str, config: Any, activation: str) -> None:
    assert declared_activation(file, json.dumps(config)) == DeclaredActivation(file, activation)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '"x"', "NaN", "\ufffd"])
def test_no_configuration_at_all(text: str) -> None:
    assert declared_activation(TRANSFORMERS, text).activation == ""


def test_what_the_libraries_write() -> None:
    declare_missing_operators()
    from transformers import CLIPConfig, CLIPVisionConfig

    for config, expected in (
        (CLIPConfig(), "QuickGELU"),
        (CLIPConfig(vision_config={"hidden_act": "gelu"}), "GELU"),
        (CLIPVisionConfig(), "QuickGELU"),
        (CLIPVisionConfig(hidden_act="gelu"), "GELU"),
    ):
        for use_diff in (True, False):
            text = config.to_json_string(use_diff=use_diff)
            assert declared_activation(TRANSFORMERS, text).activation == expected
    open_clip = import_open_clip()
    for name, expected in (("ViT-B-32-quickgelu", "QuickGELU"), ("ViT-B-32", "GELU")):
        config = open_clip.get_model_config(name)
        assert declared_activation(OPEN_CLIP, json.dumps({"model_cfg": config})).activation == expected
        with torch.device("meta"):
            assert activation_of(open_clip.CLIP(**config).visual) == expected


def test_a_contradiction_is_refused_and_silence_is_said() -> None:
    says = check_activation(DeclaredActivation(TRANSFORMERS, "GELU"), "Tiny CLIP", "GELU")
    assert says == "Activation: GELU, as config.json says."
    with pytest.raises(
        CheckpointError, match=r"config\.json .* says GELU, but CLIP ViT-B/32 computes with Quick"
    ):
        check_activation(DeclaredActivation(TRANSFORMERS, "GELU"), "CLIP ViT-B/32", "QuickGELU")
    for declared in (None, DeclaredActivation(OPEN_CLIP, "")):
        assert "QuickGELU is assumed" in check_activation(declared, "CLIP ViT-B/32", "QuickGELU")
