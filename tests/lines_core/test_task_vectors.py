"""Task vectors: every operator against values worked by hand, and what must not be put together."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lines_core.editing import LayerEditor
from lines_core.errors import LayerError, TaskVectorError
from lines_core.flat import FlatLayout
from lines_core.task_vectors import TaskVector, task_vector

Tower = dict[str, Tensor]
LAYOUT = FlatLayout.of({name: torch.zeros(1) for name in ("wte.w", "h.0.w", "h.1.w", "ln_f.w")})


def of(*values: float) -> TaskVector:
    return TaskVector(LAYOUT, torch.tensor(values, dtype=torch.float32))


def test_task_vector_is_finetuned_minus_pretrained(pretrained: Tower, finetuned: Tower) -> None:
    tau = task_vector(pretrained, finetuned)
    named = tau.layout.unflatten(tau.vector)
    assert set(named) == set(pretrained)
    for name, residual in named.items():
        assert torch.equal(residual, finetuned[name] - pretrained[name])


def test_half_precision_checkpoints_are_subtracted_in_float32(pretrained: Tower, finetuned: Tower) -> None:
    halves = [{name: tensor.half() for name, tensor in tower.items()} for tower in (pretrained, finetuned)]
    tau = task_vector(*halves)
    assert tau.vector.dtype == torch.float32
    name = "visual.proj"
    assert torch.equal(
        tau.layout.unflatten(tau.vector)[name], halves[1][name].float() - halves[0][name].float()
    )


def test_operators_worked_by_hand() -> None:
    a, b = of(1, 2, -3, 4), of(0.5, -2, 1, 8)
    assert (a + b).vector.tolist() == [1.5, 0.0, -2.0, 12.0]
    assert (a - b).vector.tolist() == [0.5, 4.0, -4.0, -4.0]
    assert (-a).vector.tolist() == [-1.0, -2.0, 3.0, -4.0]
    assert (0.5 * a).vector.tolist() == [0.5, 1.0, -1.5, 2.0]
    assert (a * 2).vector.tolist() == [2.0, 4.0, -6.0, 8.0]
    assert a.vector.tolist() == [1.0, 2.0, -3.0, 4.0], "operands are left alone"
    assert b.vector.tolist() == [0.5, -2.0, 1.0, 8.0]
    assert sum([a, b], TaskVector.zeros(LAYOUT)).vector.tolist() == [1.5, 0.0, -2.0, 12.0]


def test_scaled_worked_by_hand() -> None:
    scaled = of(8, 8, -8, 8).scaled(torch.tensor([0.5, 1.0]), before=0.25, after=0.0)
    assert scaled.vector.tolist() == [2.0, 4.0, -8.0, 0.0]


def test_norms_worked_by_hand() -> None:
    layout = FlatLayout.of({"h.0.w": torch.zeros(2), "h.1.w": torch.zeros(2), "ln_f.w": torch.zeros(1)})
    tau = TaskVector(layout, torch.tensor([3.0, -4.0, 5.0, 12.0, -2.0]))
    assert tau.norms().tolist() == [0.0, 5.0, 13.0, 2.0]
    assert tau.norms(order=1).tolist() == [0.0, 7.0, 17.0, 2.0]
    assert tau.norms().dtype == torch.float64


VALUES = st.lists(st.floats(-1e3, 1e3, width=32), min_size=4, max_size=4)


@given(a=VALUES, b=VALUES, factor=st.floats(-10, 10))
def test_identities(a: list[float], b: list[float], factor: float) -> None:
    x, y = of(*a), of(*b)
    assert torch.equal((x + y).vector, (y + x).vector)
    assert torch.equal((x - y).vector, (x + -y).vector)
    assert torch.equal((x - x).vector, torch.zeros(4))
    minus = -x
    assert torch.equal((-minus).vector, x.vector)
    assert torch.equal((1 * x).vector, x.vector)
    assert torch.equal((factor * x).vector, (x * factor).vector)
    assert torch.equal((x + TaskVector.zeros(LAYOUT)).vector, x.vector)
    assert torch.equal(x.scaled(torch.full((2,), factor), factor, factor).vector, (x * factor).vector)
    torch.testing.assert_close((factor * x).norms(), abs(factor) * x.norms(), rtol=1e-5, atol=1e-30)


def test_an_edit_by_a_scaled_vector_is_the_edit_with_scales(pretrained: Tower, finetuned: Tower) -> None:
    tau = task_vector(pretrained, finetuned)
    start = tau.layout.flatten(pretrained)
    lives = torch.empty_like(start), torch.empty_like(start)
    scales = torch.tensor([0.1, 0.4, 0.7, 1.0])
    LayerEditor(tau.layout, start, lives[0]).apply(tau.vector, scales, 0.3, 0.6)
    ones = tau.scaled(scales, 0.3, 0.6).vector, torch.ones(4), 1.0, 1.0
    LayerEditor(tau.layout, start, lives[1]).apply(*ones)
    torch.testing.assert_close(lives[0], lives[1])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_named(pretrained: Tower, finetuned: Tower, bad: float) -> None:
    finetuned["visual.transformer.resblocks.2.ln_1.bias"][3] = bad
    with pytest.raises(
        TaskVectorError, match=r"in 1 parameters, the first is 'visual.*resblocks\.2\.ln_1\.bias'"
    ):
        task_vector(pretrained, finetuned)


def test_a_sum_that_overflows_is_not_taken_for_nan() -> None:
    values = [3e38, 3e38, 3e38, 3e38]
    assert of(*values).vector.tolist() == torch.tensor(values).tolist()
    with pytest.raises(TaskVectorError, match="NaN or infinity in 4 parameters"):
        of(*values) * 2


def test_checkpoints_that_do_not_belong_together_are_refused(
    pretrained: Tower, finetuned: Tower, make_tower: Callable[..., Tower]
) -> None:
    with pytest.raises(
        TaskVectorError, match=r"do not fit .* unexpected \['visual\.transformer\.resblocks\.4"
    ):
        task_vector(pretrained, make_tower(num_blocks=5))
    proj = finetuned.pop("visual.proj")
    with pytest.raises(TaskVectorError, match=r"missing \['visual\.proj'\]"):
        task_vector(pretrained, finetuned)
    with pytest.raises(TaskVectorError, match=r"'visual\.proj' is \(6, 8\), the layout has \(8, 6\)"):
        task_vector(pretrained, finetuned | {"visual.proj": proj.t()})
    with pytest.raises(TaskVectorError, match=r"'visual\.proj' is torch\.int64"):
        task_vector(pretrained, finetuned | {"visual.proj": proj.long()})
    with pytest.raises(LayerError, match="no residual block"):
        task_vector({"w": proj}, {"w": proj})


def test_vectors_that_do_not_fit_are_refused() -> None:
    with pytest.raises(TaskVectorError, match=r"contiguous vector of 4 weights, got \(3,\)"):
        of(1, 2, 3)
    with pytest.raises(TaskVectorError, match="contiguous vector of 4 weights"):
        TaskVector(LAYOUT, torch.zeros(8)[::2])
    with pytest.raises(TaskVectorError, match=r"is floating-point, got torch\.int64"):
        TaskVector(LAYOUT, torch.zeros(4, dtype=torch.int64))


@pytest.mark.parametrize("operator", ["__add__", "__sub__"])
def test_vectors_of_different_models_are_refused(operator: str) -> None:
    other = FlatLayout.of({name: torch.zeros(1) for name in ("h.0.w", "h.1.w", "h.2.w")})
    with pytest.raises(TaskVectorError, match="2 blocks and 4 weights against 3 and 3, or other names"):
        getattr(of(1, 2, 3, 4), operator)(TaskVector.zeros(other))
    with pytest.raises(TaskVectorError, match=r"torch.float32 on cpu against torch.float64 on cpu"):
        getattr(of(1, 2, 3, 4), operator)(TaskVector.zeros(LAYOUT, torch.float64))


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_factors_that_are_no_numbers_are_refused(factor: float) -> None:
    with pytest.raises(TaskVectorError, match=f"by a finite number, got {factor}"):
        factor * of(1, 2, 3, 4)


def test_operands_of_another_kind_are_a_type_error() -> None:
    with pytest.raises(TypeError):
        of(1, 2, 3, 4) + 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        of(1, 2, 3, 4) - torch.zeros(4)  # type: ignore[operator]
    with pytest.raises(TypeError):
        of(1, 2, 3, 4) * "2"  # type: ignore[operator]


def test_scales_that_do_not_fit_are_refused() -> None:
    with pytest.raises(TaskVectorError, match=r"Expected 2 block scales, got \(3,\)"):
        of(1, 2, 3, 4).scaled(torch.zeros(3), 0.0, 0.0)
    with pytest.raises(TaskVectorError, match="Scales must be finite"):
        of(1, 2, 3, 4).scaled(torch.zeros(2), 0.0, math.nan)


def test_other_norms_are_refused() -> None:
    with pytest.raises(TaskVectorError, match="is 1 or 2, got 3"):
        of(1, 2, 3, 4).norms(order=3)
