"""The paper's Appendix A, against the authors' own code where its substring rule is right, and where not."""

import math

import pytest
import torch
from torch import Tensor

import lines_core
from lines_core import LayerEditor, LayerError, ScheduleError, TaskVectorError, line_scaling
from tests.lines_core.architectures.models import built

Tower = dict[str, Tensor]


def appendix_a(task_vector: Tower, alpha: float, beta: float, num_blocks: int) -> Tower:
    """Appendix A as printed, with the pattern of the authors' repository, ``.{i}.`` anywhere in the name."""
    key_blocks = [f".{i}." for i in range(num_blocks)]
    scaling = {}
    for key in task_vector:
        for layer, block in enumerate(key_blocks):
            if block in key:
                scaling[key] = alpha + beta * (layer / (num_blocks - 1))
                break
    return {key: tensor * scaling.get(key, alpha) for key, tensor in task_vector.items()}


def ones(*names: str) -> Tower:
    return {name: torch.ones(2) for name in names}


@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 1.0), (0.3, 0.7), (0.125, 0.3), (1.0, 0.0)])
def test_agrees_with_appendix_a_on_openclip_names(pretrained: Tower, alpha: float, beta: float) -> None:
    scaled = line_scaling(pretrained, alpha, beta, num_blocks=4)
    expected = appendix_a(pretrained, alpha, beta, num_blocks=4)
    assert list(scaled) == list(pretrained)
    for name, residual in scaled.items():
        torch.testing.assert_close(residual, expected[name])


def test_worked_by_hand() -> None:
    tau = ones(
        "visual.conv1.weight",
        "visual.transformer.resblocks.0.x",
        "visual.transformer.resblocks.1.x",
        "visual.transformer.resblocks.2.x",
        "visual.ln_post.weight",
        "visual.proj",
    )
    scaled = line_scaling(tau, alpha=0.5, beta=1.0)
    assert [residual[0].item() for residual in scaled.values()] == [0.5, 0.5, 1.0, 1.5, 0.5, 0.5]


def test_the_defaults_are_the_papers() -> None:
    assert line_scaling(ones("h.0.x", "h.1.x", "wte.weight"))["h.1.x"].tolist() == [1.0, 1.0]
    assert line_scaling(ones("h.0.x", "h.1.x", "wte.weight"))["wte.weight"].tolist() == [0.0, 0.0]


def test_a_number_inside_a_block_does_not_mislead() -> None:
    """`blocks.7.mlp.0` belongs to block 7. The substring rule finds ``.0.`` and says block 0."""
    names = [f"blocks.{block}.mlp.0.weight" for block in range(12)]
    scaled = line_scaling(ones(*names), alpha=0.0, beta=1.0)
    assert scaled["blocks.7.mlp.0.weight"][0].item() == pytest.approx(7 / 11)
    assert appendix_a(ones(*names), 0.0, 1.0, 12)["blocks.7.mlp.0.weight"].tolist() == [0.0, 0.0]


def test_block_1_is_not_block_11() -> None:
    names = [f"visual.transformer.resblocks.{block}.x" for block in range(12)]
    scaled = line_scaling(ones(*names), alpha=0.0, beta=11.0)
    assert [residual[0].item() for residual in scaled.values()] == pytest.approx(range(12))


def test_the_text_tower_counts_as_outside() -> None:
    tau = ones(
        "visual.transformer.resblocks.0.x",
        "visual.transformer.resblocks.1.x",
        "transformer.resblocks.0.x",
        "transformer.resblocks.1.x",
        "transformer.resblocks.2.x",
        "logit_scale",
    )
    scaled = line_scaling(tau, alpha=0.5, beta=0.5)
    assert [residual[0].item() for residual in scaled.values()] == [0.5, 1.0, 0.5, 0.5, 0.5, 0.5]


def test_alpha_one_beta_zero_is_the_task_vector_and_zeros_are_nothing(pretrained: Tower) -> None:
    for name, residual in line_scaling(pretrained, 1.0, 0.0).items():
        assert torch.equal(residual, pretrained[name])
    assert not any(residual.any() for residual in line_scaling(pretrained, 0.0, 0.0).values())


def test_the_argument_is_left_alone_and_nothing_is_shared(pretrained: Tower) -> None:
    before = {name: residual.clone() for name, residual in pretrained.items()}
    for residual in line_scaling(pretrained, 1.0, 0.0).values():
        residual.fill_(9.0)
    assert all(torch.equal(pretrained[name], before[name]) for name in before)


