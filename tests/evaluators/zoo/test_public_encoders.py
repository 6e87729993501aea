"""The table of public encoders agrees with open_clip's models."""

import pytest
import torch

from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.zoo import ENCODERS, Encoder, encoder_with_shapes


def shapes_of(encoder: Encoder) -> dict[str, tuple[int, ...]]:
    """Shapes of open_clip's own model, which takes no memory to build."""
    open_clip = import_open_clip()
    with torch.device("meta"):
        clip = open_clip.CLIP(**open_clip.get_model_config(encoder.open_clip))
    return {name: tuple(tensor.shape) for name, tensor in clip.named_parameters()}


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=lambda encoder: encoder.key)
def test_encoders_are_open_clips(encoder: Encoder) -> None:
    open_clip = import_open_clip()
    config = open_clip.get_model_config(encoder.open_clip)
    assert config["quick_gelu"] is True, "OpenAI's weights need it"
    vision = config["vision_cfg"]
    assert (vision["layers"], vision["width"]) == (encoder.num_blocks, encoder.width)
    assert (vision["patch_size"], vision["image_size"]) == (encoder.patch_size, encoder.image_size)
    assert config["embed_dim"] == encoder.embed_dim
    source = open_clip.get_pretrained_cfg(encoder.open_clip, "openai")
    assert source["hf_hub"].rstrip("/") == encoder.repo
    assert (source["mean"], source["std"]) == (encoder.mean, encoder.std)
    assert (source["interpolation"], source["resize_mode"]) == ("bicubic", "shortest")

    sizes = {name: torch.Size(shape).numel() for name, shape in shapes_of(encoder).items()}
    assert sum(sizes.values()) == encoder.parameters
    tower = sum(size for name, size in sizes.items() if name.startswith("visual."))
    assert tower == encoder.tower_parameters
    assert encoder.megabytes == pytest.approx(4 * encoder.parameters / 1e6, abs=0.6), "float32 on the Hub"


def test_parameter_counts() -> None:
    assert {key: (e.parameters, e.tower_parameters, e.num_blocks) for key, e in ENCODERS.items()} == {
        "ViT-B-32": (151_277_313, 87_849_216, 12),
        "ViT-B-16": (149_620_737, 86_192_640, 12),
        "ViT-L-14": (427_616_513, 303_966_208, 24),
    }
    assert all(key == encoder.key for key, encoder in ENCODERS.items())


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=lambda encoder: encoder.key)
def test_shapes_tell_the_encoder(encoder: Encoder) -> None:
    shapes = shapes_of(encoder)
    assert encoder_with_shapes(shapes) is encoder
    without_proj = {name: shape for name, shape in shapes.items() if name != "visual.proj"}
    assert encoder_with_shapes(without_proj) is encoder, "transformers' vision tower has none"


@pytest.mark.parametrize(
    "change",
    [
        {"visual.proj": (768, 640)},
        {"visual.positional_embedding": (82, 768)},  # 288 pixels a side
        {"visual.transformer.resblocks.12.ln_1.bias": (768,)},
    ],
)
def test_other_shapes_are_of_no_encoder(change: dict[str, tuple[int, ...]]) -> None:
    assert encoder_with_shapes(shapes_of(ENCODERS["ViT-B-32"]) | change) is None


def test_incomplete_shapes_are_of_no_encoder() -> None:
    shapes = shapes_of(ENCODERS["ViT-B-32"])
    last = "visual.transformer.resblocks.11."
    assert encoder_with_shapes({}) is None
    assert encoder_with_shapes({name: shapes[name] for name in shapes if not name.startswith(last)}) is None
    assert encoder_with_shapes({name.removeprefix("visual."): shapes[name] for name in shapes}) is None
