"""One tower in every public layout: found, renamed exactly, and refused by name when it is not whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from evaluators.encoder.torchvision_operators import declare_missing_operators
from lines_core.checkpoints import read_checkpoint, save_checkpoint
from lines_core.clip_layouts.image_tower import find_tower, image_tower, unused_differences
from lines_core.clip_layouts.layouts import LAYOUTS
from lines_core.errors import CheckpointError

Tensors = dict[str, Tensor]


class Size(NamedTuple):
    """Patch, tokens and depth of a public model; narrow, so that a test is quick."""

    title: str
    patch: int
    num_blocks: int
    heads: int
    embed: int
    width: int = 48


SIZES = (Size("B/32", 32, 12, 12, 8), Size("B/16", 16, 12, 12, 8), Size("L/14", 14, 24, 16, 12))
SMALL = Size("small", 32, 3, 4, 6, 16)


def transformers_clip(size: Size) -> Any:
    """A whole CLIP of transformers with every parameter random: as made, its biases are 0 and gains 1."""
    declare_missing_operators()
    from transformers import CLIPConfig, CLIPModel

    config = CLIPConfig(
        projection_dim=size.embed,
        vision_config={
            "hidden_size": size.width,
            "intermediate_size": 4 * size.width,
            "num_hidden_layers": size.num_blocks,
            "num_attention_heads": size.heads,
            "image_size": 224,
            "patch_size": size.patch,
            "hidden_act": "quick_gelu",
        },
        text_config={
            "hidden_size": 8,
            "intermediate_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "vocab_size": 8,
            "bos_token_id": 6,
            "eos_token_id": 7,
        },
    )
    clip = CLIPModel(config)
    clip.train(False)
    randomise(clip, seed=0)
    return clip


def open_clip_tower(size: Size) -> nn.Module:
    """The image tower of open_clip's ``-quickgelu`` configurations."""
    declare_missing_operators()
    from open_clip.transformer import QuickGELU, VisionTransformer

    tower: nn.Module = VisionTransformer(
        224,
        size.patch,
        size.width,
        size.num_blocks,
        size.heads,
        mlp_ratio=4.0,
        output_dim=size.embed,
        act_layer=QuickGELU,
    )
    randomise(tower, seed=1)
    return tower.eval()


