"""Pins: what the link says of them, and the numbers and differences that an answer brings."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ui.explore
from evaluators.specs.paired_counts import paired_counts
from tests.browser.zero_cost_studio import ZeroCostStudio
from tests.json_schema import complaints
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls
from ui.explore.pins import Pin, pinned, pins_here, pins_text, read_pins, unpinned
from ui.explore.share_link import read_controls
from ui.live.live_panel import packed

DESCRIPTION = json.loads((Path(ui.explore.__path__[0]) / "explore_json.schema.json").read_text("utf-8"))
HERE = Controls(gamma=0.37)
A = "A:tiny-clip:digits:linear:0.4:0.6"


def last(head: ExploreAnswers, controls: Controls) -> dict[str, Any]:
    *_, answer = head.settle("anna", controls)
    assert list(complaints(json.loads(packed(answer)), DESCRIPTION, DESCRIPTION)) == []
    return answer


@pytest.mark.parametrize(
    "controls",
    [
        HERE,
        Controls(checkpoint="faces", shape="reverse", gamma=0.33, outside="depth"),
        Controls(tie=False, alpha=1.23, beta=-0.57, mix=0.35),
        Controls(shape="flat", tie=False, alpha=1.0, beta=0.0, mix=0.5, outside="pretrained"),
        Controls(shape="free", free_form="0.1,0.25,1", outside="depth"),
    ],
)
def test_a_pin_in_the_link_is_the_edit_that_was_pinned(controls: Controls) -> None:
    said = pinned("", controls)
    assert read_pins(said) == ((Pin("A", controls.spec()),), ())
    assert len(said) < 60
    assert set(said) <= set("abcdefghijklmnopqrstuvwxyzA0123456789:.-_"), "nothing that a link would encode"


def test_pins_take_the_first_free_letter_and_no_fourth() -> None:
    said = ""
    for gamma in (0.1, 0.2, 0.3):
        said = pinned(said, Controls(gamma=gamma))
    assert [pin.letter for pin in read_pins(said)[0]] == ["A", "B", "C"]
    assert pinned(said, Controls(gamma=0.4)) == said
    without = unpinned(said, "B")
    assert [(pin.letter, pin.spec.alpha) for pin in read_pins(without)[0]] == [("A", 0.1), ("C", 0.3)]
    assert pinned(without, Controls(gamma=0.3)) == without, "a position is not pinned twice"
    again = pinned(without, Controls(gamma=0.9))
    assert [pin.spec.alpha for pin in read_pins(again)[0]] == [0.1, 0.9, 0.3]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("D:tiny-clip:digits:linear:0.4:0.6", "begins with none of A, B, C"),
        ("A:tiny-clip:digits:linear:0.4", "has 5 parts"),
        ("A:tiny-clip:digits:linear:much:0.6", "has no number for α"),
        ("A:tiny-clip:digits:linear:nan:0.6", "has α outside of 0 to 1.5"),
        ("A:tiny-clip:digits:linear:0.4:0.6:7", "has mix outside of 0 to 1"),
        ("A:tiny-clip:digits:spiral:0.4:0.6", "shape must be one of"),
        ("A:../etc:digits:linear:0.4:0.6", "model must be a short name"),
        ("B:tiny-clip:faces:flat:1:0", "names B twice"),
        ("A:tiny-clip:faces:free:0.1_7", "lists one factor a block from 0 to 1.5"),
    ],
)
def test_a_wrong_pin_is_named_and_the_others_stay(entry: str, said: str) -> None:
    pins, (complaint,) = read_pins(f"B:tiny-clip:digits:linear:0.4:0.6,{entry}")
    assert [pin.letter for pin in pins] == ["B"]
    assert said in complaint
    assert complaint.startswith(f"The link's pins should be like {A}, but “{entry}”")


def test_a_link_keeps_pins_of_what_is_loaded(studio: ZeroCostStudio) -> None:
    other = "B:tiny-clip:faces:flat:1:0:0.5"
    query = {"gamma": "0.2", "pins": f"{A},{other},C:vit-b-32:tall-masks.mnist:linear:0.4:0.6"}
    (*values, pins), (complaint,) = read_controls(studio, query, "tiny-clip", "digits")
    assert values[4] == 0.2
    assert pins == f"{A},{other}"
    assert "The link's pin C is of “tall-masks.mnist” of “vit-b-32”, which is not loaded here" in complaint
    assert pins_here(studio, "x" * 5000)[0] == ""
    assert read_controls(studio, {}, "tiny-clip", "digits")[0][-1] == "", "going back to before pins unpins"


def test_an_answer_without_pins_is_as_it_was(head: ExploreAnswers) -> None:
    assert "pins" not in last(head, HERE)


def test_pins_are_compared_image_by_image_once_both_are_counted(
    head: ExploreAnswers, studio: ZeroCostStudio
) -> None:
    """The pin's position is shipped with counts only: its predictions are counted after the edit."""
    here = replace(HERE, pins=A)
    before = head.quick("anna", here)
    assert before is not None
    assert "pairs" not in before["pins"][0]
    (pin,) = last(head, here)["pins"]
    edit, kept = studio.evaluate(HERE.spec()), studio.evaluate(Controls(gamma=0.4).spec())
    assert kept.predictions is not None
    assert pin["counts"] == [[task.correct, task.n] for task in kept.tasks]
    labels = [task.labels for task in studio.images_of(edit.spec, 200)]
    counts = [paired_counts(labels[i], kept.predicted(i), edit.predicted(i)) for i in range(8)]
    assert pin["pairs"] == [[count.gained, count.lost, count.n] for count in counts]
    assert [gained - lost for gained, lost, _ in pin["pairs"]] == [
        now.correct - then.correct for now, then in zip(edit.tasks, kept.tasks, strict=True)
    ]
    assert len(packed([pin])) < 900
    again = list(head.settle("anna", here))
    assert len(again) == 1, "nothing is counted twice"


