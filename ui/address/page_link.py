"""What the link of a page says: a row for each control, and how a link is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from gradio.components import Component

from evaluators.hub.visitor_checkpoint import OWN
from evaluators.service.studio import Studio
from lines_core.untrusted_text import excerpt, first_of

MOST_SAID = 60
"""Characters of a wrong entry that the complaint about it repeats."""
MOST_NAMED = 12
"""Keys that a complaint lists."""

NOT_HERE = (
    "The link names a checkpoint that was added in another browser or tab, or is deleted: it is left out."
)
TWICE = "The link says {name} more than once: the first one, “{said}”, is taken."


class WrongEntry(ValueError):
    """What a link says of a control cannot be followed; the text says what it should be."""


@dataclass(frozen=True)
class LinkRow:
    """One control in the link.

    Args:
        name: of the parameter.
        control: whose value is said.
        start: value that the link leaves out; None if the value is always said.
        only: a control and its value with which this one has a meaning, and is said.
        starts: a control, and by its value the ``start`` where that is another one.
    """

    name: str
    control: Component
    start: Any = None
    only: tuple[Component, Any] | None = None
    starts: tuple[Component, Mapping[str, Any]] | None = None


Read = Callable[[Studio, Mapping[str, str], str, str], tuple[list[Any], list[str]]]
"""(studio, link, model, checkpoint) -> values or updates of the controls, and complaints in plain words."""


@dataclass(frozen=True)
class PageLink:
    """The part of a page in its link.

    Args:
        page: key of the page.
        rows: what is written, in order.
        controls: what is set when a link is opened; more than ``rows`` if the link implies something.
        read: gives one value for each of ``controls``. A control of which the link says nothing gets its
            start value.
    """

    page: str
    rows: Sequence[LinkRow]
    controls: Sequence[Component]
    read: Read


@dataclass
class LinkReader:
    """Reads entries one by one and collects complaints; a wrong entry gives the default.

    >>> reader = LinkReader({"beta": "0.3", "shape": "banana"})
    >>> reader.number("beta", 0.0, 1.0, 0.5), reader.one_of("shape", ["linear", "sqrt"], "linear")
    (0.3, 'linear')
    >>> reader.complaints
    ["The link's shape “banana” is not one of linear, sqrt."]
    """

    query: Mapping[str, str]
    complaints: list[str] = field(default_factory=list)

    def number(self, name: str, low: float, high: float, default: float) -> float:
        """A number within a range."""
        said = self.query.get(name)
        if said is None:
            return default
        try:
            number = float(said)
        except ValueError:
            number = math.nan
        if low <= number <= high:
            return number
        self.complaints.append(no_number(name, said, low, high))
        return default

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        """A whole number within a range."""
        number = self.number(name, low, high, default)
        if number == int(number):
            return int(number)
        self.complaints.append(no_number(name, self.query[name], low, high, "a whole number"))
        return default

    def one_of(self, name: str, known: Sequence[str], default: str) -> str:
        """One of some keys."""
        said = self.query.get(name)
        if said is None or said in known:
            return default if said is None else said
        self.complaints.append(unknown(name, said, known))
        return default

    def some_of(self, name: str, known: Sequence[str], default: Sequence[str]) -> list[str]:
        """Several keys, separated by commas, in their usual order; the known ones of them.

        An empty entry is what the page writes where none is ticked.
        """
        said = self.query.get(name)
        if said is None:
            return list(default)
        given = [key for key in said.split(",") if key] or ([said] if said else [])
        strangers = [key for key in given if key not in known]
        if any(key.startswith(OWN) for key in strangers):
            self.complaints.append(NOT_HERE)
        elif strangers:
            self.complaints.append(unknown(name, strangers[0], known))
        there = [key for key in known if key in given]
        return list(default) if strangers and not there else there


def read_query(search: str, names: Container[str]) -> tuple[dict[str, str], list[str]]:
    """Entries of a link by name, of a name that is said twice the first, and complaints about that.

    Args:
        names: those that are ours; others may be said as often as they like.

    >>> read_query("?gamma=0.2&gamma=0.9&utm=a&utm=b", {"gamma"})
    ({'gamma': '0.2', 'utm': 'a'}, ['The link says gamma more than once: the first one, “0.2”, is taken.'])
    """
    query: dict[str, str] = {}
    complaints = {}
    for name, said in parse_qsl(search.lstrip("?"), keep_blank_values=True):
        if query.setdefault(name, said) != said and name in names:
            complaints[name] = TWICE.format(name=name, said=excerpt(query[name], MOST_SAID))
    return query, list(complaints.values())


def unknown(name: str, said: str, known: Sequence[str]) -> str:
    """That an entry of a link is none of some keys."""
    shown = f"“{excerpt(said, MOST_SAID)}” is" if said else "is empty,"
    return f"The link's {name} {shown} not one of {first_of(known, MOST_NAMED)}."


def no_number(name: str, said: str, low: float, high: float, kind: str = "a number") -> str:
    """That an entry of a link is no number of a range."""
    shown = f"“{excerpt(said, MOST_SAID)}”" if said else "empty"
    point = ": decimals take a point" if "," in said else ""
    return f"The link's {name} should be {kind} from {low:.12g} to {high:.12g}, not {shown}{point}."
