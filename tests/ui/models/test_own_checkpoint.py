"""A visitor's file with several models, and what is said of a file that was read."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
import torch

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.checkpoints import read_checkpoint
from ui.live.session_key import session_key
from ui.models.candidate_choice import offer_candidates
from ui.models.own_checkpoint import import_listener

ANNA = cast(gr.Request, SimpleNamespace(session_hash="anna"))
HIDDEN: dict[str, Any] = {"choices": [], "value": None, "visible": False}


@pytest.fixture
def studio(lab: Path) -> Studio:
    """The small lab, in the place of the shipped one."""
    return Studio(lab, cache=None)


@pytest.fixture
def two_models(lab: Path, tmp_path: Path) -> Path:
    """A training checkpoint: the weights fine-tuned on digits, and as their average those for faces."""
    digits, faces = (
        read_checkpoint(lab / "tiny_clip" / "finetuned" / f"{task}.safetensors")
        for task in ("digits", "faces")
    )
    wrapped = {f"module.image_encoder.model.{name}": tensor for name, tensor in digits.items()}
    content = {"state_dict": wrapped, "state_dict_ema": faces, "epoch": 3, "args": SimpleNamespace(lr=0.1)}
    torch.save(content, tmp_path / "run.pt")
    return tmp_path / "run.pt"


def state(update: Any) -> dict[str, Any]:
    return {key: update[key] for key in HIDDEN}


def last(answers: Iterator[tuple[Any, ...]]) -> tuple[Any, ...]:
    *_, end = answers
    return end


def test_the_models_of_a_file_are_offered_and_none_is_chosen(two_models: Path, lab: Path) -> None:
    both = [("state_dict", "state_dict"), ("state_dict_ema", "state_dict_ema")]
    assert state(offer_candidates(str(two_models))) == {"choices": both, "value": None, "visible": True}
    for one in (None, str(lab / "tiny_clip" / "finetuned" / "digits.safetensors"), __file__):
        assert state(offer_candidates(one)) == HIDDEN


def test_without_a_choice_it_is_not_added_and_each_can_be(studio: Studio, two_models: Path) -> None:
    content = two_models.read_bytes()
    add = import_listener(studio)
    status, *_, choice = last(add(ANNA, "tiny-clip", "digits", "", str(two_models), None))
    assert "holds 2 models" in status
    assert 'role="alert"' in status
    assert state(choice)["visible"]
    session = studio.seen_by(session_key(ANNA))
    known = len(session.checkpoints())

    status, *_, choice = last(add(ANNA, "tiny-clip", "digits", "", str(two_models), "state_dict"))
    assert "is added and chosen" in status
    assert "names without &#x27;module.&#x27;" in status
    assert "under image_encoder." in status
    assert "not read: &#x27;epoch&#x27; (int), &#x27;args&#x27; (types.SimpleNamespace)" in status
    assert state(choice) == HIDDEN
    two_models.write_bytes(content)  # an added upload is deleted
    last(add(ANNA, "tiny-clip", "faces", "", str(two_models), "state_dict_ema"))

    raw, average = session.checkpoints()[known:]
    assert raw.title.endswith("(run.pt: state_dict)")
    for own, task in ((raw, "digits"), (average, "faces")):
        found = session.evaluate(EditSpec.finetuned(own.key))
        expected = session.evaluate(EditSpec.finetuned(task))
        counts = {one.key: one.correct for one in expected.tasks}
        assert {one.key: one.correct for one in found.tasks} == counts
