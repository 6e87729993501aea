import pytest
import torch

from lines_core.errors import MergeError
from lines_core.flat import FlatLayout
from lines_core.learned_coefficients import GRAINS, CoefficientGroups, WeightedMerge

BLOCKS, WIDTH = 3, 4


def named() -> dict[str, torch.Tensor]:
    """A ViT's names in small: outside before, three blocks, outside after."""
    shapes = {
        "visual.conv1.weight": (WIDTH, 3),
        "visual.class_embedding": (WIDTH,),
        "visual.ln_post.weight": (WIDTH,),
        "visual.proj": (WIDTH, 2),
    }
    for block in range(BLOCKS):
        prefix = f"visual.transformer.resblocks.{block}"
        shapes |= {
            f"{prefix}.ln_1.weight": (WIDTH,),
            f"{prefix}.attn.in_proj_weight": (3 * WIDTH, WIDTH),
            f"{prefix}.attn.out_proj.weight": (WIDTH, WIDTH),
            f"{prefix}.ln_2.weight": (WIDTH,),
            f"{prefix}.mlp.c_fc.weight": (2 * WIDTH, WIDTH),
        }
    return {name: torch.empty(shape) for name, shape in shapes.items()}


@pytest.fixture
def layout() -> FlatLayout:
    return FlatLayout.of(named())


def vectors(layout: FlatLayout, count: int, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(layout.numel, generator=generator, dtype=dtype) for _ in range(count)]


def test_groups_divide_the_blocks_and_no_more(layout: FlatLayout) -> None:
    block, half, tensor = (CoefficientGroups.of(layout, grain) for grain in GRAINS)
    assert (len(block), len(half), len(tensor)) == (BLOCKS + 2, 2 * BLOCKS + 2, len(layout.names))
    assert block.segments == (0, 1, 2, 3, 4)
    assert half.parts.count("attention") == half.parts.count("mlp") == BLOCKS
    by_name = dict(zip(layout.names, half.of_tensor, strict=True))
    in_block = {name.rpartition("resblocks.1.")[2]: group for name, group in by_name.items() if ".1." in name}
    assert half.parts[in_block["ln_1.weight"]] == half.parts[in_block["attn.out_proj.weight"]] == "attention"
    assert half.parts[in_block["ln_2.weight"]] == half.parts[in_block["mlp.c_fc.weight"]] == "mlp"
    for groups in (block, half, tensor):
        assert sum(groups.sizes) == layout.numel
    with pytest.raises(MergeError, match="block, half, tensor"):
        CoefficientGroups.of(layout, "row")


@pytest.mark.parametrize("grain", GRAINS)
def test_one_coefficient_everywhere_is_task_arithmetic(layout: FlatLayout, grain: str) -> None:
    pretrained, *residuals = vectors(layout, 4, torch.float32)
    merge = WeightedMerge(layout, pretrained, residuals, CoefficientGroups.of(layout, grain))
    plain = pretrained + 0.3 * torch.stack(residuals).sum(dim=0)
    torch.testing.assert_close(merge.weights(torch.full(merge.shape, 0.3)), plain, atol=1e-6, rtol=0)
    assert torch.equal(merge.weights(torch.zeros(merge.shape)), pretrained)


def test_each_coefficient_scales_its_own_weights(layout: FlatLayout) -> None:
    """Task 1 is taken in block 2's MLP alone."""
    pretrained, *residuals = vectors(layout, 3)
    groups = CoefficientGroups.of(layout, "half")
    coefficients = torch.zeros(2, len(groups), dtype=torch.float64)
    coefficients[1, [*zip(groups.segments, groups.parts, strict=True)].index((2, "mlp"))] = 2.0
    changed = WeightedMerge(layout, pretrained, residuals, groups).weights(coefficients) - pretrained
    named = layout.unflatten(changed)
    own = layout.unflatten(residuals[1])
    for name, value in named.items():
        inside = "resblocks.1." in name and (".mlp." in name or ".ln_2." in name)
        torch.testing.assert_close(value, 2 * own[name] if inside else torch.zeros_like(value))


@pytest.mark.parametrize("grain", GRAINS)
def test_the_gradient_is_that_of_finite_differences(layout: FlatLayout, grain: str) -> None:
    pretrained, direction, *residuals = vectors(layout, 4)
    merge = WeightedMerge(layout, pretrained, residuals, CoefficientGroups.of(layout, grain))

    def loss(weights: torch.Tensor) -> torch.Tensor:
        return torch.tanh(weights).dot(direction) + weights.square().sum() / 7

    coefficients = torch.rand(merge.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    weights = merge.weights(coefficients).requires_grad_()
    torch.autograd.backward(loss(weights))
    assert weights.grad is not None
    found, step = merge.gradient(weights.grad), 1e-6
    for place in torch.cartesian_prod(*(torch.arange(size) for size in merge.shape)).tolist():
        nudge = torch.zeros(merge.shape, dtype=torch.float64)
        nudge[tuple(place)] = step
        rise = loss(merge.weights(coefficients + nudge)) - loss(merge.weights(coefficients - nudge))
        assert found[tuple(place)].item() == pytest.approx((rise / (2 * step)).item(), rel=1e-6, abs=1e-6)


def test_means_by_depth_count_every_weight_once(layout: FlatLayout) -> None:
    groups = CoefficientGroups.of(layout, "tensor")
    names = list(layout.names)
    coefficients = torch.zeros(1, len(groups))
    coefficients[0, names.index("visual.transformer.resblocks.2.attn.in_proj_weight")] = 1.0
    coefficients[0, names.index("visual.proj")] = 9.0
    found = groups.by_depth(coefficients)
    in_attention = 3 * WIDTH * WIDTH + WIDTH * WIDTH + WIDTH
    assert found["attention"].tolist() == [[0.0, 0.0, pytest.approx(3 * WIDTH * WIDTH / in_attention)]]
    assert found["mlp"].tolist() == [[0.0, 0.0, 0.0]]
    assert list(CoefficientGroups.of(layout, "block").by_depth(torch.ones(2, BLOCKS + 2))) == [""]


def test_vectors_that_do_not_fit_are_refused(layout: FlatLayout) -> None:
    pretrained, residual = vectors(layout, 2)
    groups = CoefficientGroups.of(layout, "block")
    with pytest.raises(MergeError, match="at least one"):
        WeightedMerge(layout, pretrained, [], groups)
    for bad in (residual[:-1], residual.float()):
        with pytest.raises(MergeError, match=f"{layout.numel} weights"):
            WeightedMerge(layout, pretrained, [bad], groups)
    with pytest.raises(MergeError, match=r"\(1, 5\)"):
        WeightedMerge(layout, pretrained, [residual], groups).weights(torch.ones(2, 5))
