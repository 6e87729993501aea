"""TIES on matrices worked by hand: trimming, ties, votes without a winner."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lines_core.merging import merge


def ties(
    rows: list[list[float]], density: float = 1.0, agg: float = 0.0, reference_size: float = 0.0
) -> list[float]:
    settings = {"density": density, "agg": agg, "reference_size": reference_size}
    return [float(value) for value in merge("ties", [torch.tensor(row) for row in rows], settings)]


def test_worked_by_hand() -> None:
    """Column by column: all agree; the larger side wins against two; one alone; none."""
    rows = [
        [1.0, -8.0, 0.0, 0.0],
        [2.0, 2.0, 0.0, 0.0],
        [6.0, 4.0, -5.0, 0.0],
    ]
    assert ties(rows) == [3.0, -8.0, -5.0, 0.0]
    assert ties(rows, agg=1.0) == [9.0, -8.0, -5.0, 0.0]


def test_trimming_comes_before_the_vote() -> None:
    """k = 4 - int(0.5 * 4) = 2: the three largest of each row are kept, so 1.0 and -2.0 have no vote."""
    rows = [[1.0, 4.0, 3.0, 6.0], [-3.0, -5.0, -2.0, 4.0]]
    assert ties(rows, density=0.5) == [-3.0, -5.0, 3.0, 5.0]


def test_entries_equal_to_the_threshold_are_all_kept() -> None:
    assert ties([[2.0, -2.0, 2.0, 1.0, 2.0]], density=0.2) == [2.0, -2.0, 2.0, 0.0, 2.0]
    assert ties([[2.0, -2.0, 2.0, 1.0, 3.0]], density=0.2) == [2.0, -2.0, 2.0, 0.0, 3.0]
    assert ties([[2.0, -4.0, 2.0, 1.0, 3.0]], density=0.2) == [0.0, -4.0, 0.0, 0.0, 3.0]


def test_density_0_keeps_the_largest_alone() -> None:
    assert ties([[2.0, -4.0, 2.0, 1.0]], density=0.0) == [0.0, -4.0, 0.0, 0.0]


def test_the_reference_size_keeps_more() -> None:
    row = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert ties([row], density=0.2) == [0.0, 0.0, 0.0, 4.0, 5.0]  # k = 4 of 5
    assert ties([row], density=0.2, reference_size=10) == [0.0, 0.0, 3.0, 4.0, 5.0]  # k = 8 of 10
    assert ties([row], density=0.5, reference_size=10) == row  # k = 5 of 10 is a zero


def test_zero_sums_take_the_majority_of_the_elected_signs() -> None:
    rows = [[1.0, 3.0, -2.0, 4.0], [-1.0, -3.0, -2.0, 4.0], [0.0, 0.0, -1.0, 2.0]]
    assert ties([[*row, row[2]] for row in rows])[:2] == [-1.0, -3.0]
    assert ties([[*row, row[3]] for row in rows])[:2] == [1.0, 3.0]
    assert ties([[*row, row[3]] for row in rows], agg=1.0)[:2] == [1.0, 3.0]


def test_zero_sums_without_any_majority_stay_zero() -> None:
    rows = [[1.0, 3.0, -2.0, 4.0], [-1.0, -3.0, -2.0, 4.0]]
    assert ties(rows) == [0.0, 0.0, -2.0, 4.0]
    assert ties([[1.0, 2.0], [-1.0, -2.0]]) == [0.0, 0.0]


def test_zero_sums_of_several_entries_count_the_agreeing_side_only() -> None:
    rows = [[4.0, 1.0], [-1.0, 1.0], [-3.0, 1.0]]
    assert ties(rows) == [4.0, 1.0]
    assert ties([[-value for value in row] for row in rows]) == [-4.0, -1.0]
    rows = [[4.0, -1.0], [-1.0, -1.0], [-3.0, -1.0]]
    assert ties(rows) == [-2.0, -1.0]
    assert ties(rows, agg=1.0) == [-4.0, -3.0]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_a_majority_that_is_known_only_at_the_end(
    size: int, flip: float, slice_of: Callable[[int], None]
) -> None:
    """Entries that cancel lie before, between and after the elected ones, and the lead changes sides."""
    first = [1.0, 5.0, 2.0, -5.0, -5.0, 3.0, -5.0, 4.0]
    second = [-1.0, 5.0, -2.0, -5.0, -5.0, -3.0, -5.0, -4.0]
    slice_of(size)
    rows = [[flip * value for value in row] for row in (first, second)]
    expected = [-1.0, 5.0, -2.0, -5.0, -5.0, -3.0, -5.0, -4.0]
    assert ties(rows) == [flip * value for value in expected]


def test_the_vote_is_counted_in_float64(ordinary: list[Tensor]) -> None:
    """In float32, 1 + 2**-30 - 1 is 0 or 2**-30, by the order of the tasks."""
    tiny = 2.0**-30
    rows = [[1.0, 1.0], [tiny, -tiny], [-1.0, -1.0]]
    for order in ([0, 1, 2], [0, 2, 1], [2, 1, 0]):
        assert ties([rows[number] for number in order], agg=1.0) == [1.0, -1.0]
