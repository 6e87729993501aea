"""TALL masks and magnitude masks on small vectors."""

import pytest
import torch
from torch import Tensor

from lines_core.merging import TALL_LAMBDAS, merge

FIRST = torch.tensor([4.0, 1.0, 2.0, 0.0, -1.0])
SECOND = torch.tensor([1.0, 2.0, 2.0, 0.0, 4.0])
"""Their sum is [5, 3, 4, 0, 3]."""


def test_lambdas_are_the_authors() -> None:
    assert TALL_LAMBDAS == (0.2, 0.3, 0.4, 0.5, 0.6)


@pytest.mark.parametrize(
    ("tall_lambda", "task", "expected"),
    [
        (0.5, 0, [5.0, 0.0, 4.0, 0.0, 0.0]),  # tau_m - tau_1 is tau_2; 1 > 0.5 * 2 is equal, so not more
        (0.5, 1, [0.0, 3.0, 4.0, 0.0, 3.0]),
        (0.4, 0, [5.0, 3.0, 4.0, 0.0, 0.0]),
        (0.0, 0, [5.0, 3.0, 4.0, 0.0, 3.0]),
    ],
)
def test_tall_masks_worked_by_hand(tall_lambda: float, task: int, expected: list[float]) -> None:
    found = merge("tall-masks", [FIRST, SECOND], {"tall_lambda": tall_lambda}, task=task)
    assert found.tolist() == expected


@pytest.mark.parametrize("tall_lambda", TALL_LAMBDAS)
def test_the_mask_in_terms_of_weights(tall_lambda: float, planted: list[Tensor]) -> None:
    """|theta_0 - theta_t| > lambda * |theta_0 + tau_m - theta_t|, as the authors write it."""
    pretrained = torch.randint(-8, 9, (1003,), generator=torch.Generator().manual_seed(0)) / 8
    merged = merge("sum", planted)
    finetuned = pretrained + planted[2]
    mask = (pretrained - finetuned).abs() > tall_lambda * (pretrained + merged - finetuned).abs()
    found = merge("tall-masks", planted, {"tall_lambda": tall_lambda}, task=2)
    assert torch.equal(found, torch.where(mask, merged, 0.0))


@pytest.mark.parametrize(
    ("density", "task", "expected"),
    [
        (0.4, 0, [5.0, 3.0, 4.0, 0.0, 3.0]),  # k = 5 - int(0.4 * 5) = 3; third smallest is 1, both are kept
        (0.2, 0, [5.0, 0.0, 4.0, 0.0, 0.0]),
        (0.1, 0, [5.0, 0.0, 0.0, 0.0, 0.0]),
        (0.1, 1, [0.0, 0.0, 0.0, 0.0, 3.0]),
        (1.0, 0, [5.0, 3.0, 4.0, 0.0, 3.0]),
    ],
)
def test_magnitude_masks_worked_by_hand(density: float, task: int, expected: list[float]) -> None:
    assert merge("magnitude-masks", [FIRST, SECOND], {"density": density}, task=task).tolist() == expected
