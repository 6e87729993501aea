import pytest

from evaluators.specs.edit_spec import EditSpec
from lines_core.editing import OUTSIDE_RULES
from lines_core.schedules import SHAPES
from ui.live.schedule_figure import Bars, factors, positions, schedule_bars
from ui.live.schedule_tables import affine_parts, affine_tables


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("outside", list(OUTSIDE_RULES))
def test_three_vectors_say_all_of_a_schedule(shape: str, outside: str) -> None:
    """If a shape were not affine in alpha and beta, the browser would draw another schedule than is
    measured."""
    parts = affine_parts(shape, outside, 5)
    for alpha, beta in ((0.3, 0.7), (1.4, -0.9), (0.0, 0.25)):
        expected = factors(EditSpec(shape=shape, outside=outside, alpha=alpha, beta=beta).scales(5))
        columns = zip(parts["constant"], parts["alpha"], parts["beta"], strict=True)
        assert [c + alpha * a + beta * b for c, a, b in columns] == pytest.approx(expected)


def test_tables_hold_every_shape_and_rule() -> None:
    table = affine_tables([("m", 4)])["m"]
    assert set(table) == set(SHAPES)
    assert all(set(rules) == set(OUTSIDE_RULES) for rules in table.values())


def test_bars_by_hand() -> None:
    bars = schedule_bars(EditSpec.lines("digits", 0.25), 4)
    assert bars == Bars(("in", "1", "2", "3", "4", "out"), (0.25, 0.25, 0.5, 0.75, 1.0, 0.25), "lines")
    assert list(bars.labels) == positions(4)
