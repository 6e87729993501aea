"""Pareto fronts and hypervolumes, by hand and by definition."""

import itertools
import random

import pytest

from evaluators.errors import EvaluationError
from evaluators.specs.pareto import front, front_indices, hypervolume


def test_front_by_hand() -> None:
    points = [(0.9, 0.4), (0.7, 0.6), (0.8, 0.5), (0.8, 0.4), (0.6, 0.6), (0.7, 0.6)]
    assert front(points) == ((0.7, 0.6), (0.8, 0.5), (0.9, 0.4))
    assert front_indices(points) == (1, 2, 0)  # of the equal points 1 and 5 the first
    assert front([]) == ()


def test_front_is_what_the_definition_says() -> None:
    """Against the definition, on a grid coarse enough for many ties."""
    rng = random.Random(0)
    for _ in range(50):
        points = [(rng.randrange(5) / 4, rng.randrange(5) / 4) for _ in range(rng.randrange(1, 12))]
        undominated = {p for p in points if not any(q != p and q[0] >= p[0] and q[1] >= p[1] for q in points)}
        assert front(points) == tuple(sorted(undominated))


def test_hypervolume_by_hand() -> None:
    """Two steps over (0.5, 0.2): 0.2 x 0.4 up to 0.7, then 0.2 x 0.2 up to 0.9."""
    assert hypervolume([(0.7, 0.6), (0.9, 0.4)], (0.5, 0.2)) == pytest.approx(0.2 * 0.4 + 0.2 * 0.2)
    assert hypervolume([(0.7, 0.6)], (0.7, 0.2)) == 0.0
    assert hypervolume([(0.4, 0.9), (0.6, 0.1)], (0.5, 0.2)) == 0.0
    assert hypervolume([], (0.0, 0.0)) == 0.0


def test_hypervolume_counts_covered_cells() -> None:
    """Against counting unit cells; dominated and repeated points change nothing."""
    rng = random.Random(1)
    for _ in range(30):
        points = [(rng.randrange(8), rng.randrange(8)) for _ in range(rng.randrange(8))]
        cells = sum(
            any(x < px and y < py for px, py in points) for x, y in itertools.product(range(1, 8), repeat=2)
        )
        assert hypervolume(points, (1, 1)) == cells
        assert hypervolume(points + points, (1, 1)) == cells


def test_nan_is_refused() -> None:
    with pytest.raises(EvaluationError, match="not numbers"):
        hypervolume([(float("nan"), 1.0)], (0.0, 0.0))
