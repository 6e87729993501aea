"""Untrusted values as text for messages: short, on one line, printable; never raises.

``repr`` writes out a megabyte, raises for an integer of 5000 digits and recurses into a deep list.
"""

import reprlib
from collections.abc import Sequence

MAX_VALUE = 80
"""Characters of a value that a message repeats."""
MAX_TEXT = 400
"""Characters of foreign text, such as a library's error, that a message repeats."""
_MAX_INT_BITS = 128
_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


class _ShortRepr(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxother = MAX_VALUE

    def repr_int(self, x: int, level: int) -> str:
        """A long integer is described by its number of digits."""
        bits = x.bit_length()
        return repr(x) if bits <= _MAX_INT_BITS else f"<integer of about {bits * 3 // 10:,} digits>"


_SHORT_REPR = _ShortRepr()


def quoted(value: object, limit: int = MAX_VALUE) -> str:
    """The value as Python writes it, cut to ``limit`` characters; unprintable characters are escaped.

    >>> quoted("0.5"), quoted("\\u202etxt.exe"), quoted(10**5000)
    ("'0.5'", "'\\\\u202etxt.exe'", '<integer of about 4,983 digits>')
    """
    return excerpt(_SHORT_REPR.repr(value), limit)


def excerpt(text: str, limit: int = MAX_TEXT) -> str:
    """The text cut to ``limit`` characters, unprintable characters replaced, white space collapsed.

    >>> excerpt("one\\ntwo\\u202e"), excerpt("much too long", limit=8)
    ('one two\ufffd', 'much to…')
    """
    plain = " ".join(text[: limit + 1].split())
    shown = "".join(letter if letter.isprintable() else _UNPRINTABLE for letter in plain)
    return shown if len(text) <= limit else f"{shown[: limit - 1]}…"


def first_names(names: Sequence[str], limit: int = 5) -> str:
    """The first few names, quoted and joined by commas, and how many more there are.

    >>> first_names(["a", "b", "c"], limit=2)
    "'a', 'b' and 1 more"
    """
    return first_of([quoted(name) for name in names[:limit]], limit, len(names))


def first_of(entries: Sequence[str], limit: int = 5, total: int | None = None) -> str:
    """The first few entries joined by commas, and how many more of ``total`` (default: all given) there are.

    >>> first_of(["missing: a", "missing: b", "missing: c"], limit=1)
    'missing: a and 2 more'
    """
    more = (len(entries) if total is None else total) - limit
    return ", ".join(entries[:limit]) + (f" and {more} more" if more > 0 else "")
