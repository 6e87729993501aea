"""Listeners of the page Explore, called as functions."""

from types import SimpleNamespace
from typing import Any, cast

from evaluators.service.studio import Studio
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.explore.explore_page import checkpoints_of

ANNA = cast(Any, SimpleNamespace(session_hash="anna"))


def test_the_list_of_models_left_without_a_choice_changes_no_checkpoint(studio: ZeroCostStudio) -> None:
    """Gradio says `input` when the list closes, and the page went back to the first checkpoint."""
    offer = checkpoints_of(cast(Studio, studio))
    assert "value" not in offer(ANNA, "tiny-clip", "faces")
    assert offer(ANNA, "tiny-clip", "of another model")["value"] == "digits"
