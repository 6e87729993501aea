"""What a stranger sent, as it may stand in a message: short, on one line, printable; never an error itself.

``repr`` writes out a megabyte, raises for a whole number of 5000 digits and recurses into a deep list.
"""

import reprlib

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
