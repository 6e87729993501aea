"""Every entry of every page's link, said wrongly: the page says so, and opens as without that entry."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import pytest

from evaluators.service.studio import Studio
from tests.paths import ASSETS
from ui.layout import build

WRONG = ("abc", "1e30", "nan", "-7")
MAY_BE_EMPTY = ("tasks", "weights", "pins")
"""The page itself writes them so."""


@dataclass(frozen=True)
class Link:
    """The reader of the whole page's link, called as the browser calls it, and its rows."""

    page: gr.Blocks

    @property
    def rows(self) -> list[dict[str, Any]]:
        bar = next(one for one in self.page.blocks.values() if getattr(one, "elem_id", "") == "lx-address")
        return list(json.loads(bar.props["fixed"])["rows"])  # type: ignore[attr-defined]

    def opened(self, search: str) -> tuple[list[Any], str]:
        """What a link sets: the page and its controls; and the notice."""
        visit = next(one.fn for one in self.page.fns.values() if one.name == "visit")
        request = gr.Request(username=None, session_hash="visitor")
        said = json.loads(visit(request, search, ""))["values"]  # type: ignore[misc]
        return said[:-1], said[-1]["value"]


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    async def lay_out() -> gr.Blocks:
        return build(studio)

    studio = Studio(ASSETS, None)
    yield Link(asyncio.run(lay_out()))
    studio.close()


def pages_of(link: Link) -> list[tuple[str, str]]:
    """(beginning of a link in which an entry counts, name of the entry)"""
    method = next(row["at"] for row in link.rows if row["name"] == "method")
    found = []
    for row in link.rows:
        at, value = row["only"] or (None, None)
        found.append((f"?page={row['page'] or 'explore'}" + f"&method={value}" * (at == method), row["name"]))
    return [*found, ("?", "page"), ("?page=merge", "present"), ("?page=merge", "embed")]


def test_a_wrong_entry_is_named_and_changes_nothing_else(link: Link) -> None:
    """A wrong α of Merge took Eq. 2's tick away, and a wrong ``present`` took the visitor to Explore."""
    for beginning, name in pages_of(link):
        opened, notice = link.opened(beginning if name != "page" else "?page=explore")
        assert not notice, beginning
        for wrong in (*WRONG, *([] if name in MAY_BE_EMPTY else [""])):
            search = f"{beginning}&{name}={wrong}"
            assert link.opened(search)[0] == opened, search
            assert f"The link&#x27;s {name}" in link.opened(search)[1], search


def test_of_an_entry_that_is_there_twice_the_first_counts(link: Link) -> None:
    """The last one did, though the browser opens the page of the first, and nothing was said."""
    opened, notice = link.opened("?page=merge&method=ties&page=text&method=sum")
    assert opened == link.opened("?page=merge&method=ties")[0]
    assert "says page more than once: the first one, “merge”, is taken" in notice
    assert "says method more than once: the first one, “ties”, is taken" in notice
    assert not link.opened("?page=merge&page=merge&utm=1&utm=2")[1]


def test_no_ticked_task_stays_none(link: Link) -> None:
    """The page writes it so; opening that link ticked all of them."""
    tasks = next(row["at"] for row in link.rows if row["name"] == "tasks")
    opened, notice = link.opened("?page=merge&tasks=")
    assert opened[2 + tasks]["value"] == []
    assert not notice


def test_weights_out_of_range_are_left_out(link: Link) -> None:
    opened, notice = link.opened("?page=merge&weights=digits 99")
    assert opened == link.opened("?page=merge")[0]
    assert "The link&#x27;s weights" in notice
    assert "from -10 to 10" in notice