@torch.no_grad()
def randomise(module: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        spread = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
        parameter.normal_(1.0 if parameter.ndim == 1 else 0.0, spread, generator=generator)


def under(prefix: str, tensors: Tensors) -> Tensors:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def visual(tower: nn.Module) -> Tensors:
    return under("visual.", {name: tensor.detach() for name, tensor in tower.state_dict().items()})


# --- the same features ---


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.title)
@torch.no_grad()
def test_features_are_those_of_transformers(size: Size) -> None:
    """Read by either library, the same file gives the same features; q, k and v in another order do not."""
    source, target = transformers_clip(size), open_clip_tower(size)
    images = torch.randn(3, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    expected = source.get_image_features(pixel_values=images).pooler_output
    found = image_tower(source.state_dict(), visual(target), size.title)
    assert found.layout == "transformers CLIPModel"
    assert (target(images) - expected).abs().max() > 0.1, "equal before anything was loaded"
    target.load_state_dict({name.removeprefix("visual."): tensor for name, tensor in found.weights.items()})
    torch.testing.assert_close(target(images), expected, rtol=0, atol=1e-5)
    assert expected.abs().mean() > 0.1, "too small for an absolute difference to say anything"


@torch.no_grad()
def test_a_vision_tower_takes_the_projection_of_the_chosen_model() -> None:
    """tanganke's files end before the projection, which was frozen: hidden state times our `proj`."""
    source, target = transformers_clip(SMALL), open_clip_tower(SMALL)
    pretrained = visual(target)
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    expected = source.vision_model(pixel_values=images).pooler_output @ pretrained["visual.proj"]
    found = image_tower(vision_model(source), pretrained, "small")
    assert found.weights["visual.proj"] is pretrained["visual.proj"]
    target.load_state_dict({name.removeprefix("visual."): tensor for name, tensor in found.weights.items()})
    torch.testing.assert_close(target(images), expected, rtol=0, atol=1e-5)


# --- every layout ---


def vision_model(clip: Any) -> Tensors:
    return {name: t for name, t in clip.state_dict().items() if name.startswith("vision_model.")}


@pytest.fixture(scope="module")
def clip() -> Any:
    return transformers_clip(SMALL)


@pytest.fixture(scope="module")
def pretrained() -> Tensors:
    return visual(open_clip_tower(SMALL))


@pytest.fixture(scope="module")
def tower(clip: Any, pretrained: Tensors) -> Tensors:
    """The reference for all layouts; the tests above show that its features are right."""
    return image_tower(clip.state_dict(), pretrained, "small").weights


TEXT = {
    "token_embedding.weight": torch.arange(6.0).reshape(3, 2),
    "positional_embedding": torch.ones(4, 2),
    "ln_final.weight": torch.ones(2),
    "ln_final.bias": torch.zeros(2),
    "text_projection": torch.eye(2),
    "logit_scale": torch.tensor(4.6),
}
BLOCKS = {"transformer.resblocks.0.ln_1.weight": torch.ones(2)}
HEAD = {"classification_head.weight": torch.ones(5, 6), "classification_head.bias": torch.zeros(5)}


def layouts(clip: Any, tower: Tensors) -> dict[str, tuple[Tensors, list[str]]]:
    """Title -> the checkpoint, and what is unused in it."""
    bare = {name.removeprefix("visual."): tensor for name, tensor in tower.items()}
    flat = {name.removeprefix("vision_model."): tensor for name, tensor in vision_model(clip).items()}
    projection = {"visual_projection.weight": clip.visual_projection.weight.detach()}
    ids = {"embeddings.position_ids": torch.arange(50).reshape(1, -1)}
    rest = {n: t for n, t in clip.state_dict().items() if n.startswith("text_") or n == "logit_scale"}
    rest["text_model.embeddings.position_ids"] = torch.arange(77).reshape(1, -1)
    soup = under("model.", tower | TEXT) | HEAD
    return {
        "model soups: open_clip, prefix model., with a classification head": (
            soup,
            list(under("model.", TEXT)),
        ),
        "open_clip, prefix model.": (under("model.", tower | TEXT), list(under("model.", TEXT))),
        "open_clip": (TEXT | BLOCKS | tower, [*TEXT, *BLOCKS]),
        "open_clip, image tower alone": (bare, []),
        "transformers CLIPModel": (
            clip.state_dict() | rest | under("vision_model.", ids),
            [*rest, *under("vision_model.", ids)],
        ),
        "transformers CLIPVisionModelWithProjection": (vision_model(clip) | projection, []),
        "transformers CLIPVisionModel, prefix vision_model.": (
            vision_model(clip) | under("vision_model.", ids),
            list(under("vision_model.", ids)),
        ),
        "transformers CLIPVisionModel": (flat | ids, list(ids)),
    }


def test_every_row_of_the_table_is_tested(clip: Any, tower: Tensors) -> None:
    assert set(layouts(clip, tower)) == {layout.title for layout in LAYOUTS}


@pytest.mark.parametrize("wrapper", ["", "module."])
@pytest.mark.parametrize("title", [layout.title for layout in LAYOUTS])
def test_every_layout_gives_the_same_tower(
    clip: Any, pretrained: Tensors, tower: Tensors, title: str, wrapper: str
) -> None:
    checkpoint, unused = layouts(clip, tower)[title]
    found = image_tower(under(wrapper, checkpoint), pretrained, "small")
    assert found.layout == title + (", under module." if wrapper else "")
    assert list(found.weights) == list(pretrained)
    expected = dict(tower)
    if "CLIPVisionModel" in title and "Projection" not in title:
        expected["visual.proj"] = pretrained["visual.proj"]
    assert all(torch.equal(found.weights[name], tensor) for name, tensor in expected.items())
    assert sorted(found.unused) == sorted(wrapper + name for name in unused)
    if title.startswith("model soups"):
        assert found.head is not None
        assert torch.equal(found.head[0], HEAD["classification_head.weight"])
        assert torch.equal(found.head[1], HEAD["classification_head.bias"])
    else:
        assert found.head is None


def test_joined_in_the_order_query_key_value(clip: Any, tower: Tensors) -> None:
    attention = clip.vision_model.encoder.layers[2].self_attn
    weight, bias = (
        tower[f"visual.transformer.resblocks.2.attn.in_proj_{kind}"] for kind in ("weight", "bias")
    )
    for part, module in zip((0, 16, 32), (attention.q_proj, attention.k_proj, attention.v_proj), strict=True):
        assert torch.equal(weight[part : part + 16], module.weight)
        assert torch.equal(bias[part : part + 16], module.bias)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_dtype_of_the_file_is_kept(clip: Any, pretrained: Tensors, dtype: torch.dtype) -> None:
    found = image_tower({n: t.to(dtype) for n, t in clip.state_dict().items()}, pretrained, "small")
    assert {tensor.dtype for tensor in found.weights.values()} == {dtype}


def test_only_the_joined_weights_are_copied(clip: Any, pretrained: Tensors, tower: Tensors) -> None:
    """A needless copy of ViT-L/14's tower would be 1.2 GB."""
    for checkpoint, _ in layouts(clip, tower).values():
        own = {tensor.untyped_storage().data_ptr() for tensor in (*checkpoint.values(), *pretrained.values())}
        found = image_tower(checkpoint, pretrained, "small")
        copied = {n for n, t in found.weights.items() if t.untyped_storage().data_ptr() not in own}
        assert all(".attn.in_proj_" in name for name in copied)


def test_nothing_handed_in_is_changed(clip: Any, pretrained: Tensors) -> None:
    checkpoint = vision_model(clip)
    names, numbers = list(checkpoint), {name: tensor.clone() for name, tensor in checkpoint.items()}
    before = list(pretrained)
    image_tower(checkpoint, pretrained, "small")
    assert list(checkpoint) == names
    assert list(pretrained) == before
    assert all(torch.equal(checkpoint[name], tensor) for name, tensor in numbers.items())


def test_what_transformers_saves_is_read(tmp_path: Path, clip: Any, pretrained: Tensors) -> None:
    """Version 5 has flat names in memory, and takes files with the prefix of old."""
    declare_missing_operators()
    from transformers import CLIPVisionModel

    model = CLIPVisionModel(clip.config.vision_config)
    randomise(model, seed=4)
    expected = image_tower(model.state_dict(), pretrained, "small")
    assert expected.layout == "transformers CLIPVisionModel"
    model.save_pretrained(tmp_path)
    save_checkpoint(tmp_path / "old.safetensors", under("vision_model.", model.state_dict()))
    for file in ("model.safetensors", "old.safetensors"):
        found = image_tower(read_checkpoint(tmp_path / file), pretrained, "small")
        assert all(torch.equal(tensor, expected.weights[name]) for name, tensor in found.weights.items())
    (tmp_path / "old.safetensors").replace(tmp_path / "model.safetensors")
    again = CLIPVisionModel.from_pretrained(tmp_path).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in model.state_dict().items())


