"""The sum and the average."""

import torch
from torch import Tensor

from lines_core.merging import merge


def test_worked_by_hand() -> None:
    vectors = [torch.tensor([1.0, -2.0, 0.0]), torch.tensor([3.0, 1.0, 0.0])]
    assert merge("sum", vectors).tolist() == [4.0, -1.0, 0.0]
    assert merge("average", vectors).tolist() == [2.0, -0.5, 0.0]


def test_sums_are_rounded_once() -> None:
    """In float32, adding 2**-24 to 1 sixteen times changes nothing."""
    vectors = [torch.ones(1), *[torch.full((1,), 2.0**-24)] * 16]
    assert merge("sum", vectors).item() == 1.0 + 2.0**-20


def test_the_average_of_equal_tasks_is_the_task(ordinary: list[Tensor]) -> None:
    assert torch.equal(merge("average", ordinary[:1] * 7), ordinary[0])
