"""Eq. 1 and its relatives against values worked by hand and against formulas transcribed here."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lines_core.errors import LinesError, ScheduleError
from lines_core.schedules import SHAPES, coefficients, free_form

FINITE = st.floats(-10, 10)
DEPTH = st.integers(2, 48)


@pytest.mark.parametrize(
    ("shape", "alpha", "beta", "by_hand"),
    [
        ("linear", 0.0, 1.0, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("linear", 0.5, 0.5, [0.5, 0.625, 0.75, 0.875, 1.0]),
        ("linear", 1.0, -1.0, [1.0, 0.75, 0.5, 0.25, 0.0]),
        ("sqrt", 0.0, 2.0, [0.0, 1.0, math.sqrt(2.0), math.sqrt(3.0), 2.0]),
        ("quadratic", 1.0, 1.6, [1.0, 1.1, 1.4, 1.9, 2.6]),
        ("tiered", 0.5, 0.5, [0.5, 0.5, 0.75, 1.0, 1.0]),
        ("flat", 0.3, 0.7, [0.3, 0.3, 0.3, 0.3, 0.3]),
        ("reverse", 0.0, 1.0, [1.0, 0.75, 0.5, 0.25, 0.0]),
        ("reverse", 0.5, 0.5, [1.0, 0.875, 0.75, 0.625, 0.5]),
    ],
)
def test_values_worked_by_hand(shape: str, alpha: float, beta: float, by_hand: list[float]) -> None:
    scales = coefficients(shape, alpha, beta, num_blocks=5)
    assert scales.dtype == torch.float64
    torch.testing.assert_close(scales, torch.tensor(by_hand, dtype=torch.float64), rtol=0, atol=1e-15)


def transcribed(shape: str, alpha: float, beta: float, num_blocks: int) -> list[float]:
    """Eq. 1 and C.3 once more, over the paper's l = 1..L, in plain Python."""
    scales = []
    for l in range(1, num_blocks + 1):  # noqa: E741  # the paper's letter
        x = (l - 1) / (num_blocks - 1)
        if shape == "linear":
            scales.append(alpha + beta * x)
        elif shape == "sqrt":
            scales.append(alpha + beta * x**0.5)
        elif shape == "quadratic":
            scales.append(alpha + beta * x**2)
        elif shape == "tiered":
            scales.append(alpha + beta * min(2, 3 * (l - 1) // (num_blocks - 1)) / 2)
        elif shape == "flat":
            scales.append(alpha)
        elif shape == "reverse":
            scales.append(alpha + beta * (num_blocks - l) / (num_blocks - 1))
    return scales


@pytest.mark.parametrize("shape", SHAPES)
@given(alpha=FINITE, beta=FINITE, num_blocks=DEPTH)
def test_agrees_with_the_transcribed_formulas(shape: str, alpha: float, beta: float, num_blocks: int) -> None:
    expected = torch.tensor(transcribed(shape, alpha, beta, num_blocks), dtype=torch.float64)
    scales = coefficients(shape, alpha, beta, num_blocks)
    torch.testing.assert_close(scales, expected, rtol=0, atol=1e-14)


@given(alpha=FINITE, beta=FINITE, num_blocks=DEPTH)
def test_the_ends_are_not_rounded(alpha: float, beta: float, num_blocks: int) -> None:
    for shape in ("linear", "sqrt", "quadratic", "tiered"):
        scales = coefficients(shape, alpha, beta, num_blocks).tolist()
        assert (scales[0], scales[-1]) == (alpha, alpha + beta)
    scales = coefficients("reverse", alpha, beta, num_blocks).tolist()
    assert (scales[0], scales[-1]) == (alpha + beta, alpha)


@given(gamma=st.floats(0, 1), num_blocks=DEPTH)
def test_single_task_editing_leaves_the_last_block_finetuned(gamma: float, num_blocks: int) -> None:
    """alpha = gamma, beta = 1 - gamma: the last block gets 1, not 0.9999."""
    for shape in ("linear", "sqrt", "quadratic", "tiered"):
        assert coefficients(shape, gamma, 1.0 - gamma, num_blocks)[-1] == 1.0


@given(alpha=FINITE, num_blocks=DEPTH)
def test_without_a_rise_every_shape_is_task_arithmetic(alpha: float, num_blocks: int) -> None:
    for shape in SHAPES:
        assert coefficients(shape, alpha, 0.0, num_blocks).tolist() == [alpha] * num_blocks


def test_two_blocks_are_the_two_ends() -> None:
    assert coefficients("linear", 0.25, 0.5, 2).tolist() == [0.25, 0.75]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_stays_between_its_ends_and_says_what_it_is(shape: str) -> None:
    x = torch.linspace(0, 1, 101, dtype=torch.float64)
    f = SHAPES[shape].f(x)
    assert f.min() >= 0
    assert f.max() <= 1
    assert torch.equal(x, torch.linspace(0, 1, 101, dtype=torch.float64)), "f must not write to its argument"
    assert SHAPES[shape].title
    assert SHAPES[shape].formula.startswith("λ(ℓ) = α")
    assert SHAPES[shape].help.endswith(".")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("num_blocks", [1, 0, -3])
def test_fewer_than_two_blocks_are_refused(shape: str, num_blocks: int) -> None:
    with pytest.raises(ScheduleError, match=f"at least 2 blocks, got {num_blocks}"):
        coefficients(shape, 0.5, 0.5, num_blocks)
    with pytest.raises(ScheduleError, match=f"at least 2 blocks, got {num_blocks}"):
        free_form([0.5] * max(num_blocks, 0), num_blocks)


@pytest.mark.parametrize("num_blocks", [12.0, True, "12", None])
def test_the_number_of_blocks_is_a_whole_number(num_blocks: object) -> None:
    with pytest.raises(ScheduleError, match="must be a whole number"):
        coefficients("linear", 0.5, 0.5, num_blocks)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("alpha", "beta"), [(math.nan, 0.0), (0.0, math.nan), (math.inf, 0.0), (0.0, -math.inf)]
)
def test_coefficients_that_are_no_numbers_are_refused(shape: str, alpha: float, beta: float) -> None:
    """Also for "flat", which does not use beta: a NaN is a caller's mistake wherever it comes in."""
    with pytest.raises(ScheduleError, match="must be finite"):
        coefficients(shape, alpha, beta, 12)


def test_an_end_that_overflows_is_refused() -> None:
    with pytest.raises(ScheduleError, match=r"alpha \+ beta must be finite"):
        coefficients("linear", 1.5e308, 1.5e308, 12)


def test_an_unknown_shape_is_refused_with_the_list() -> None:
    with pytest.raises(
        ScheduleError, match="'cubic': pick one of linear, sqrt, quadratic, tiered, flat, reverse"
    ):
        coefficients("cubic", 0.5, 0.5, 12)


def test_free_form_copies_its_values() -> None:
    values = [0.0, 2, -1.5]
    scales = free_form(values, 3)
    values[0] = 9.0
    assert scales.dtype == torch.float64
    assert scales.tolist() == [0.0, 2.0, -1.5]


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0, 1.0, 1.0]])
def test_free_form_needs_one_value_a_block(values: list[float]) -> None:
    with pytest.raises(ScheduleError, match=f"Expected 3 block scales, one per block, got {len(values)}"):
        free_form(values, 3)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_free_form_refuses_what_is_no_number(bad: float) -> None:
    with pytest.raises(ScheduleError, match="must be finite"):
        free_form([0.0, bad, 1.0], 3)


def test_every_error_here_is_a_lines_error_and_a_value_error() -> None:
    assert issubclass(ScheduleError, LinesError)
    assert issubclass(LinesError, ValueError)
