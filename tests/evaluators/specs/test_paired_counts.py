"""Two models on the same images: what only one of them names correctly."""

import pytest

from evaluators.errors import EvaluationError
from evaluators.specs.paired_counts import PairedCounts, paired_counts


def test_predictions_to_counts_as_far_as_both_reach() -> None:
    assert paired_counts([0, 1, 1], first=[1, 1], second=[0, 1, 0]) == PairedCounts(gained=1, lost=0, n=2)


@pytest.mark.parametrize(("gained", "lost", "n"), [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_impossible_counts_are_refused(gained: int, lost: int, n: int) -> None:
    with pytest.raises(EvaluationError, match="cannot be"):
        PairedCounts(gained, lost, n)
