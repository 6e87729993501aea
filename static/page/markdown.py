"""Markdown with equations as HTML with MathML."""

from __future__ import annotations

import re

EQUATION = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<line>[^$\n]+?)\$", re.DOTALL)
LINE_SPACE = re.compile(r"\\\\\[[^\]]*\]")
"""End of a line of an equation, with the space below it."""
MARK = "\ue000{}\ue001"
"""In place of an equation while the text around it is read; private characters, which no text has."""


def markdown(text: str, dollars: bool = True) -> str:
    """HTML of a text.

    Args:
        dollars: single dollars stand around an equation too, not only double ones.
    """
    from markdown_it import MarkdownIt

    equations: list[str] = []

    def keep(match: re.Match[str]) -> str:
        if match["line"] is not None and not dollars:
            return match[0]
        display = "block" if match["block"] else "inline"
        equations.append(mathml(match["block"] or match["line"], display))
        return MARK.format(len(equations) - 1)

    html: str = MarkdownIt("commonmark").enable("table").render(EQUATION.sub(keep, text))
    for number, equation in enumerate(equations):
        html = html.replace(MARK.format(number), equation)
    return html


def mathml(equation: str, display: str) -> str:
    """MathML of an equation; lines that are gathered become rows, which the converter knows of a matrix only.

    Args:
        display: "block" or "inline".
    """
    from latex2mathml.converter import convert

    rows = LINE_SPACE.sub(r"\\\\", equation).replace("{gathered}", "{matrix}")
    html: str = convert(rows, display=display)
    return html
