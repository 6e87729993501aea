"""The real page as plain values, and as HTML: nothing is lost, and what needs a server is left out."""

import asyncio
import re
from typing import cast

import pytest

from evaluators.service.studio import Studio
from static.page.page_tree import PageTree, Part, page_tree
from static.page.render import render
from static.page.static_document import VERSION, document, without_served
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.layout import build


@pytest.fixture(scope="module")
def tree() -> PageTree:
    """Built inside an event loop: outside of one, Gradio opens two and never closes them."""

    async def built() -> PageTree:
        return page_tree(build(cast(Studio, ZeroCostStudio())))

    return asyncio.run(built())


def test_each_part_has_its_number_and_place(tree: PageTree) -> None:
    numbers = [part.id for part in tree.walk()]
    assert len(numbers) == len(set(numbers)) > 100
    assert tree.part("lx-gamma").kind == "slider"
    assert tree.part("lx-gamma") in list(tree.part("lx-page-explore").walk())
    with pytest.raises(KeyError, match="lx-nothing"):
        tree.part("lx-nothing")


def test_listeners_that_run_in_the_browser_are_kept_in_order(tree: PageTree) -> None:
    here = {part.id for part in tree.walk()}
    assert all(target in here for one in tree.listeners for target, _ in one.targets)
    followers = [(place, one.after) for place, one in enumerate(tree.listeners) if one.after is not None]
    assert followers
    assert all(after < place for place, after in followers)


def test_a_slider_is_one_labelled_field_and_one_range(tree: PageTree) -> None:
    part = tree.part("lx-gamma")
    html = render(part)
    assert html.startswith(f'<div class="block" data-part="{part.id}" id="lx-gamma">')
    assert html.count('min="0.0" max="1.0" step="0.01"') == 2
    assert f'<label for="part-{part.id}">' in html


def test_text_of_the_page_cannot_become_markup() -> None:
    part = Part(7, "button", {"value": "<b>&", "elem_id": 'a"b'})
    assert render(part) == (
        '<button class="lg" data-part="7" type="button" id="a&quot;b">&lt;b&gt;&amp;</button>'
    )


def test_a_kind_without_a_form_is_an_error() -> None:
    with pytest.raises(KeyError, match="hologram"):
        render(Part(1, "hologram", {}))


def test_what_needs_a_server_is_left_out_and_said_at_the_end_of_about(tree: PageTree) -> None:
    more = Part(-1, "markdown", {"value": "Added."})
    shown = [part for one in tree.parts if (part := without_served(one, {"lx-page-about": more}))]
    parts = {part.name: part for one in shown for part in one.walk()}
    assert "lx-page-models" not in parts
    assert "lx-robust-stop" in {part.name for part in tree.walk()}
    assert not [name for name in parts if name.endswith(("-run", "-stop"))], "nothing can be measured"
    assert parts["lx-page-about"].inside[-1] is more


def test_the_document_names_its_version_and_its_size(tree: PageTree) -> None:
    html = document(tree, {}, size=53_561_152)
    assert html.count(VERSION) == 1
    assert '<button type="button">Download it</button> (54 MB)' in html
    ids = re.findall(r' id="(lx-[^"]+)"', html.partition("<script>window.startStatic")[0])
    assert len(ids) == len(set(ids))
