"""The k-th smallest magnitude, against sorting, on numbers chosen to be awkward."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lines_core.errors import MergeError
from lines_core.merging.threshold import just_below, kth_magnitudes, top_threshold

AWKWARD = [
    0.0,
    -0.0,
    1e-45,
    -1e-45,
    1.1754942e-38,
    1.1754944e-38,
    1.0,
    -1.0,
    3.4028235e38,
    1.0000001,
    65536.0,
]


def test_worked_by_hand() -> None:
    vector = torch.tensor([3.0, -1.0, 0.0, 4.0, -1.0, 5.0])
    assert kth_magnitudes(vector, [1, 2, 3, 4, 5, 6]) == [0.0, 1.0, 1.0, 3.0, 4.0, 5.0]
    assert kth_magnitudes(vector, [6, 2, 6]) == [5.0, 1.0, 5.0]
    assert kth_magnitudes(vector, []) == []


@given(
    values=st.lists(
        st.one_of(
            st.sampled_from(AWKWARD),
            st.floats(width=32, allow_nan=False, allow_infinity=False),
            # all in one group of the first pass
            st.integers(0, 40).map(lambda step: 1.0 + step * 2.0**-23),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_every_rank_as_by_sorting(values: list[float]) -> None:
    vector = torch.tensor(values)
    expected = vector.abs().sort().values.tolist()
    assert kth_magnitudes(vector, range(1, len(values) + 1)) == expected


@pytest.mark.parametrize("size", [1, 100, 9999, 10_000, 1 << 20])
def test_in_slices_and_as_torch_finds_it(size: int, slice_of: Callable[[int], None]) -> None:
    generator = torch.Generator().manual_seed(0)
    vector = torch.randn(10_000, generator=generator)
    slice_of(size)
    ranks = [1, 8000, 10_000] if size > 1 else [8000]
    assert kth_magnitudes(vector, ranks) == [float(vector.abs().kthvalue(rank).values) for rank in ranks]


@pytest.mark.parametrize("rank", [0, -1, 5])
def test_ranks_that_are_none_are_refused(rank: int) -> None:
    with pytest.raises(MergeError, match=f"Ranks run from 1 to 4, got {rank}"):
        kth_magnitudes(torch.ones(4), [1, rank])


@pytest.mark.parametrize("bad", [math.nan, -math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(MergeError, match="holds NaN or infinity"):
        kth_magnitudes(torch.tensor([1.0, bad, 2.0]), [1])


def test_the_top_fifth_worked_by_hand() -> None:
    """d = 10 and density 0.2: k = 8, so the 8th smallest and what is above it, three entries and not two."""
    vector = torch.tensor([0.1, 0.2, -0.3, 0.4, 0.5, -0.6, 0.7, 0.8, -0.9, 1.0])
    assert top_threshold(vector, 0.2) == float(vector[7])
    assert top_threshold(vector, 0.0) == 1.0
    assert top_threshold(vector, 1.0) == 0.0


def test_the_reference_size_counts_zeros_that_are_not_there() -> None:
    vector = torch.tensor([0.1, 0.2, -0.3, 0.4, 0.5, -0.6, 0.7, 0.8, -0.9, 1.0])
    assert top_threshold(vector, 0.2, 10) == top_threshold(vector, 0.2)
    assert top_threshold(vector, 0.2, 15) == float(vector[6].abs())  # k = 12 of 15, the 7th of ours
    assert top_threshold(vector, 0.5, 19) == float(vector[0].abs())  # k = 10 of 19, the first of ours
    assert top_threshold(vector, 0.5, 20) == 0.0  # k = 10 of 20 is a zero: everything is kept
    padded = torch.cat([vector, torch.zeros(5)])
    assert top_threshold(vector, 0.2, 15) == top_threshold(padded, 0.2)


def test_the_size_of_the_whole_checkpoint_keeps_the_paper_s_share() -> None:
    """Top 20 % of 113.4 M entries, of which 25.6 M are zeros of the text tower: 25.8 % of the image tower."""
    image, whole = 87_849_216, 113_448_705
    kept = 1 + int(0.2 * whole)
    assert round(100 * kept / image, 1) == 25.8
    small_image, small_whole = image // 10_000, whole // 10_000
    vector = torch.randn(small_image, generator=torch.Generator().manual_seed(1))
    threshold = top_threshold(vector, 0.2, small_whole)
    assert int((vector.abs() >= threshold).sum()) == 1 + int(0.2 * small_whole)


def test_the_next_smaller_number() -> None:
    for value in (1.0, 1e-45, 1.1754944e-38, 3.4028235e38, 0.3):
        exact = torch.tensor(value)
        assert just_below(float(exact)) == float(torch.nextafter(exact, torch.tensor(0.0)))
    assert just_below(0.0) == 0.0
