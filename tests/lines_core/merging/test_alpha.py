"""Eq. 2."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging import MergingAlpha, merge, merging_alpha


def test_worked_by_hand() -> None:
    vectors = [torch.tensor([3.0, -1.0, 2.0]), torch.tensor([1.0, -1.0, -2.0])]
    merged = torch.tensor([0.5, -1.0, 0.0])
    assert merging_alpha(vectors, merged) == MergingAlpha(alpha=2.0, sum_norm=6.0, merged_norm=1.5, count=2)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_task_arithmetic_gets_one_over_t_exactly(count: int, ordinary: list[Tensor]) -> None:
    vectors = ordinary[:count]
    found = merging_alpha(vectors, merge("sum", vectors))
    assert found.alpha == 1.0 / count
    assert found.sum_norm == found.merged_norm
    assert found.count == count


def test_an_average_gets_one(ordinary: list[Tensor]) -> None:
    assert math.isclose(merging_alpha(ordinary, merge("average", ordinary)).alpha, 1.0, rel_tol=1e-6)


def test_the_sum_is_not_trimmed(ordinary: list[Tensor]) -> None:
    merged = merge("ties", ordinary)
    total = torch.stack(ordinary).double().sum(dim=0).abs().sum()
    found = merging_alpha(ordinary, merged)
    assert math.isclose(found.sum_norm, float(total), rel_tol=1e-6)
    assert math.isclose(found.merged_norm, float(merged.double().abs().sum()), rel_tol=1e-12)
    assert found.alpha == found.sum_norm / found.merged_norm / 5


def test_norms_are_in_float64() -> None:
    """2**24 + 1 entries of one: in float32 the sum could not hold the last."""
    merged = torch.ones((1 << 24) + 1)
    assert merging_alpha([merged], merged).sum_norm == (1 << 24) + 1


def test_slices_change_nothing_that_counts(ordinary: list[Tensor], slice_of: Callable[[int], None]) -> None:
    merged = merge("ties", ordinary)
    whole = merging_alpha(ordinary, merged)
    slice_of(37)
    assert math.isclose(merging_alpha(ordinary, merged).alpha, whole.alpha, rel_tol=1e-13)


def test_vectors_that_cancel_have_alpha_0() -> None:
    vector = torch.ones(3)
    assert merging_alpha([vector, -vector], vector).alpha == 0.0


def test_what_has_no_alpha_is_refused(ordinary: list[Tensor]) -> None:
    with pytest.raises(MergeError, match=r"all zeros, so Eq\. 2 has no alpha"):
        merging_alpha(ordinary, torch.zeros(1003))
    with pytest.raises(MergeError, match="got none"):
        merging_alpha([], ordinary[0])
    with pytest.raises(MergeError, match="has 1002 entries"):
        merging_alpha(ordinary, ordinary[0][1:])
    for bad in (math.nan, math.inf):
        with pytest.raises(MergeError, match="needs finite task vectors"):
            merging_alpha([*ordinary, torch.full((1003,), bad)], ordinary[0])
        with pytest.raises(MergeError, match="needs finite task vectors"):
            merging_alpha([*ordinary, torch.full((1003,), bad)], torch.full((1003,), bad))
    with pytest.raises(MergeError, match="needs finite task vectors"):
        merging_alpha(ordinary, torch.full((1003,), math.nan))
