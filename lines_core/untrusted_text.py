"""Untrusted text in messages: shortened, on one line, printable. Formatting it never raises.

``repr`` writes out a megabyte, raises for a whole number of 5000 digits and recurses into a deep list.
"""

import reprlib
from collections.abc import Sequence

MOST = 80
"""Characters of a value that a message repeats."""
MOST_WORDS = 400
"""Characters of somebody else's text, such as a library's error, that a message repeats."""
_MOST_BITS = 128
_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxother = MOST

    def repr_int(self, x: int, level: int) -> str:
        """A number with more digits than anyone reads is told by their count."""
        bits = x.bit_length()
        return repr(x) if bits <= _MOST_BITS else f"<a whole number of some {bits * 3 // 10:,} digits>"


_SHORT = _Short()


def quoted(value: object, most: int = MOST) -> str:
    """The value as Python writes it, cut to ``most`` characters; what does not print is escaped.

    >>> quoted("0.5"), quoted("\\u202etxt.exe"), quoted(10**5000)
    ("'0.5'", "'\\\\u202etxt.exe'", '<a whole number of some 4,983 digits>')
    """
    return excerpt(_SHORT.repr(value), most)


def excerpt(text: str, most: int = MOST_WORDS) -> str:
    """The text cut to ``most`` characters, what does not print replaced, white space made plain.

    >>> excerpt("one\\ntwo\\u202e"), excerpt("much too long", most=8)
    ('one two\ufffd', 'much to…')
    """
    plain = " ".join(text[: most + 1].split())
    shown = "".join(letter if letter.isprintable() else _UNPRINTABLE for letter in plain)
    return shown if len(text) <= most else f"{shown[: most - 1]}…"


def first_names(names: Sequence[str], most: int = 5) -> str:
    """The first few names, quoted and joined by commas, and how many more there are.

    >>> first_names(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    return first_of([quoted(name) for name in names[:most]], most, len(names))


def first_of(entries: Sequence[str], most: int = 5, total: int | None = None) -> str:
    """The first few entries joined by commas, and how many more of ``total`` (default: all given) there are.

    >>> first_of(["missing: a", "missing: b", "missing: c"], most=1)
    'missing: a and 2 more'
    """
    more = (len(entries) if total is None else total) - most
    return ", ".join(entries[:most]) + (f" and {more} more" if more > 0 else "")
