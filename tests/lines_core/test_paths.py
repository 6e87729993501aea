"""WiSE-FT's straight line and the curve of LiNeS + WiSE-FT (section 5.1)."""

import math

import pytest
import torch

from lines_core.errors import EditError, ScheduleError
from lines_core.paths import WISE_FT_MIXES, lines_wise_ft_curve, wise_ft_line


def test_mixes_run_in_exact_tenths() -> None:
    assert WISE_FT_MIXES == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def test_the_line_gives_every_parameter_the_mix() -> None:
    points = wise_ft_line(3)
    assert len(points) == 11
    for point, mix in zip(points, WISE_FT_MIXES, strict=True):
        assert point.block_scales.tolist() == [mix] * 3
        assert (point.before, point.after) == (mix, mix)
    assert [points[0].label, points[3].label, points[-1].label] == ["WiSE-FT 0", "WiSE-FT 0.3", "WiSE-FT 1"]


def test_the_curve_worked_by_hand() -> None:
    start, middle, end = lines_wise_ft_curve(3, [0.0, 0.5, 1.0])
    assert start.block_scales.tolist() == [0.0, 0.0, 0.0]
    assert (start.before, start.after) == (0.0, 0.0)
    assert middle.block_scales.tolist() == [0.25, 0.375, 0.5]
    assert (middle.before, middle.after) == (0.25, 0.25)
    assert end.block_scales.tolist() == [0.5, 0.75, 1.0]
    assert (end.before, end.after) == (0.5, 0.5)
    assert middle.label == "LiNeS + WiSE-FT 0.5"


def test_the_curve_takes_another_schedule_and_rule() -> None:
    (point,) = lines_wise_ft_curve(3, [0.5], shape="quadratic", alpha=0.2, beta=0.8, outside="depth")
    torch.testing.assert_close(point.block_scales, torch.tensor([0.1, 0.2, 0.5], dtype=torch.float64))
    assert (point.before, point.after) == (0.1, 0.5)


def test_a_flat_schedule_of_one_is_the_line() -> None:
    for ours, line in zip(lines_wise_ft_curve(4, alpha=1.0, beta=0.0), wise_ft_line(4), strict=True):
        assert torch.equal(ours.block_scales, line.block_scales)
        assert ours[2:] == line[2:]


@pytest.mark.parametrize("mix", [-0.1, 1.1, math.nan, math.inf])
def test_mixes_outside_the_line_are_refused(mix: float) -> None:
    with pytest.raises(ScheduleError, match=f"between 0 and 1, got {mix}"):
        wise_ft_line(12, [0.5, mix])
    with pytest.raises(ScheduleError, match=f"between 0 and 1, got {mix}"):
        lines_wise_ft_curve(12, [0.5, mix])


def test_other_bad_arguments_are_refused() -> None:
    with pytest.raises(ScheduleError, match="at least 2 blocks, got 1"):
        wise_ft_line(1)
    with pytest.raises(ScheduleError, match="'cubic': pick one of"):
        lines_wise_ft_curve(12, shape="cubic")
    with pytest.raises(EditError, match="'beta': pick one of"):
        lines_wise_ft_curve(12, outside="beta")
