"""The rule on learned coefficients: rising with depth, and nearer to LiNeS's line than to a flat one."""

import pytest

from evaluators.experiments.depth_trend import depth_trend

LINE = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


def test_a_trend_by_hand() -> None:
    found = depth_trend([0.2, 0.1, 0.3, 0.4, 0.6, 0.5], LINE)
    assert found.rank_correlation == pytest.approx(1 - 6 * 4 / (6 * 35))
    assert found.from_lines == pytest.approx((4 * 0.01 / 6) ** 0.5)
    assert found.from_flat == pytest.approx((0.175 / 6) ** 0.5)
    assert found.ends == pytest.approx((0.35 - 2.5 * 1.55 / 17.5, 0.35 + 2.5 * 1.55 / 17.5))
    assert found.least == pytest.approx(1.96 / 5**0.5, rel=1e-3)


def test_the_line_itself_is_close() -> None:
    found = depth_trend(LINE, LINE)
    assert found.rank_correlation == pytest.approx(1.0)
    assert found.from_lines == 0
    assert found.close


@pytest.mark.parametrize(
    "learned",
    [
        [0.3] * 6,  # flat
        LINE[::-1],  # falling
        [0.1, 0.6, 0.2, 0.5, 0.3, 0.4],  # near, in no order
        [one + 1 for one in LINE],  # rising, but far away
    ],
)
def test_others_are_not(learned: list[float]) -> None:
    assert not depth_trend(learned, LINE).close
    if len(set(learned)) == 1:
        assert depth_trend(learned, LINE).rank_correlation == 0
