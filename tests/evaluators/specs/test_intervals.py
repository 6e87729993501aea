"""Confidence intervals, by hand and as published."""

import math

import pytest

from evaluators.errors import EvaluationError
from evaluators.specs.intervals import difference_interval, mean_interval, wilson_interval


def test_wilson_by_hand() -> None:
    """z = 2 keeps the arithmetic on one line: 1 of 2 gives (0.5 + 1 +- 2 sqrt(0.125 + 0.25)) / 3."""
    low, high = wilson_interval(1, 2, z=2.0)
    assert low == pytest.approx((1.5 - 2 * math.sqrt(0.375)) / 3)
    assert high == pytest.approx((1.5 + 2 * math.sqrt(0.375)) / 3)
    assert wilson_interval(0, 4, z=2.0) == (0.0, 0.5)  # z^2/n / (1 + z^2/n) = 1 / 2
    assert wilson_interval(4, 4, z=2.0) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(correct: int, n: int, low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17, table I, method 3."""
    assert wilson_interval(correct, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("n", [1, 7, 200])
def test_wilson_ends_solve_the_score_equation(n: int) -> None:
    """An independent definition: the ends are where |p - q| = z sqrt(q (1 - q) / n)."""
    for correct in range(n + 1):
        p = correct / n
        for end in wilson_interval(correct, n):
            assert abs(p - end) == pytest.approx(1.959963984540054 * math.sqrt(end * (1 - end) / n), abs=1e-9)


@pytest.mark.parametrize(("correct", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(correct: int, n: int) -> None:
    with pytest.raises(EvaluationError, match=rf"got {correct} of {n}"):
        wilson_interval(correct, n)


def test_mean_of_one_is_wilson() -> None:
    assert mean_interval([(17, 40)]) == pytest.approx(wilson_interval(17, 40))


def test_mean_interval_by_hand() -> None:
    """Accuracies 0 and 1 of 4 with z = 2: Wilson gives [0, 1/2] and [1/2, 1], so 1/2 +- (1/2) / 2."""
    assert mean_interval([(0, 4), (4, 4)], z=2.0) == pytest.approx((0.25, 0.75))


def test_mean_interval_stays_within_bounds_and_narrows() -> None:
    assert mean_interval([(20, 20)] * 7)[1] == 1.0
    assert mean_interval([(0, 20)] * 7)[0] == 0.0
    few, many = mean_interval([(10, 20)] * 2), mean_interval([(10, 20)] * 8)
    assert many[1] - many[0] == pytest.approx((few[1] - few[0]) / 2)
    with pytest.raises(EvaluationError, match="mean of no accuracies"):
        mean_interval([])


def test_difference_interval_by_hand() -> None:
    """0 and 4 of 4 with z = 2: Wilson gives [0, 1/2] and [1/2, 1], so 1 - sqrt(1/4 + 1/4) to 1."""
    low, high = difference_interval([(0, 4)], [(4, 4)], z=2.0)
    assert low == pytest.approx(1 - math.sqrt(0.5))
    assert high == pytest.approx(1.0)


def test_difference_interval_of_newcombe() -> None:
    """Newcombe 1998, Table II: 56/70 against 48/80 has 0.0524 to 0.3339 by method 10."""
    low, high = difference_interval([(48, 80)], [(56, 70)])
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_difference_interval_is_antisymmetric() -> None:
    one, other = [(10, 40), (30, 40)], [(15, 40), (38, 40)]
    low, high = difference_interval(one, other)
    assert difference_interval(other, one) == pytest.approx((-high, -low))
