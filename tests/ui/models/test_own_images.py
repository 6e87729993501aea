"""What the form for a visitor's own images says."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from evaluators.service.studio import Studio
from tests.own_images import folders, zipped
from ui.models.own_images import import_listener

ANNA = cast(gr.Request, SimpleNamespace(session_hash="anna"))


def said_of(studio: Studio, path: Path) -> str:
    """The last status after an import."""
    form: tuple[Any, ...] = (
        str(path),
        "Things",
        "cat = cat\ndog = dog",
        "a photo of a {}.",
        None,
        None,
        None,
    )
    *_, (status, *_) = import_listener(studio)(ANNA, "tiny-clip", "tiny-clip", *form)
    return str(status)


@pytest.mark.parametrize(("each", "counts_fewer"), [(220, True), (200, False)])
def test_the_width_of_what_the_page_counts_is_said(
    lab: Path, tmp_path: Path, each: int, counts_fewer: bool
) -> None:
    """Of 400 test images the page counts 200, whose interval is wider than the one that was named."""
    path = zipped(tmp_path / "a.zip", folders({"cat": each, "dog": each}))
    said = said_of(Studio(lab, cache=None), path)
    assert f"On {each} test images an accuracy near 50 % is known to ± 7 points." in said
    fewer = (
        "This page counts 200 test images of each task with this model: there an accuracy near 50 % is known"
    )
    assert (fewer in said) is counts_fewer