def test_a_pin_of_another_checkpoint_brings_no_numbers(head: ExploreAnswers) -> None:
    here = replace(HERE, pins="B:tiny-clip:faces:linear:0.4:0.6:1:depth")
    (pin,) = last(head, here)["pins"]
    assert set(pin) == {"letter", "spec", "about"}
    assert pin["about"] == "Tiny CLIP, fine-tuned on Facial expressions"
    assert (pin["spec"]["checkpoint"], pin["spec"]["alpha"], pin["spec"]["outside"]) == (
        "faces",
        0.4,
        "depth",
    )


def test_a_free_form_pin_keeps_its_factors(head: ExploreAnswers, studio: ZeroCostStudio) -> None:
    bars = ",".join(f"{0.05 * block:g}" for block in range(12))
    here = replace(HERE, pins=pinned("", replace(HERE, shape="free", free_form=bars)))
    (pin,) = last(head, here)["pins"]
    assert pin["spec"]["free_form"] == pytest.approx([0.05 * block for block in range(12)])
    assert pins_here(studio, "A:tiny-clip:digits:free:0.1_0.2")[0] == "", "two factors for twelve blocks"


def test_pins_are_measured_where_nothing_is_known(cold: ZeroCostStudio) -> None:
    head = ExploreAnswers(cold)
    answers = list(head.settle("anna", replace(HERE, pins=A)))
    assert "counts" not in answers[0]["pins"][0]
    assert len(answers[-1]["pins"][0]["counts"]) == len(answers[-1]["pins"][0]["pairs"]) == 8


def test_pins_are_said_in_the_order_of_their_letters() -> None:
    said = "C:tiny-clip:digits:flat:1:0,A:tiny-clip:digits:flat:0:0"
    assert pins_text(read_pins(said)[0]) == "A:tiny-clip:digits:flat:0:0,C:tiny-clip:digits:flat:1:0"
