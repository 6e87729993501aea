"""TALL masks and magnitude masks on small vectors."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from lines_core.merging import TALL_LAMBDAS, magnitude_mask, merge, tall_mask

FIRST = torch.tensor([4.0, 1.0, 2.0, 0.0, -1.0])
SECOND = torch.tensor([1.0, 2.0, 2.0, 0.0, 4.0])


def test_lambdas_are_the_authors() -> None:
    assert TALL_LAMBDAS == (0.2, 0.3, 0.4, 0.5, 0.6)


def test_tall_masks_worked_by_hand() -> None:
    """tau_m - tau_1 is tau_2 here, and the second column is 1 > 0.5 * 2: equal, which is not more."""
    merged = FIRST + SECOND
    assert tall_mask(FIRST, merged, 0.5).tolist() == [True, False, True, False, False]
    assert tall_mask(SECOND, merged, 0.5).tolist() == [False, True, True, False, True]
    assert tall_mask(FIRST, merged, 0.4).tolist() == [True, True, True, False, False]
    assert tall_mask(FIRST, merged, 0.0).tolist() == [True, True, True, False, True]


def test_the_merge_is_the_sum_below_the_task_s_own_mask() -> None:
    vectors = [FIRST, SECOND]
    settings = {"tall_lambda": 0.5}
    assert merge("tall-masks", vectors, settings, task=0).tolist() == [5.0, 0.0, 4.0, 0.0, 0.0]
    assert merge("tall-masks", vectors, settings, task=1).tolist() == [0.0, 3.0, 4.0, 0.0, 3.0]


def test_over_ties_the_sum_of_those_that_agree_is_masked() -> None:
    """TIES with its sum gives [5, 3, 4, 0, 4]; in the last column the distance of task 0 is 5."""
    settings = {"tall_lambda": 0.5, "use_ties": 1.0, "density": 1.0}
    assert merge("tall-masks", [FIRST, SECOND], settings, task=0).tolist() == [5.0, 0.0, 4.0, 0.0, 0.0]
    assert merge("tall-masks", [FIRST, SECOND], settings, task=1).tolist() == [0.0, 3.0, 4.0, 0.0, 4.0]


@pytest.mark.parametrize("tall_lambda", TALL_LAMBDAS)
def test_the_mask_is_the_one_over_weights(tall_lambda: float, planted: list[Tensor]) -> None:
    """|theta_0 - theta_t| > lambda * |theta_0 + tau_m - theta_t|, as the authors write it."""
    pretrained = torch.randint(-8, 9, (1003,), generator=torch.Generator().manual_seed(0)) / 8
    merged = merge("sum", planted)
    finetuned = pretrained + planted[2]
    expected = (pretrained - finetuned).abs() > tall_lambda * (pretrained + merged - finetuned).abs()
    assert torch.equal(tall_mask(planted[2], merged, tall_lambda), expected)


def test_larger_lambdas_give_smaller_masks(ordinary: list[Tensor]) -> None:
    merged = merge("sum", ordinary)
    masks = [tall_mask(ordinary[0], merged, tall_lambda) for tall_lambda in TALL_LAMBDAS]
    sizes = [int(mask.sum()) for mask in masks]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]
    assert all(bool((wide | ~narrow).all()) for wide, narrow in pairwise(masks))


def test_magnitude_masks_worked_by_hand() -> None:
    """k = 5 - int(0.4 * 5) = 3: the third smallest of 0, 1, 1, 2, 4 is 1, and both of them are kept."""
    assert magnitude_mask(FIRST, 0.4).tolist() == [True, True, True, False, True]
    assert magnitude_mask(FIRST, 0.2).tolist() == [True, False, True, False, False]
    assert magnitude_mask(FIRST, 0.1).tolist() == [True, False, False, False, False]
    assert magnitude_mask(FIRST, 1.0).tolist() == [True] * 5
    settings = {"density": 0.1}
    assert merge("magnitude-masks", [FIRST, SECOND], settings, task=0).tolist() == [5.0, 0.0, 0.0, 0.0, 0.0]
    assert merge("magnitude-masks", [FIRST, SECOND], settings, task=1).tolist() == [0.0, 0.0, 0.0, 0.0, 3.0]


@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 1.0])
def test_the_merge_uses_the_mask(
    density: float, planted: list[Tensor], slice_of: Callable[[int], None]
) -> None:
    slice_of(100)
    expected = merge("sum", planted) * magnitude_mask(planted[4], density, 1500)
    settings = {"density": density, "reference_size": 1500.0}
    assert torch.equal(merge("magnitude-masks", planted, settings, task=4), expected)
