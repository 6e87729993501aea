"""The flat vector: where each parameter lies, and a module whose parameters are views into it."""

import random

import pytest
import torch
from torch import Tensor, nn

from lines_core.errors import LayerError
from lines_core.flat import FlatLayout, adopt, is_adopted

Tower = dict[str, Tensor]


def test_layout_worked_by_hand() -> None:
    layout = FlatLayout.of(
        {
            "proj": torch.zeros(2, 2),
            "transformer.resblocks.1.w": torch.zeros(5),
            "transformer.resblocks.0.w": torch.zeros(2, 3),
            "conv1.weight": torch.zeros(3),
        }
    )
    assert layout.names == ("conv1.weight", "transformer.resblocks.0.w", "transformer.resblocks.1.w", "proj")
    assert layout.shapes == (torch.Size([3]), torch.Size([2, 3]), torch.Size([5]), torch.Size([2, 2]))
    assert layout.offsets == (0, 3, 9, 14)
    assert layout.numel == 18
    assert layout.num_blocks == 2
    assert [layout.segment(i) for i in range(4)] == [slice(0, 3), slice(3, 9), slice(9, 14), slice(14, 18)]


def test_flatten_and_unflatten_are_inverse(pretrained: Tower) -> None:
    layout = FlatLayout.of(pretrained)
    vector = layout.flatten(pretrained)
    assert vector.shape == (sum(tensor.numel() for tensor in pretrained.values()),)
    assert vector.dtype == torch.float32
    named = layout.unflatten(vector)
    assert tuple(named) == layout.names
    assert set(named) == set(pretrained)
    for name, tensor in pretrained.items():
        assert torch.equal(named[name], tensor)
    vector.zero_()
    assert all(not view.any() for view in named.values()), "views, not copies"


def test_the_order_of_the_dictionary_does_not_matter(pretrained: Tower) -> None:
    shuffled = dict(random.Random(0).sample(list(pretrained.items()), len(pretrained)))
    layout = FlatLayout.of(pretrained)
    assert FlatLayout.of(shuffled) == layout
    assert torch.equal(layout.flatten(shuffled), layout.flatten(pretrained))


def test_flatten_takes_half_precision_and_other_strides(pretrained: Tower) -> None:
    layout = FlatLayout.of(pretrained)
    half = {name: tensor.half() for name, tensor in pretrained.items()}
    assert torch.equal(layout.flatten(half), layout.flatten(pretrained).half().float())
    strided = dict(pretrained)
    strided["visual.proj"] = pretrained["visual.proj"].t().contiguous().t()
    assert not strided["visual.proj"].is_contiguous()
    assert torch.equal(layout.flatten(strided), layout.flatten(pretrained))
    assert layout.flatten(pretrained, torch.bfloat16).dtype == torch.bfloat16


def test_segments_out_of_range_are_refused(pretrained: Tower) -> None:
    layout = FlatLayout.of(pretrained)
    for index in (-1, 6):
        with pytest.raises(LayerError, match=f"Segments run from 0 to 5, got {index}"):
            layout.segment(index)


def test_int_tensors_are_refused(pretrained: Tower) -> None:
    layout = FlatLayout.of(pretrained)
    pretrained["visual.proj"] = pretrained["visual.proj"].long()
    with pytest.raises(LayerError, match=r"'visual\.proj' is torch\.int64; only floating-point"):
        FlatLayout.of(pretrained)
    with pytest.raises(LayerError, match=r"'visual\.proj' is torch\.int64; only floating-point"):
        layout.flatten(pretrained)


def test_other_names_and_shapes_are_refused(pretrained: Tower) -> None:
    layout = FlatLayout.of(pretrained)
    proj = pretrained.pop("visual.proj")
    with pytest.raises(LayerError, match=r"missing \['visual\.proj'\], unexpected \[\]"):
        layout.flatten(pretrained)
    with pytest.raises(LayerError, match=r"missing \['visual\.proj'\], unexpected \['proj'\]"):
        layout.flatten(pretrained | {"proj": proj})
    with pytest.raises(LayerError, match=r"'visual\.proj' is \(6, 8\), the layout has \(8, 6\)"):
        layout.flatten(pretrained | {"visual.proj": proj.t()})
    with pytest.raises(LayerError, match="on several devices"):
        layout.flatten(pretrained | {"visual.proj": proj.to("meta")})


def test_a_vector_of_another_size_cannot_be_unflattened(pretrained: Tower) -> None:
    layout = FlatLayout.of(pretrained)
    with pytest.raises(LayerError, match=f"contiguous vector of {layout.numel} weights, got"):
        layout.unflatten(torch.zeros(layout.numel + 1))
    with pytest.raises(LayerError, match="contiguous vector"):
        layout.unflatten(torch.zeros(2 * layout.numel)[::2])


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(4)
        self.mlp = nn.Sequential(nn.Linear(4, 4))


