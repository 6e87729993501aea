"""Breadcrumbs: what is left out at both ends."""

import pytest
import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging import merge

ROW = [1.0, -7.0, 3.0, -4.0, 5.0, 2.0, -6.0, 8.0, 10.0, -9.0]


def crumbs(rows: list[list[float]], drop_small: float, drop_large: float) -> list[float]:
    settings = {"drop_small": drop_small, "drop_large": drop_large}
    return [float(value) for value in merge("breadcrumbs", [torch.tensor(row) for row in rows], settings)]


def test_worked_by_hand() -> None:
    assert crumbs([ROW], 0.3, 0.2) == [0.0, -7.0, 0.0, -4.0, 5.0, 0.0, -6.0, 8.0, 0.0, 0.0]
    assert crumbs([ROW], 0.0, 0.1) == [1.0, -7.0, 3.0, -4.0, 5.0, 2.0, -6.0, 8.0, 0.0, -9.0]
    assert crumbs([ROW], 0.85, 0.0) == [0.0] * 8 + [10.0, -9.0]


def test_each_vector_is_ranked_by_itself() -> None:
    """The middle of three is kept in each, though the second has far larger entries."""
    assert crumbs([[1.0, 2.0, 3.0], [300.0, -200.0, 100.0]], 0.34, 0.34) == [0.0, -198.0, 0.0]


def test_entries_equal_to_an_outermost_kept_one_are_kept() -> None:
    assert crumbs([[1.0, 1.0, 2.0, 3.0, 3.0]], 0.2, 0.2) == [1.0, 1.0, 2.0, 3.0, 3.0]
    assert crumbs([[1.0, 1.0, 2.0, 3.0, 3.0]], 0.4, 0.4) == [0.0, 0.0, 2.0, 0.0, 0.0]


@pytest.mark.parametrize(("drop_small", "drop_large"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.3), (0.85, 0.01)])
def test_how_many_are_left(drop_small: float, drop_large: float, ordinary: list[Tensor]) -> None:
    found = merge("breadcrumbs", ordinary[:1], {"drop_small": drop_small, "drop_large": drop_large})
    assert int(found.count_nonzero()) == 1003 - int(drop_small * 1003) - int(drop_large * 1003)


def test_shares_that_leave_nothing_are_refused() -> None:
    with pytest.raises(MergeError, match=r"drop_small 0\.5 and drop_large 0\.5 leave nothing"):
        crumbs([ROW], 0.5, 0.5)
    assert crumbs([[3.0, 2.0]], 0.5, 0.49) == [3.0, 0.0]
