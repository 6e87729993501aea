"""What the server leaves to the visitors' browsers: edits of the embedded lab that nobody has measured."""

import asyncio
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from evaluators.service.request_stats import ServiceStatus
from evaluators.specs.edit_spec import EditSpec
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls
from ui.layout import build, launch_settings
from ui.live.browser_engine import HANDFUL, SCRIPT, BrowserEngine
from ui.shell.text import STATIC_LINK

HERE = Controls(gamma=0.37)


def busy(studio: Any, monkeypatch: pytest.MonkeyPatch, waiting: int) -> None:
    now: ServiceStatus = studio.status()
    monkeypatch.setattr(type(studio), "status", lambda self: replace(now, waiting=waiting))


def test_always_means_every_edit_that_is_not_known(studio: ZeroCostStudio) -> None:
    head = ExploreAnswers(studio, BrowserEngine(always=True))
    left = head.quick("anna", HERE)
    assert left is not None
    assert (left["state"], left["browser"], "evaluation" in left) == ("waiting", True, False)
    assert [value["browser"] for value in head.settle("anna", HERE)] == [True]
    known = head.quick("anna", replace(HERE, gamma=0.4))
    assert known is not None
    assert (known["state"], "browser" in known) == ("complete", False)
    assert studio.cached(HERE.spec()) is None, "the server has counted nothing"


def test_else_only_while_a_handful_waits(studio: ZeroCostStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = BrowserEngine()
    busy(studio, monkeypatch, HANDFUL - 1)
    assert not engine.takes(studio, HERE.spec())
    busy(studio, monkeypatch, HANDFUL)
    assert engine.takes(studio, HERE.spec())


@pytest.mark.parametrize("given", [{"model": "ViT-B-32"}, {"checkpoint": "own-0123456789abcdef.digits"}])
def test_what_the_browser_has_no_weights_of_stays_on_the_server(
    studio: ZeroCostStudio, given: dict[str, Any]
) -> None:
    assert not BrowserEngine(always=True).takes(studio, replace(EditSpec.lines(gamma=0.37), **given))


def test_the_page_gets_the_script_and_a_link_with_it(studio: Any, page: gr.Blocks) -> None:
    async def built() -> gr.Blocks:
        return build(studio, browser=BrowserEngine())

    assert SCRIPT in launch_settings(BrowserEngine())["head"]
    assert SCRIPT not in launch_settings()["head"]
    values = [
        [str(block.value) for block in one.blocks.values() if isinstance(block, gr.HTML)]
        for one in (asyncio.run(built()), page)
    ]
    assert [STATIC_LINK in one for one in values] == [True, False]