class Tower2(nn.Module):
    """Two blocks, registered so that neither names nor depth are in order: proj first."""

    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Parameter(torch.randn(4, 3))
        self.conv1 = nn.Linear(6, 4, bias=False)
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList([Block(), Block()])
        self.ln_post = nn.LayerNorm(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        for block in self.transformer.resblocks:  # type: ignore[union-attr]
            x = x + block.mlp(block.ln_1(x))
        features: Tensor = self.ln_post(x) @ self.proj
        return features


class Clip(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.randn(2, 4))
        self.visual = Tower2()
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList([Block()])


@pytest.fixture
def clip() -> Clip:
    torch.manual_seed(0)
    return Clip().eval()


def test_adopting_the_image_tower_of_a_clip(clip: Clip) -> None:
    before = {name: tensor.clone() for name, tensor in clip.state_dict().items()}
    parameters = dict(clip.named_parameters())
    x = torch.randn(5, 6)
    expected = clip.visual(x)
    layout, live = adopt(clip, "visual.")
    assert set(layout.names) == {name for name in before if name.startswith("visual.")}
    assert list(clip.state_dict()) == list(before)
    assert all(torch.equal(tensor, before[name]) for name, tensor in clip.state_dict().items())
    assert dict(clip.named_parameters()).keys() == parameters.keys()
    assert all(clip.get_parameter(name) is parameter for name, parameter in parameters.items())
    assert torch.equal(clip.visual(x), expected)
    assert is_adopted(clip, layout, live)
    live.zero_()
    assert not any(parameter.any() for parameter in clip.visual.parameters())
    assert torch.equal(clip.positional_embedding, before["positional_embedding"]), "the rest is left alone"
    text = "transformer.resblocks.0.mlp.0.weight"
    assert torch.equal(clip.get_parameter(text), before[text])


def test_the_layout_of_encoder_and_decoder_depends_on_the_part() -> None:
    named = {
        f"{stack}.block.{i}.layer.0.x": torch.ones(2) for stack in ("encoder", "decoder") for i in range(2)
    }
    assert FlatLayout.of(named).bounds == (0, 4, 6, 8, 8)
    assert FlatLayout.of(named, part="encoder").bounds == (0, 0, 2, 4, 8)
    assert FlatLayout.of(named, part="both").bounds == (0, 0, 4, 8, 8)


def test_adopted_parameters_lie_in_one_vector_in_depth_order(clip: Clip) -> None:
    layout, live = adopt(clip, "visual.")
    for name, offset in zip(layout.names, layout.offsets, strict=True):
        assert clip.get_parameter(name).data_ptr() == live[offset:].data_ptr()
    assert layout.segment(layout.num_blocks + 1).stop == live.numel()
    assert layout.names[-1] == "visual.proj"


def test_addresses_survive_loading_training_steps_and_edits(clip: Clip) -> None:
    layout, live = adopt(clip, "visual.")
    addresses = {name: tensor.data_ptr() for name, tensor in clip.state_dict().items()}
    clip.load_state_dict(Clip().state_dict())
    clip.visual(torch.randn(5, 6)).sum().backward()
    torch.optim.SGD(clip.parameters(), lr=0.1).step()
    live.mul_(0.5)
    assert {name: tensor.data_ptr() for name, tensor in clip.state_dict().items()} == addresses
    assert is_adopted(clip, layout, live)


def test_moving_the_module_parts_it_from_its_vector(clip: Clip) -> None:
    layout, live = adopt(clip, "visual.")
    clip.double()
    assert not is_adopted(clip, layout, live)
    assert not is_adopted(Clip(), layout, live)
    assert not is_adopted(nn.Linear(2, 2), layout, live)


def test_adopting_a_bare_tower_by_default_and_by_names_in_another_dtype(clip: Clip) -> None:
    layout, _ = adopt(clip.visual)
    assert layout.names[-1] == "proj"
    names = [f"visual.{name}" for name in layout.names]
    again, live = adopt(clip, names, torch.bfloat16)
    assert again.bounds == layout.bounds
    assert live.dtype == clip.visual.proj.dtype == torch.bfloat16
    assert clip.positional_embedding.dtype == torch.float32


def test_adopting_what_is_not_there_or_not_one_tower_is_refused(clip: Clip) -> None:
    with pytest.raises(LayerError, match=r"No parameter of the module starts with 'vision\.'"):
        adopt(clip, "vision.")
    with pytest.raises(LayerError, match=r"Not parameters of the module: \['visual\.projj'\]"):
        adopt(clip, ["visual.projj"])
    with pytest.raises(LayerError, match="lie outside the tower"):
        adopt(clip)


def test_a_refused_adoption_changes_nothing(clip: Clip) -> None:
    addresses = [parameter.data_ptr() for parameter in clip.parameters()]
    with pytest.raises(LayerError, match="outside the tower"):
        adopt(clip)
    assert [parameter.data_ptr() for parameter in clip.parameters()] == addresses
