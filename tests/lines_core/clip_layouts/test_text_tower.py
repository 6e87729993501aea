"""Text towers of every layout in open_clip's names: equal weights, and equal features where renamed."""

from typing import Any

import pytest
import torch

from evaluators.encoder.open_clip_import import import_open_clip
from lines_core.clip_layouts.image_tower import find_tower
from lines_core.clip_layouts.text_tower import text_tower
from lines_core.errors import CheckpointError
from tests.lines_core.clip_layouts.towers import BLOCKS, TEXT, Tensors, layouts, under

PRETRAINED = TEXT | BLOCKS


def found_in(checkpoint: Tensors, pretrained: Tensors) -> Tensors:
    return text_tower(checkpoint, find_tower(checkpoint).unused, pretrained)


@pytest.mark.parametrize("wrapper", ["", "module."])
def test_every_layout_of_open_clip(clip: Any, tower: Tensors, wrapper: str) -> None:
    expected = {
        "open_clip": PRETRAINED,
        "open_clip, prefix model.": TEXT,
        "model soups: open_clip, prefix model., with a classification head": TEXT,
    }
    for title, (checkpoint, _) in layouts(clip, tower).items():
        if not title.startswith("transformers CLIPModel"):
            found = found_in(under(wrapper, checkpoint), PRETRAINED)
            assert found == expected.get(title, {})


@torch.no_grad()
def test_features_are_those_of_transformers(clip: Any) -> None:
    open_clip = import_open_clip()
    sizes = {"context_length": 77, "vocab_size": 8, "width": 8, "heads": 1, "layers": 1, "mlp_ratio": 1.0}
    image = {"image_size": 8, "patch_size": 8, "width": 8, "layers": 1, "head_width": 8}
    target = open_clip.CLIP(embed_dim=6, vision_cfg=image, text_cfg=sizes, quick_gelu=True).eval()
    pretrained = {name: t for name, t in target.state_dict().items() if not name.startswith("visual.")}
    found = found_in(clip.state_dict(), pretrained)
    assert found.keys() == pretrained.keys()
    tokens = torch.full((1, 77), 0)
    tokens[0, :5] = torch.tensor([6, 1, 2, 3, 7])
    expected = clip.get_text_features(input_ids=tokens).pooler_output
    assert (target.encode_text(tokens) - expected).abs().max() > 0.01, "equal before anything was loaded"
    target.load_state_dict(found, strict=False)
    torch.testing.assert_close(target.encode_text(tokens), expected, rtol=0, atol=1e-5)


def test_another_text_tower_is_refused_and_an_incomplete_one_left_out(clip: Any, tower: Tensors) -> None:
    checkpoint = under("model.", tower | TEXT) | {"model.positional_embedding": torch.ones(5, 2)}
    with pytest.raises(CheckpointError, match=r"positional_embedding is \(5, 2\), .* \(4, 2\)"):
        found_in(checkpoint, TEXT)
    whole = dict(clip.state_dict())
    del whole["text_model.encoder.layers.0.self_attn.k_proj.bias"]
    joined = [f"transformer.resblocks.0.attn.in_proj_{kind}" for kind in ("weight", "bias")]
    pretrained = dict(zip(joined, (torch.ones(24, 8), torch.ones(24)), strict=True))
    assert list(found_in(whole, pretrained)) == joined[:1]
