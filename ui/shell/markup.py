"""HTML that several pages show: tiles, tables, notices, the legend."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from evaluators.errors import Queued
from ui.shell import text
from ui.shell.theme import ROLES


def trouble(message: str) -> str:
    """An error message in place of the verdict."""
    return f'<p class="lx-sentence lx-trouble">{escape(message)}</p>'


def in_line(line: Queued) -> str:
    """The queue position of a request, or the progress of preparing its weights."""
    return waiting_line(text.queued(line))


def waiting_line(message: str) -> str:
    """What a panel says while its numbers are awaited."""
    return f"<span>{escape(message)}</span>"


def tile(name: str, what: str, value: float, more: str, role: str = "") -> str:
    """One accuracy in large figures; its edge has the colour of ``role``, or of the tiles around it."""
    edge = f' style="--role: var(--c-{role})"' if role else ""
    return (
        f'<div class="lx-tile"{edge}>'
        f'<div class="lx-tile-name">{escape(name)} <span>{escape(what)}</span></div>'
        f'<div class="lx-tile-value">{text.percent(value)}</div>'
        f'<div class="lx-tile-more">{escape(more)}</div></div>'
    )


def plain_table(
    caption: str, header: Sequence[str], rows: Sequence[Sequence[str]], shown: bool = False
) -> str:
    """A table with a caption, column heads and row heads; everything in it is escaped here."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    css = ' class="lx-table"' if shown else ""
    head = f"<thead><tr>{head}</tr></thead>"
    return f"<table{css}><caption>{escape(caption)}</caption>{head}<tbody>{body}</tbody></table>"


def finding(said: str) -> str:
    """What an experiment shows: its first sentence stands out.

    Args:
        said: HTML.
    """
    first, *rest = re.split(r"(?<=[.!?]) (?=[^\d\s])", said, maxsplit=1)
    return f'<p class="lx-finding">{first}' + "".join(f" <span>{one}</span>" for one in rest) + "</p>"


def heading(title: str) -> str:
    """Heading of a section of a page."""
    return f'<h2 class="lx-heading">{escape(title)}</h2>'


def page_title(title: str) -> str:
    """Heading of a page for screen readers: the eye finds it in the navigation."""
    return f'<h2 class="lx-hidden">{escape(title)}</h2>'


def term(name: str, word: str) -> str:
    """A dotted word, which the glossary of *Start* explains.

    Args:
        name: of the entry in ``ui/start/words/*.json``.
    """
    return f'<button type="button" class="lx-term" data-term="{name}">{escape(word)}</button>'


def explained(word: str, says: str) -> str:
    """A dotted word with its explanation, which opens on hover, tap and keyboard focus."""
    return f'<button type="button" class="lx-term" data-says="{escape(says)}">{escape(word)}</button>'


def legend() -> str:
    """One legend for the whole page: every role with its symbol in its colour."""
    entries = "".join(
        f'<li><span aria-hidden="true" style="color: var(--c-{name})">{role.glyph}</span> '
        f"{escape(role.title).replace('WiSE-FT', term('wiseft', 'WiSE-FT'))}</li>"
        for name, role in ROLES.items()
    )
    return f'<ul class="lx-legend" aria-label="Colours and symbols">{entries}</ul>'


def notice(complaints: Sequence[str]) -> str:
    """What was wrong in a link, one line each; empty if nothing was."""
    return "".join(f'<p role="status">{escape(complaint)}</p>' for complaint in complaints)


def folded(question: str, answer: str, how: str, table: str) -> str:
    """A question with its answer; how it was found and the table open below."""
    return (
        f'<details class="lx-report"><summary><b>{escape(question)}</b> <span>{escape(answer)}</span>'
        f'</summary><div class="lx-small"><p>{escape(how)}</p></div>'
        f'<div class="lx-scroll" tabindex="0">{table}</div></details>'
    )


def code(title: str, source: str) -> str:
    """Code under its title, in the page's own ink: Gradio's highlighter fails the contrast check."""
    block = f'<pre class="lx-code" tabindex="0"><code>{escape(source)}</code></pre>'
    return f'<h2 class="lx-code-title">{escape(title)}</h2>{block}'
