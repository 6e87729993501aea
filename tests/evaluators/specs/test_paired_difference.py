"""Two models on the same images: what is gained and lost decides, not the two accuracies."""

import math
import random

import pytest

from evaluators.errors import EvaluationError
from evaluators.specs.intervals import difference_interval
from evaluators.specs.paired_difference import PairedCounts, paired_counts, paired_difference


def test_by_hand() -> None:
    """3 gained, 1 lost of 8 with z = 1: p = 4/10, q = 2/10, so 0.2 -+ sqrt((0.6 - 0.04) / 10)."""
    found = paired_difference([PairedCounts(3, 1, 8)], z=1.0)
    spread = math.sqrt(0.56 / 10)
    assert found.value == 0.25
    assert (found.low, found.high) == pytest.approx((0.2 - spread, 0.2 + spread))


def test_the_other_way_round_has_the_other_sign() -> None:
    there = paired_difference([PairedCounts(7, 2, 50), PairedCounts(0, 3, 40)])
    back = paired_difference([PairedCounts(2, 7, 50), PairedCounts(3, 0, 40)])
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))


def test_the_mean_of_equal_tasks_is_narrower() -> None:
    one, four = (paired_difference([PairedCounts(9, 3, 100)] * k) for k in (1, 4))
    assert (four.high - four.low) * 2 == pytest.approx(one.high - one.low)


def test_pairing_tells_more_than_two_accuracies_do() -> None:
    """60 to 68 of 100: 8 gained and none lost is measurable, two independent accuracies are not."""
    assert difference_interval([(60, 100)], [(68, 100)])[0] < 0
    assert paired_difference([PairedCounts(8, 0, 100)]).low > 0


def test_nineteen_of_twenty_intervals_hold_the_true_difference() -> None:
    random.seed(0)
    inside, trials = 0, 2000
    for _ in range(trials):
        draws = random.choices(("gained", "lost", "same"), (0.12, 0.05, 0.83), k=200)
        found = paired_difference([PairedCounts(draws.count("gained"), draws.count("lost"), 200)])
        inside += found.low <= 0.07 <= found.high
    assert 0.93 < inside / trials < 0.975


def test_predictions_to_counts_as_far_as_both_reach() -> None:
    assert paired_counts([0, 1, 1], first=[1, 1], second=[0, 1, 0]) == PairedCounts(gained=1, lost=0, n=2)


@pytest.mark.parametrize(("gained", "lost", "n"), [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_impossible_counts_are_refused(gained: int, lost: int, n: int) -> None:
    with pytest.raises(EvaluationError, match="cannot be"):
        PairedCounts(gained, lost, n)
    with pytest.raises(EvaluationError, match="no tasks"):
        paired_difference([])
