"""The graphs compute what the towers compute, for any block count and width."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from evaluators.encoder.open_clip_folder import load_model
from evaluators.errors import LabError
from evaluators.labs.tiny_encoder import TinyEncoder
from evaluators.specs.edit_spec import Scales
from static.export.tower_graphs import image_graph, text_graph


@pytest.fixture(scope="module")
def encoder(lab: Path) -> TinyEncoder:
    return TinyEncoder(lab / "tiny_clip", torch.device("cpu"), torch.float32)


@pytest.fixture
def clip(lab: Path) -> Any:
    return load_model(lab / "tiny_clip").clip


def test_the_image_tower_with_any_weights(encoder: TinyEncoder) -> None:
    """One graph gives the features of the pre-trained and of an edited encoder: the weights are its input."""
    evaluator = ReferenceEvaluator(image_graph(encoder.loaded.clip, encoder.layout))
    images = torch.randn(3, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    for scales in (Scales((0.0,) * 4, 0.0, 0.0), Scales((0.1, 0.4, 0.7, 1.0), 0.1, 0.1)):
        encoder.write_edit("digits", scales)
        named = dict(encoder.loaded.clip.named_parameters())
        weights = encoder.layout.flatten({name: named[name] for name in encoder.layout.names})
        (features,) = evaluator.run(None, {"pixels": images.numpy(), "weights": weights.numpy()})
        expected = encoder.encode(images).numpy()
        assert np.abs(features - expected).max() < 1e-5 * np.abs(expected).max()


def test_the_graph_of_the_image_tower_holds_no_weight(encoder: TinyEncoder) -> None:
    content = image_graph(encoder.loaded.clip, encoder.layout)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    assert len(content) < encoder.layout.numel


def test_the_text_tower_gives_unit_features(clip: Any, encoder: TinyEncoder) -> None:
    content = text_graph(clip)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    tokens = encoder.loaded.tokenizer(["a cup", "", "two keys and a hat in a very long sentence about hats"])
    (features,) = ReferenceEvaluator(content).run(None, {"tokens": tokens.numpy().astype(np.int32)})
    expected = clip.encode_text(tokens, normalize=True).numpy()
    assert np.abs(features - expected).max() < 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda clip: setattr(clip.visual, "pool_type", "avg"), "class token"),
        (lambda clip: setattr(clip.visual.transformer.resblocks[1].mlp, "gelu", torch.nn.ReLU()), "ReLU"),
    ],
    ids=["pooling", "activation"],
)
def test_another_image_tower_is_refused(clip: Any, encoder: TinyEncoder, change: Any, message: str) -> None:
    change(clip)
    with pytest.raises(LabError, match=message):
        image_graph(clip, encoder.layout)


def test_an_unknown_part_of_a_text_tower_is_refused(clip: Any) -> None:
    clip.extra = torch.nn.Parameter(torch.zeros(1))
    with pytest.raises(LabError, match="does not fit this encoder: see 'extra'"):
        text_graph(clip)
