"""What the form for a visitor's own images says."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from evaluators.service.studio import Studio
from tests.own_images import add_task, folders, zipped
from ui.live.session_key import session_key
from ui.models.own_images import import_listener, lists_listener, remove_listener

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


def test_a_list_that_arrives_late_leaves_the_choice_of_what_is_removed(lab: Path) -> None:
    """Opening the page chose the newest again: who had chosen another one by then removed the wrong one."""
    studio = Studio(lab, cache=None)
    session, lists = studio.seen_by(session_key(ANNA)), lists_listener(studio)
    file = lab / "tiny_clip" / "finetuned" / "faces.safetensors"
    keys = [session.take_file("tiny-clip", of, file, "mine.pt").key for of in ("faces", "digits")]
    for chosen in keys:
        yours, *_ = lists(ANNA, "tiny-clip", "tiny-clip", chosen)
        assert [key for _, key in yours["choices"]] == keys
        assert "value" not in yours
    for nothing in (None, "gone"):
        yours, *_ = lists(ANNA, "tiny-clip", "tiny-clip", nothing)
        assert yours["value"] == keys[-1]


def test_a_checkpoint_can_be_removed_like_a_task(lab: Path, tmp_path: Path) -> None:
    studio = Studio(lab, cache=None)
    session = studio.seen_by(session_key(ANNA))
    task = add_task(session, zipped(tmp_path / "a.zip", folders({"cat": 20, "dog": 20}))).task.task.key
    file = lab / "tiny_clip" / "finetuned" / "faces.safetensors"
    faces, things, kept = (
        session.take_file("tiny-clip", of, file, "mine.pt") for of in ("faces", task, "digits")
    )
    remove, where = remove_listener(studio), (ANNA, "tiny-clip", "tiny-clip")

    said, yours, button, targets, choices = remove(*where, faces.key, "tiny-clip", kept.key)
    assert "faces (mine.pt) is removed.<" in said.lower().replace("facial expressions", "faces")
    assert yours["choices"] == [("Things", task), (things.title, things.key), (kept.title, kept.key)]
    assert yours["label"] == "What you added for Tiny CLIP"
    assert choices["value"] == kept.key, "what Explore shows is still there"
    assert faces.key not in [key for _, key in choices["choices"]]
    said, yours, button, targets, choices = remove(*where, task, "tiny-clip", things.key)
    assert "Things is removed, and 1 of your checkpoints of it" in said
    assert choices["value"] == session.checkpoints("tiny-clip")[0].key, (
        "what Explore shows went with its task"
    )
    said, yours, button, targets, _ = remove(*where, kept.key, "tiny-clip", "faces")
    assert (yours["choices"], button["visible"]) == ([], False)
    assert task not in [key for _, key in targets["choices"]]
