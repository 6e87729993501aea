"""A free-form schedule as text, as the page and its link hold it: "0.1,0.25,1", one factor a block."""

from __future__ import annotations

from evaluators.errors import SpecError
from lines_core.untrusted_text import quoted

FACTOR_RANGE = (0.0, 1.5)
"""Of a dragged bar: 0 = pre-trained, 1 = fine-tuned."""
LONGEST = 8000
"""Characters of a text that is read: eight for each of the blocks that an `EditSpec` takes at most."""


def factors_of(text: object) -> tuple[float, ...]:
    """lambda(1) .. lambda(L), shallowest block first; empty for an empty text.

    Raises: SpecError if it is no list of numbers in ``FACTOR_RANGE``.

    >>> factors_of("0.1,0.25,1")
    (0.1, 0.25, 1.0)
    """
    low, high = FACTOR_RANGE
    if not text:
        return ()
    if isinstance(text, str) and len(text) <= LONGEST:
        try:
            factors = tuple(map(float, text.split(",")))
        except ValueError:
            factors = ()
        if factors and all(low <= factor <= high for factor in factors):  # false for nan
            return factors
    raise SpecError(
        f"A free-form schedule lists one factor a block from {low:g} to {high:g}, separated by commas, "
        f"decimals with a point, got {quoted(text)}."
    )


def fits(free_form: str, num_blocks: int) -> bool:
    """Whether a text is a free-form schedule for an encoder of that many blocks."""
    try:
        return len(factors_of(free_form)) == num_blocks > 0
    except SpecError:
        return False
