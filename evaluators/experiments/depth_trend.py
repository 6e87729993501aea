"""Whether learned coefficients come close to LiNeS's line (Section 5.5, Fig. 5), by a rule that is stated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean, linear_regression

from evaluators.specs.intervals import Z95


@dataclass(frozen=True)
class DepthTrend:
    """Coefficients of block 1 .. L against depth and against LiNeS's line.

    Args:
        blocks: L.
        rank_correlation: of the coefficients with depth, Spearman's; 0 where all are equal.
        ends: first and last value of their best line (least squares).
        from_lines: root mean square distance from LiNeS's line.
        from_flat: the same from their mean, the nearest coefficient that is one for all blocks.
    """

    blocks: int
    rank_correlation: float
    ends: tuple[float, float]
    from_lines: float
    from_flat: float

    @property
    def least(self) -> float:
        """The rank correlation 1.96 / sqrt(L - 1), which order by chance exceeds once in forty times."""
        return Z95 / math.sqrt(self.blocks - 1)

    @property
    def close(self) -> bool:
        """Rising with depth by more than chance, and nearer to LiNeS's line than to any flat coefficient."""
        return self.rank_correlation > self.least and self.from_lines < self.from_flat


def depth_trend(learned: Sequence[float], lines: Sequence[float]) -> DepthTrend:
    """The trend of one kind of parameters.

    Args:
        learned: coefficient of block 1 .. L, two or more.
        lines: LiNeS's.
    """
    depth = range(len(learned))
    try:
        ranked = correlation(depth, _ranks(learned))
    except StatisticsError:
        ranked = 0.0
    slope, start = linear_regression(depth, learned)
    return DepthTrend(
        len(learned),
        ranked,
        (start, start + slope * depth[-1]),
        _distance(learned, lines),
        _distance(learned, [fmean(learned)] * len(learned)),
    )


def _ranks(values: Sequence[float]) -> list[float]:
    """Equal values share the mean of their ranks."""
    return [sum((one < value) + (one == value) / 2 for one in values) for value in values]


def _distance(first: Sequence[float], second: Sequence[float]) -> float:
    return math.sqrt(fmean((a - b) ** 2 for a, b in zip(first, second, strict=True)))
