"""Means over checkpoints by hand."""

import pytest

from evaluators import EditSpec, Evaluation, TaskResult
from evaluators.specs.checkpoint_means import mean_control, mean_target


def evaluation(target: int, controls: tuple[int, int]) -> Evaluation:
    tasks = (
        TaskResult("a", "A", "target", target, 100),
        TaskResult("b", "B", "control", controls[0], 100),
        TaskResult("c", "C", "control", controls[1], 100),
    )
    return Evaluation(EditSpec(checkpoint="a"), tasks, True, 0.1, "float32", "cpu")


def test_means_over_checkpoints() -> None:
    found = [evaluation(90, (40, 60)), evaluation(70, (20, 60))]
    assert mean_target(found).mean == pytest.approx(0.8)
    assert mean_control(found).mean == pytest.approx(0.45)


def test_the_same_images_twice_do_not_narrow_the_interval() -> None:
    once = mean_control([evaluation(90, (40, 60))])
    twice = mean_control([evaluation(90, (40, 60)), evaluation(90, (40, 60))])
    assert (once.low, once.high) == (twice.low, twice.high)
