"""Studios with free evaluations, and one of each kind of evaluation."""

import asyncio

import gradio as gr
import pytest

from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.explore.explore_answers import ExploreAnswers
from ui.layout import build


@pytest.fixture
def studio() -> ZeroCostStudio:
    """Sweeps are known, everything else takes two chunks that cost nothing."""
    return ZeroCostStudio(chunks=2)


@pytest.fixture
def cold() -> ZeroCostStudio:
    """Nothing is known beforehand."""
    return ZeroCostStudio(chunks=2, warm=False)


@pytest.fixture
def page(studio: ZeroCostStudio) -> gr.Blocks:
    """The whole page, built inside an event loop: outside of one, Gradio opens two and never closes them."""

    async def built() -> gr.Blocks:
        return build(studio)

    return asyncio.run(built())


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers wait for numbers: the second that they have may not be enough on a busy machine."""
    for page in ("explore.explore_answers", "merge.merge_answers"):
        for patience in ("QUICK_PATIENCE", "SETTLE_PATIENCE"):
            monkeypatch.setattr(f"ui.{page}.{patience}", 60.0)


@pytest.fixture
def head(studio: ZeroCostStudio) -> ExploreAnswers:
    """The answers behind the head of the page."""
    return ExploreAnswers(studio)


@pytest.fixture
def edited(studio: ZeroCostStudio) -> Evaluation:
    """LiNeS at gamma = 0.4 on digits."""
    return studio.evaluate(EditSpec.lines("digits", 0.4))
