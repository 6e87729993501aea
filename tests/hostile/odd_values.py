"""Values that are no valid setting, and what a message about them must be like."""

import math
from typing import Any

from hypothesis import strategies as st

LONGEST_MESSAGE = 600
ODD_NUMBERS: tuple[Any, ...] = (
    0,
    -0.0,
    -1,
    1,
    True,
    0.5,
    10,
    10.000001,
    1e308,
    5e-324,
    math.inf,
    -math.inf,
    math.nan,
    2**31,
    2**63,
    2**64 - 1,
    10**400,
)
ODD_TEXTS = (
    "",
    ".",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "C:\\windows",
    "a/b",
    "digits\x00.pt",
    "digits\n",
    "\u202etxt.exe",  # writes from right to left from here on
    "digi\u200bts",  # a space without width
    "d\u0131gits",  # a dotless i
    "\u212aitchen",  # the sign for kelvin, which is a k to a pattern that ignores case
    "\u00e9",
    "e\u0301",  # looks like the one before
    "\ud800",  # half a character
    "\U0001f600",
    "__class__",
    "nan",
    "1e400",
    "9" * 5000,
    "x" * 100_000,
)

odd_numbers = st.sampled_from(ODD_NUMBERS)
odd_values = st.one_of(
    odd_numbers,
    st.sampled_from(ODD_TEXTS),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.builds(list),
    st.builds(dict),
    st.builds(lambda: [[[[]]]]),
)


def short_id(value: object) -> str:
    """A name for an example in the list of tests."""
    return ascii(value)[:30]


def check_message(text: str) -> None:
    """A message is a short line that can be shown and stored."""
    assert 0 < len(text) <= LONGEST_MESSAGE, f"{len(text)} characters: {text[:200]}"
    assert text.isprintable(), ascii(text)
    assert "weights_only" not in text, "torch's advice to try without must not reach a visitor"
    text.encode("utf-8")
