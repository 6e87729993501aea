"""The arithmetic of the report, on numbers worked by hand."""

import pytest

from assets.recipes.findings import best_beyond, mean_control, mean_target
from evaluators import EditSpec, Evaluation, TaskResult


def test_a_rival_is_taken_at_its_best_between_two_points() -> None:
    path = [(1.0, 0.2), (0.8, 0.4), (0.4, 0.6)]
    assert best_beyond(path, 0.9) == pytest.approx(0.3)
    assert best_beyond(path, 0.8) == pytest.approx(0.4)
    assert best_beyond(path, 0.6) == pytest.approx(0.5)
    assert best_beyond(path, 0.0) == pytest.approx(0.6)


def test_an_earlier_better_point_counts() -> None:
    assert best_beyond([(1.0, 0.7), (0.5, 0.2)], 0.6) == pytest.approx(0.7)


def test_a_rival_that_never_gets_there_has_no_best() -> None:
    assert best_beyond([(0.5, 0.9)], 0.6) == float("-inf")


def evaluation(target: int, controls: tuple[int, int]) -> Evaluation:
    tasks = (
        TaskResult("a", "A", "target", target, 100),
        TaskResult("b", "B", "control", controls[0], 100),
        TaskResult("c", "C", "control", controls[1], 100),
    )
    return Evaluation(EditSpec(checkpoint="a"), tasks, True, 0.1, "float32", "cpu")


def test_means_over_checkpoints() -> None:
    found = [evaluation(90, (40, 60)), evaluation(70, (20, 60))]
    assert mean_target(found).value == pytest.approx(0.8)
    assert mean_control(found).value == pytest.approx(0.45)


def test_asking_about_the_same_pictures_twice_makes_nothing_surer() -> None:
    once = mean_control([evaluation(90, (40, 60))])
    twice = mean_control([evaluation(90, (40, 60)), evaluation(90, (40, 60))])
    assert (once.low, once.high) == (twice.low, twice.high)
