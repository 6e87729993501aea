"""Areas of fronts by hand."""

from dataclasses import replace

import pytest

from evaluators import EditSpec, Evaluation, TaskResult
from evaluators.experiments.robust_fronts import areas, gain_interval, one_shift


def point(target: int, sketch: int, hard: int) -> Evaluation:
    """Accuracies in percent."""
    tasks = (
        TaskResult("objects", "Objects", "target", target, 100),
        TaskResult("sketch", "Sketches", "control", sketch, 100),
        TaskResult("hard", "Hard", "control", hard, 100),
    )
    return Evaluation(EditSpec(checkpoint="objects"), tasks, True, 0.1, "float32", "cpu")


WISE_FT = [point(50, 30, 50), point(60, 30, 30)]
"""Mean shifts of 40 and 30 %."""
LINES = [point(60, 30, 50)]


def test_areas_begin_at_the_lowest_accuracies_of_both_curves() -> None:
    area = areas(WISE_FT, LINES)
    assert area is not None
    assert area.wise_ft == pytest.approx(0.0)
    assert area.lines == pytest.approx(10 * 10)


def test_areas_of_one_shift_beyond_a_given_corner() -> None:
    area = areas(WISE_FT, LINES, one_shift("hard"), corner=(0.4, 0.2))
    assert area is not None
    assert area.wise_ft == pytest.approx(10 * 30 + 10 * 10)
    assert area.lines == pytest.approx(20 * 30)


def test_without_points_there_is_no_area() -> None:
    assert areas([], LINES) is None


def test_the_gain_is_measurable_where_the_points_are() -> None:
    """The same curves from four times and from a hundredth of the images: narrower, and too wide to tell."""

    def scaled(points: list[Evaluation], times: float) -> list[Evaluation]:
        return [
            replace(
                one,
                tasks=tuple(
                    replace(task, correct=round(task.correct * times), n=round(task.n * times))
                    for task in one.tasks
                ),
            )
            for one in points
        ]

    wise, lines = [point(90, 30, 30), point(60, 60, 60)], [point(90, 50, 50), point(60, 60, 60)]
    corner = [point(40, 20, 20)]
    many, few = (gain_interval(scaled([*corner, *wise], times), scaled(lines, times)) for times in (100, 0.1))
    found = areas([*corner, *wise], lines)
    assert found is not None
    assert 0 < many[0] < found.lines / found.wise_ft - 1 < many[1]
    assert few[1] - few[0] > 5 * (many[1] - many[0])