def test_agrees_with_the_in_place_edit(pretrained: Tower, finetuned: Tower) -> None:
    layout = lines_core.FlatLayout.of(pretrained)
    live, theta_0 = layout.flatten(finetuned), layout.flatten(pretrained)
    tau = live - theta_0
    scales = lines_core.coefficients("linear", 0.3, 0.7, 4)
    outside = lines_core.outside_scales("alpha", 0.3, scales)
    LayerEditor(layout, theta_0, live).apply(tau, scales, *outside)
    scaled = lines_core.line_scaling(layout.unflatten(tau), 0.3, 0.7)
    for name, weight in layout.unflatten(live).items():
        torch.testing.assert_close(weight, pretrained[name] + scaled[name])


def test_half_precision_stays_half_precision() -> None:
    tau = {name: tensor.half() for name, tensor in ones("h.0.x", "h.1.x").items()}
    assert all(residual.dtype == torch.float16 for residual in line_scaling(tau, 0.5, 0.5).values())


def test_another_number_of_blocks_than_asked_for_is_refused(pretrained: Tower) -> None:
    with pytest.raises(LayerError, match="has 4 blocks, expected 12"):
        line_scaling(pretrained, 0.3, 0.7, num_blocks=12)


def test_one_block_zero_blocks_and_unknown_names_are_refused() -> None:
    with pytest.raises(ScheduleError, match="at least 2 blocks, got 1"):
        line_scaling(ones("h.0.x"))
    with pytest.raises(LayerError, match="no residual block"):
        line_scaling(ones("visual.proj"))
    with pytest.raises(LayerError, match="Unknown parameter name in GPT-2: 'adapter'"):
        line_scaling(ones("h.0.x", "h.1.x", "adapter"))


def test_the_factors_of_a_model_in_stages() -> None:
    """PvtV2Model of transformers: its four stages used to be the blocks, and 146 of 192 factors wrong."""
    names = list(built("PvtV2Model").state_dict())
    scaled = {name: residual[0].item() for name, residual in line_scaling(ones(*names), 0.3, 0.7).items()}
    for name, factor in scaled.items():
        _, _, stage, module, *rest = name.split(".")
        first, last = 2 * int(stage), 2 * int(stage) + 1
        block = {"patch_embedding": first, "layer_norm": last}.get(module, first + int(rest[0] == "1"))
        expected = 0.3 if name.startswith("encoder.layers.0.patch_embedding") else 0.3 + 0.1 * block
        assert factor == pytest.approx(expected), name
    by_stage = [0.3 + 0.7 * int(name.split(".")[2]) / 3 for name in names]
    assert (
        sum(factor != pytest.approx(wrong) for factor, wrong in zip(scaled.values(), by_stage, strict=True))
        == 146
    )


def test_the_part_that_is_asked_for_is_scaled() -> None:
    tau = ones(
        *(f"model.{stack}.layers.{i}.fc1.weight" for stack in ("encoder", "decoder") for i in range(2))
    )
    for part, factors in {"encoder": [0, 1, 0, 0], "decoder": [0, 0, 0, 1], "both": [0, 1, 0, 1]}.items():
        assert [residual[0].item() for residual in line_scaling(tau, part=part).values()] == factors
    with pytest.raises(LayerError, match="choose one with part="):
        line_scaling(tau)


def test_buffers_are_copied_and_quantised_weights_are_not() -> None:
    buffers = {
        "transformer.h.0.attn.bias": torch.ones(1, 1, 2, 2, dtype=torch.bool),
        "transformer.h.1.attn.masked_bias": torch.tensor(-math.inf),
        "transformer.h.1.mlp.num_batches_tracked": torch.tensor(7),
    }
    weights = ones("transformer.h.0.mlp.c_fc.weight", "transformer.h.1.mlp.c_fc.weight")
    scaled = line_scaling(weights | buffers, 0.5, 0.5)
    for name, buffer in buffers.items():
        assert torch.equal(scaled[name], buffer)
        assert scaled[name] is not buffer
    quantised = {"transformer.h.1.mlp.c_proj.weight": torch.ones(2, dtype=torch.int8)}
    with pytest.raises(TaskVectorError, match=r"c_proj\.weight' is torch\.int8"):
        line_scaling(weights | quantised)


def test_tensors_that_cannot_be_scaled_are_refused() -> None:
    with pytest.raises(TaskVectorError, match=r"'h\.1\.x' is torch\.int64"):
        line_scaling(ones("h.0.x") | {"h.1.x": torch.ones(2, dtype=torch.int64)})
    with pytest.raises(TaskVectorError, match=r"'h\.1\.x' holds NaN or infinity"):
        line_scaling(ones("h.0.x") | {"h.1.x": torch.tensor([1.0, math.nan])})
    with pytest.raises(ScheduleError, match="must be finite"):
        line_scaling(ones("h.0.x", "h.1.x"), alpha=math.nan)
