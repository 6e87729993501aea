"""Escaping of untrusted text, such as the name of a visitor's file, for Markdown and YAML."""

import json


def one_line(text: str) -> str:
    """The text in one line of printable characters.

    >>> one_line("a\\n# b\\x1b")
    'a # b'
    """
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def code(text: str) -> str:
    """The text as Markdown code, in which neither Markdown nor HTML means anything, also in a table.

    >>> code("<b>`x|y`")
    "`<b>'x/y'`"
    """
    return f"`{one_line(text).replace('`', chr(39)).replace('|', '/') or '-'}`"


def quoted(text: str) -> str:
    """The text as a YAML string.

    >>> print(quoted('# "a": b'))
    "# \\"a\\": b"
    """
    return json.dumps(one_line(text), ensure_ascii=False)


def number(value: float) -> str:
    """All digits of a number, in a form that every YAML reader takes for one.

    >>> number(1e-05), number(0.1), number(-0.25e-7)
    ('1.0e-05', '0.1', '-2.5e-08')
    """
    text = repr(float(value))
    return text.replace("e", ".0e") if "e" in text and "." not in text else text
