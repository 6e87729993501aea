"""Two models on the same images: what only one of them names correctly."""

import math

import pytest

from evaluators.errors import EvaluationError
from evaluators.specs.paired_counts import PairedCounts, paired_counts, paired_difference


def test_predictions_to_counts_as_far_as_both_reach() -> None:
    assert paired_counts([0, 1, 1], first=[1, 1], second=[0, 1, 0]) == PairedCounts(gained=1, lost=0, n=2)


@pytest.mark.parametrize(("gained", "lost", "n"), [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_impossible_counts_are_refused(gained: int, lost: int, n: int) -> None:
    with pytest.raises(EvaluationError, match="cannot be"):
        PairedCounts(gained, lost, n)


def test_the_difference_by_hand_and_its_sign() -> None:
    """p = 13/102, q = 3/102: centre 10/102, variance (16/102 - (10/102)^2) / 102."""
    value, low, high = paired_difference([PairedCounts(gained=12, lost=2, n=100)])
    spread = 1.959963984540054 * math.sqrt((16 / 102 - (10 / 102) ** 2) / 102)
    assert value == pytest.approx(0.1)
    assert [low, high] == pytest.approx([10 / 102 - spread, 10 / 102 + spread])
    mirrored = paired_difference([PairedCounts(gained=2, lost=12, n=100)])
    assert list(mirrored) == pytest.approx([-value, -high, -low])


def test_the_difference_of_tasks_is_the_mean_and_narrower() -> None:
    one = PairedCounts(gained=12, lost=2, n=100)
    alone, both = paired_difference([one]), paired_difference([one, one])
    assert both[0] == pytest.approx(alone[0])
    assert both[2] - both[1] == pytest.approx((alone[2] - alone[1]) / math.sqrt(2))


def test_no_task_has_no_difference() -> None:
    with pytest.raises(EvaluationError, match="no differences"):
        paired_difference([])
