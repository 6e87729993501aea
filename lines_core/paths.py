"""Lines through weight space from the pretrained model: WiSE-FT, and WiSE-FT after LiNeS (section 5.1)."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from lines_core.editing import outside_scales
from lines_core.errors import ScheduleError
from lines_core.schedules import coefficients

WISE_FT_MIXES: tuple[float, ...] = tuple(step / 10 for step in range(11))
"""From pretrained to finetuned in tenths, as Wortsman et al. (2022) draw their curves."""


class PathPoint(NamedTuple):
    """One model on a path: what to call it, and the scales `LayerEditor.apply` takes.

    Attributes:
        label: name on screen.
        block_scales: (L,) factors on the residual, shallowest block first.
        before: factor for the parameters in no block that act before the first.
        after: factor for those that act after the last.
    """

    label: str
    block_scales: Tensor
    before: float
    after: float


def wise_ft_line(num_blocks: int, mixes: Sequence[float] = WISE_FT_MIXES) -> tuple[PathPoint, ...]:
    """The straight line theta_0 + m * tau: every parameter, in a block or not, gets the mix.

    Args:
        num_blocks: L.
        mixes: values of m in [0, 1], 0 = pretrained, 1 = finetuned.
    Raises: ScheduleError if a mix is outside [0, 1], or L is less than two.
    Source: Wortsman et al. (2022), Robust fine-tuning of zero-shot models; arXiv:2410.17146, section 5.1.

    >>> wise_ft_line(2, [0.5])[0].block_scales.tolist()
    [0.5, 0.5]
    """
    points = []
    for mix in map(_checked_mix, mixes):
        points.append(PathPoint(f"WiSE-FT {mix:g}", coefficients("flat", mix, 0.0, num_blocks), mix, mix))
    return tuple(points)


def lines_wise_ft_curve(
    num_blocks: int,
    mixes: Sequence[float] = WISE_FT_MIXES,
    shape: str = "linear",
    alpha: float = 0.5,
    beta: float = 0.5,
    outside: str = "alpha",
) -> tuple[PathPoint, ...]:
    """LiNeS first, then WiSE-FT: theta_0 + m * tau' with tau' = lambda(l) * tau.

    Args:
        num_blocks: L.
        mixes: values of m in [0, 1], 0 = pretrained, 1 = LiNeS alone.
        shape, alpha, beta: the schedule lambda, as in `coefficients`. Our copy of the paper lost its pair;
            one half each is our reading.
        outside: key of `OUTSIDE_RULES`.
    Raises: ScheduleError as `wise_ft_line` and `coefficients`; EditError for an unknown rule.
    Source: arXiv:2410.17146, section 5.1.

    >>> lines_wise_ft_curve(2, [0.5])[0].block_scales.tolist()
    [0.25, 0.5]
    """
    scales = coefficients(shape, alpha, beta, num_blocks)
    before, after = outside_scales(outside, alpha, scales)
    return tuple(
        PathPoint(f"LiNeS + WiSE-FT {mix:g}", mix * scales, mix * before, mix * after)
        for mix in map(_checked_mix, mixes)
    )


def _checked_mix(mix: float) -> float:
    if not 0.0 <= mix <= 1.0:  # NaN fails too
        raise ScheduleError(f"A WiSE-FT mix is between 0 and 1, got {mix}.")
    return float(mix)
