"""Schedules: the scale of each residual block, Eq. 1 of the paper and its variants."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from lines_core.errors import ScheduleError


@dataclass(frozen=True)
class Shape:
    """Shape of a schedule from the first block to the last.

    Attributes:
        title: name on screen.
        formula: lambda(l) in plain text, with x = (l - 1) / (L - 1).
        help: one sentence for a first-time reader.
        f: x in [0, 1] -> f(x), elementwise on a float64 tensor; lambda = alpha + beta * f(x).
    """

    title: str
    formula: str
    help: str
    f: Callable[[Tensor], Tensor]


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "linear": Shape(
            "Linear",
            "λ(ℓ) = α + β·x",
            "LiNeS itself: the scale grows by the same step from block to block (Eq. 1).",
            lambda x: x,
        ),
        "sqrt": Shape(
            "Square root",
            "λ(ℓ) = α + β·√x",
            "Rises fast in the shallow blocks, so only the first few stay near the pre-trained model (C.3).",
            torch.sqrt,
        ),
        "quadratic": Shape(
            "Quadratic",
            "λ(ℓ) = α + β·x²",
            "Rises late: most of the depth stays near the pre-trained model (C.3).",
            torch.square,
        ),
        "tiered": Shape(
            "Three tiers",
            "λ(ℓ) = α, α + β/2, α + β",
            "Three steps instead of a line: α for the first third of the blocks, α + β for the last. "
            "Inspired by the tiers of LARV (arXiv:2602.09413), whose own values are not known to us.",
            lambda x: (3.0 * x).floor().clamp(max=2.0) / 2.0,
        ),
        "flat": Shape(
            "Flat",
            "λ(ℓ) = α",
            "The same scale for every block, as in task arithmetic and WiSE-FT; β has no effect.",
            torch.zeros_like,
        ),
        "reverse": Shape(
            "Reverse",
            "λ(ℓ) = α + β·(1 − x)",
            "Shrinks the deep blocks instead of the shallow ones, the comparison of Fig. 1.",
            lambda x: 1.0 - x,
        ),
    }
)


def coefficients(shape: str, alpha: float, beta: float, num_blocks: int) -> Tensor:
    """Scale of each residual block, shallowest block first.

        lambda(l) = alpha + beta * f(x),    x = (l - 1) / (L - 1),    l = 1..L      (Eq. 1; C.3 for other f)

    Single-task editing ties the two, alpha = gamma and beta = 1 - gamma: with the linear, square root,
    quadratic and tiered shape the last block then stays finetuned, exactly.

    Args:
        shape: key of `SHAPES`.
        alpha: scale where f is 0, a factor on the residual: 0 = pretrained, 1 = finetuned.
            That is block 1, for "reverse" block L, for "flat" every block.
        beta: rise from there to where f is 1, same unit; 0 is plain task arithmetic.
        num_blocks: L, residual blocks of the encoder (12 for ViT-B, 24 for ViT-L).
    Returns: float64 tensor of shape (L,); position i belongs to block i + 1. The two ends are
        alpha and alpha + beta without any further rounding.
    Raises: ScheduleError if the shape is unknown, there are fewer than two blocks, or a coefficient is
        not finite.
    Source: arXiv:2410.17146, Eq. 1 and C.3.

    >>> coefficients("linear", alpha=0.25, beta=0.75, num_blocks=4).tolist()
    [0.25, 0.5, 0.75, 1.0]
    >>> coefficients("quadratic", alpha=0.0, beta=1.0, num_blocks=5).tolist()
    [0.0, 0.0625, 0.25, 0.5625, 1.0]
    """
    if shape not in SHAPES:
        raise ScheduleError(f"Unknown scaling function {shape!r}: pick one of {', '.join(SHAPES)}.")
    _check_num_blocks(num_blocks)
    if not (math.isfinite(alpha) and math.isfinite(beta)):
        raise ScheduleError(f"alpha and beta must be finite, got {alpha=}, {beta=}.")
    x = torch.arange(num_blocks, dtype=torch.float64) / (num_blocks - 1)
    scales = alpha + beta * SHAPES[shape].f(x)
    if not bool(scales.isfinite().all()):
        raise ScheduleError(f"alpha + beta must be finite, got {alpha=}, {beta=}.")
    return scales


def free_form(values: Sequence[float], num_blocks: int) -> Tensor:
    """Scales of the residual blocks as given, shallowest block first: a checked copy.

    Args:
        values: L factors on the residual, 0 = pretrained, 1 = finetuned.
        num_blocks: L.
    Returns: float64 tensor of shape (L,).
    Raises: ScheduleError if the count is not L, L is less than two, or a value is not finite.

    >>> free_form([0, 0.5, 1], num_blocks=3).tolist()
    [0.0, 0.5, 1.0]
    """
    _check_num_blocks(num_blocks)
    if len(values) != num_blocks:
        raise ScheduleError(f"Expected {num_blocks} block scales, one per block, got {len(values)}.")
    scales = [float(value) for value in values]
    if not all(map(math.isfinite, scales)):
        raise ScheduleError(f"Block scales must be finite, got {scales}.")
    return torch.tensor(scales, dtype=torch.float64)


def _check_num_blocks(num_blocks: int) -> None:
    if isinstance(num_blocks, bool) or not isinstance(num_blocks, int):
        raise ScheduleError(f"The number of blocks must be a whole number, got {num_blocks!r}.")
    if num_blocks < 2:
        raise ScheduleError(f"A schedule over depth needs at least 2 blocks, got {num_blocks}.")