# --- refusals ---


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"adapter.weight": torch.ones(1)},
            r"\(open_clip, prefix model\.\): \'adapter\.weight\'",
        ),
        ({"visual.proj": torch.ones(1)}, r"^Unknown parameter name .*visual\.proj'"),
        ({"logit_scale": torch.ones(1)}, r"^Unknown parameter name .*logit_scale'"),
        ({"model.visual.extra": torch.ones(1)}, r"unexpected: visual\.extra"),
        (
            {"model.visual.proj": torch.ones(6, 16)},
            r"wrong shape: visual\.proj is \(6, 16\), expected \(16, 6\)",
        ),
        ({"model.visual.ln_pre.bias": torch.full((16,), torch.nan)}, r"not finite: visual\.ln_pre\.bias"),
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
            r"q, k and v of vision_model\.encoder\.layers\.1 cannot be joined, their weight is "
            r"\(16, 16\) torch\.float32, \(8, 16\)",
        ),
        (
            {"vision_model.encoder.layers.1.self_attn.q_proj.bias": torch.ones(16).half()},
            r"cannot be joined, their bias is \(16,\) torch\.float16",
        ),
        (
            {f"vision_model.encoder.layers.1.self_attn.{x}_proj.bias": torch.tensor(1.0) for x in "qkv"},
            r"cannot be joined, their bias is \(\) torch\.float32",
        ),
        ({"visual_projection.weight": torch.ones(6)}, r"wrong shape: visual\.proj is \(6,\)"),
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
        CheckpointError, match=r"missing: visual\.transformer\.resblocks\.2\.attn\.in_proj_weight"
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
    with pytest.raises(CheckpointError, match=r"missing: visual\.proj"):
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
    with pytest.raises(CheckpointError, match=r"unexpected: visual\.token_embedding\.weight"):
        image_tower(TEXT | BLOCKS, pretrained, "small")


