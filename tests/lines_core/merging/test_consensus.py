"""Consensus merging: the number of tasks that must agree."""

import numpy as np
import pytest
import torch
from torch import Tensor

from lines_core.merging import merge
from tests.lines_core.merging import whole_matrix

FIRST = torch.tensor([4.0, 1.0, 2.0, 0.0, -1.0])
SECOND = torch.tensor([1.0, 2.0, 2.0, 0.0, 4.0])


@pytest.mark.parametrize(
    ("k", "expected"),
    [(0, [5.0, 3.0, 4.0, 0.0, 3.0]), (1, [5.0, 3.0, 4.0, 0.0, 3.0]), (2, [0.0, 0.0, 4.0, 0.0, 0.0])],
)
def test_worked_by_hand(k: int, expected: list[float]) -> None:
    """With lambda 0.5 one task owns columns 1, 2 and 5, both own column 3, none owns column 4."""
    settings = {"k": float(k), "tall_lambda": 0.5}
    assert merge("consensus", [FIRST, SECOND], settings).tolist() == expected


@pytest.mark.parametrize("use_ties", [0.0, 1.0])
def test_k_0_is_the_merged_vector_and_k_above_t_is_zero(use_ties: float, planted: list[Tensor]) -> None:
    settings = {"use_ties": use_ties}
    whole = merge("ties", planted, {"agg": 1.0}) if use_ties else merge("sum", planted)
    assert torch.equal(merge("consensus", planted, {**settings, "k": 0.0}), whole)
    for k in (6.0, 21.0):
        assert not merge("consensus", planted, {**settings, "k": k}).any()


def test_k_1_drops_entries_of_no_task_and_k_2_those_of_one_task() -> None:
    vectors = list(torch.randn(5, 1003, generator=torch.Generator().manual_seed(0)))
    merged = merge("sum", vectors)
    masks = whole_matrix.tall(torch.stack(vectors).double().numpy(), merged.double().numpy(), 1.0)
    owners = torch.from_numpy(np.sum(masks, axis=0))
    assert set(owners.tolist()) >= {0, 1, 2}
    for k in range(7):
        found = merge("consensus", vectors, {"k": float(k), "tall_lambda": 1.0})
        assert torch.equal(found, torch.where(owners >= k, merged, 0.0))
