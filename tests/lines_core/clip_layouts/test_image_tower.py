"""Image towers of every layout: equal weights, equal features."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from evaluators.encoder.torchvision_operators import declare_missing_operators
from lines_core.checkpoints import read_checkpoint, save_checkpoint
from lines_core.clip_layouts.image_tower import image_tower
from lines_core.clip_layouts.layouts import LAYOUTS
from lines_core.errors import CheckpointError
from tests.lines_core.clip_layouts.towers import (
    HEAD,
    SIZES,
    SMALL,
    TEXT,
    Size,
    Tensors,
    layouts,
    open_clip_tower,
    randomise,
    transformers_clip,
    under,
    vision_model,
    visual,
)


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
    assert found.borrowed == (("visual.proj",) if expected["visual.proj"] is not tower["visual.proj"] else ())
    assert all(torch.equal(found.weights[name], tensor) for name, tensor in expected.items())
    assert sorted(found.unused) == sorted(wrapper + name for name in unused)
    if title.startswith("model soups"):
        assert found.head is not None
        assert torch.equal(found.head[0], HEAD["classification_head.weight"])
        assert torch.equal(found.head[1], HEAD["classification_head.bias"])
    else:
        assert found.head is None


@pytest.mark.parametrize(
    "around",
    ["clip.", "image_encoder.model.", "model.clip_model.", "module.image_encoder.", "net.backbone.module."],
)
@pytest.mark.parametrize(
    "title", [layout.title for layout in LAYOUTS if not layout.title.startswith("model ")]
)
def test_prefixes_of_programs_are_peeled_in_any_order(
    clip: Any, pretrained: Tensors, tower: Tensors, title: str, around: str
) -> None:
    checkpoint, unused = layouts(clip, tower)[title]
    inside = {name.replace("transformer.", "transformer._orig_mod.", 1): t for name, t in checkpoint.items()}
    for state in (under(around, checkpoint), under(around, inside)):
        found = image_tower(state, pretrained, "small")
        assert all(
            torch.equal(found.weights[name], tensor) for name, tensor in tower.items() if name in state
        )
        assert len(found.unused) == len(unused)
        assert set(found.unused) <= set(state)
        assert "under " in found.layout


def test_two_towers_in_one_file_are_not_chosen_from(pretrained: Tensors, tower: Tensors) -> None:
    with pytest.raises(CheckpointError, match=r"Unknown parameter name .*under net\.\): 'clip\.visual"):
        image_tower(under("clip.", tower) | under("net.", tower), pretrained, "small")


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


def test_a_saved_tower_is_found_again(tmp_path: Path, make_tower: Callable[..., Tensors]) -> None:
    """What `save_checkpoint` writes of a tower with the prefix is the layout open_clip."""
    tower = make_tower()
    save_checkpoint(tmp_path / "a.safetensors", tower)
    found = image_tower(read_checkpoint(tmp_path / "a.safetensors"), tower, "small")
    assert found.layout == "open_clip"
    assert all(torch.equal(found.weights[name], tensor) for name, tensor in tower.items())


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_download_of_openai_is_read(tmp_path: Path, pretrained: Tensors, tower: Tensors, kind: int) -> None:
    """TorchScript of the whole model, compressed, with numbers of its configuration among the tensors."""
    root = torch.nn.Module()
    numbers = {"input_resolution": torch.tensor(224), "context_length": torch.tensor(77)}
    for name, tensor in (tower | TEXT | numbers).items():
        *path, last = name.split(".")
        module = root
        for part in path:
            if not hasattr(module, part):
                module.add_module(part, torch.nn.Module())
            module = getattr(module, part)
        module.register_buffer(last, tensor)
    torch.jit.save(torch.jit.script(root), tmp_path / "stored.pt")
    with zipfile.ZipFile(tmp_path / "stored.pt") as old, zipfile.ZipFile(tmp_path / "a.pt", "w", kind) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    found = image_tower(read_checkpoint(tmp_path / "a.pt"), pretrained, "small")
    assert found.layout == "open_clip"
    assert all(torch.equal(found.weights[name], tensor) for name, tensor in tower.items())
    assert set(found.unused) == {*TEXT, *numbers}