def test_names_outside_the_wrapper_are_refused(pretrained: Tensors, tower: Tensors) -> None:
    with pytest.raises(CheckpointError, match=r"^Unknown parameter name .*model\.logit_scale'"):
        image_tower(under("module.model.", tower) | {"model.logit_scale": torch.ones(1)}, pretrained, "small")


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


# --- what is left of the text tower ---


def test_differences_of_the_leftovers(pretrained: Tensors, tower: Tensors) -> None:
    full = pretrained | TEXT | BLOCKS
    checkpoint = under("model.", tower | TEXT)
    assert unused_differences(checkpoint, full) == dict.fromkeys(under("model.", TEXT), 0.0)
    checkpoint["model.ln_final.bias"] = torch.tensor([0.25, -0.5])
    checkpoint["model.logit_scale"] = torch.tensor(torch.nan)
    checkpoint["model.text_projection"] = torch.eye(2, dtype=torch.float16)
    differences = unused_differences(checkpoint, full)
    assert differences["model.ln_final.bias"] == 0.5
    assert differences["model.logit_scale"] == float("inf")
    assert differences["model.text_projection"] == 0.0
    assert sum(difference > 0 for difference in differences.values()) == 2


@pytest.mark.parametrize("wrapper", ["", "module."])
def test_differences_in_the_other_layouts(
    clip: Any, pretrained: Tensors, tower: Tensors, wrapper: str
) -> None:
    full = pretrained | TEXT | BLOCKS
    expected = {
        "open_clip": [*TEXT, *BLOCKS],
        "open_clip, prefix model.": list(under("model.", TEXT)),
        "model soups: open_clip, prefix model., with a classification head": list(under("model.", TEXT)),
    }
    for title, (checkpoint, _) in layouts(clip, tower).items():
        differences = unused_differences(under(wrapper, checkpoint), full)
        assert differences == {wrapper + name: 0.0 for name in expected.get(title, [])}


def test_leftovers_of_another_text_tower(pretrained: Tensors, tower: Tensors) -> None:
    checkpoint = under("model.", tower | TEXT) | {"model.positional_embedding": torch.ones(5, 2)}
    with pytest.raises(CheckpointError, match=r"model\.positional_embedding is \(5, 2\), .* \(4, 2\)"):
        unused_differences(checkpoint, pretrained | TEXT)


def test_a_saved_tower_is_found_again(tmp_path: Path, make_tower: Callable[..., Tensors]) -> None:
    """What `save_checkpoint` writes of a tower with the prefix is the layout open_clip."""
    tower = make_tower()
    save_checkpoint(tmp_path / "a.safetensors", tower)
    found = image_tower(read_checkpoint(tmp_path / "a.safetensors"), tower, "small")
    assert found.layout == "open_clip"
    assert all(torch.equal(found.weights[name], tensor) for name, tensor in tower.items())
