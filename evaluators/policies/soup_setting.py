"""A point of the rewarded soups as a value: the weight of the faithful policy, and LiNeS on their mix."""

import math
from dataclasses import dataclass

from evaluators.errors import SpecError

WEIGHTS = tuple(round(0.1 * step, 1) for step in range(11))
"""w of a front, from the preferred policy alone to the faithful one alone."""
SCALES = (-1.0, 3.0)
"""Range of alpha and beta."""
PLAIN = (1.0, 0.0)
LINES = (0.5, 1.0)
"""(alpha, beta): as strong on average as the plain soup, so that the two differ by depth alone."""
DOUBLING = (1.0, 1.0)
"""The last block counts twice: our reading of the paper, whose value is lost in its text."""
LEVEL = (1.5, 0.0)
"""As strong on average as ``DOUBLING``, the same in every block."""


@dataclass(frozen=True)
class SoupSetting:
    """theta_0 + lambda(l) (w tau_1 + (1 - w) tau_2), lambda(l) = alpha + beta (l - 1)/(L - 1)  (Eq. 1, 4)

    Args:
        w: weight of the faithful policy's update tau_1 in [0, 1]; the preferred policy's tau_2 has 1 - w.
        alpha, beta: within ``SCALES``; (1, 0) is the plain soup.
    Raises: SpecError if a number is out of its range.
    """

    w: float
    alpha: float = PLAIN[0]
    beta: float = PLAIN[1]

    def __post_init__(self) -> None:
        for name, (low, high) in {"w": (0.0, 1.0), "alpha": SCALES, "beta": SCALES}.items():
            value = getattr(self, name)
            if not (isinstance(value, int | float) and math.isfinite(value) and low <= value <= high):
                raise SpecError(f"{name} of a soup is a number from {low:g} to {high:g}, got {value!r}.")
