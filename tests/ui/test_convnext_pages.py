"""The embedded ConvNeXt on the pages: its own numbers, or a word that there are none."""

from pathlib import Path

import pytest

from evaluators.labs.embedded_lab import TINY_CLIP, TINY_CONVNEXT
from evaluators.service.studio import Studio
from tests.conftest import CHUNK
from tests.convnext_lab import BLOCKS
from tests.paths import ASSETS
from tests.ui.test_subjects import PANELS
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls, images_of
from ui.explore.references import references_of
from ui.forgetting import forgetting_page

STANDS_IN = ("robust", "soup", "compared")
"""They need checkpoints that it does not have."""


@pytest.fixture
def studio(both_labs: Path) -> Studio:
    return Studio(both_labs, None, chunk=CHUNK)


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_says_what_it_is_about(studio: Studio, name: str) -> None:
    ask, about = PANELS[name]
    value = ask(studio, TINY_CONVNEXT)
    said = value["slots"]["subject"] if "slots" in value else f"<span>{value['landmarks']['about']}"
    if name in STANDS_IN:
        assert f"Not available for Tiny ConvNeXt: shown for Tiny CLIP{about}" in said
    else:
        assert f"<span>Tiny ConvNeXt{about}" in said


def test_explore_edits_each_of_its_blocks(studio: Studio) -> None:
    """Its factors are those of nine blocks, and its numbers those of its own images."""
    controls = Controls(model=TINY_CONVNEXT, gamma=0.3)
    value = [*ExploreAnswers(studio).settle("visitor", controls)][-1]
    assert value["state"] == "complete"
    assert len(controls.spec().scales(BLOCKS).blocks) == BLOCKS
    counted = studio.cached(controls.spec())
    assert counted is not None
    assert counted.spec.images == images_of(TINY_CONVNEXT)


@pytest.mark.parametrize("model", [TINY_CLIP, TINY_CONVNEXT])
def test_the_curves_of_explore_ship_whole(model: str) -> None:
    """Of Tiny ConvNeXt's forgetting 14 of 24 points shipped, and of the WiSE-FT line two of eleven."""
    shipping = Studio(ASSETS, None)
    for task in shipping.checkpoints(model):
        if task.suite == "objects":  # the page of robust fine-tuning has its curves
            continue
        assert references_of(shipping, Controls(model=model, checkpoint=task.key).spec()).complete
        assert all(map(shipping.cached, forgetting_page.specs(model, task.key)))
