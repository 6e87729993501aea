"""Pins: what the link says of them, and the numbers and differences that an answer brings."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

import ui.explore
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.intervals import difference_interval
from evaluators.specs.paired_difference import paired_counts, paired_difference
from tests.browser.zero_cost_studio import ZeroCostStudio
from tests.json_schema import complaints
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls
from ui.explore.pins import Pin, pinned, pins_here, pins_text, read_pins, unpinned
from ui.explore.pins_json import difference_json
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
    answer = last(head, HERE)
    assert "pins" not in answer
    assert "setting" not in answer["words"]


def test_pins_are_compared_image_by_image_once_both_are_counted(
    head: ExploreAnswers, studio: ZeroCostStudio
) -> None:
    """The pin's position is shipped with counts only: its predictions are counted after the edit."""
    here = replace(HERE, pins=A)
    before = head.quick("anna", here)
    assert before is not None
    assert before["pins"][0]["difference"]["paired"] is False
    (pin,) = last(head, here)["pins"]
    edit, kept = studio.evaluate(HERE.spec()), studio.evaluate(Controls(gamma=0.4).spec())
    assert kept.predictions is not None
    assert pin["target"]["value"] == pytest.approx(kept.target, abs=1e-6)
    assert pin["tasks"] == [[task.correct, task.n] for task in kept.tasks]
    assert pin["factors"] == pytest.approx([0.4, *(0.4 + 0.6 * i / 11 for i in range(12)), 0.4], abs=1e-4)
    labels = [task.labels for task in studio.images_of(edit.spec, 200)]
    counts = [paired_counts(labels[i], kept.predicted(i), edit.predicted(i)) for i in range(8)]
    controls = paired_difference([counts[i] for i in range(8) if edit.tasks[i].role == "control"])
    assert pin["difference"]["paired"] is True
    assert pin["difference"]["control"] == pytest.approx(
        [controls.value, controls.low, controls.high], abs=1e-6
    )
    assert pin["difference"]["control"][0] == pytest.approx(edit.control - kept.control, abs=1e-6)
    assert pin["difference"]["tasks"][3][0] == pytest.approx(
        edit.tasks[3].accuracy - kept.tasks[3].accuracy, abs=1e-6
    )
    assert len(packed([pin])) < 900
    again = list(head.settle("anna", here))
    assert len(again) == 1, "nothing is counted twice"


def test_counts_alone_are_compared_as_if_on_other_images(studio: ZeroCostStudio) -> None:
    kept, edit = (studio.evaluate(EditSpec.lines("digits", gamma)) for gamma in (0.4, 0.9))
    assert kept.predictions is None
    found = difference_json(kept, edit, ())
    before, after = ([(task.correct, task.n) for task in one.control_tasks] for one in (kept, edit))
    assert found["paired"] is False
    assert found["control"] == pytest.approx(
        [edit.control - kept.control, *difference_interval(before, after)], abs=1e-6
    )


def test_a_pin_of_another_checkpoint_brings_no_numbers(head: ExploreAnswers) -> None:
    here = replace(HERE, pins="B:tiny-clip:faces:linear:0.4:0.6:1:depth")
    (pin,) = last(head, here)["pins"]
    assert set(pin) == {"letter", "name", "link"}
    assert pin["name"].startswith("Tiny CLIP, fine-tuned on Facial expressions, linear, α = 0.4")
    query = dict(parse_qsl(pin["link"]))
    assert (query["task"], query["alpha"], query["outside"]) == ("faces", "0.4", "depth")


def test_a_free_form_pin_keeps_its_factors(head: ExploreAnswers, studio: ZeroCostStudio) -> None:
    bars = ",".join(f"{0.05 * block:g}" for block in range(12))
    here = replace(HERE, pins=pinned("", replace(HERE, shape="free", free_form=bars)))
    (pin,) = last(head, here)["pins"]
    assert pin["factors"][1:-1] == pytest.approx([0.05 * block for block in range(12)])
    assert pin["edit"]["free_form"] == pytest.approx(pin["factors"][1:-1])
    elsewhere = replace(here, checkpoint="faces")
    query = dict(parse_qsl(last(head, elsewhere)["pins"][0]["link"]))
    found, complaints = read_controls(studio, query, "tiny-clip", "digits")
    values: list[Any] = found[:-1]
    assert complaints == []
    assert Controls(*values).spec() == replace(HERE, shape="free", free_form=bars).spec()
    assert pins_here(studio, "A:tiny-clip:digits:free:0.1_0.2")[0] == "", "two factors for twelve blocks"


def test_a_pin_at_the_same_weights_is_here(head: ExploreAnswers) -> None:
    """Flat gives every block alpha, whatever beta is."""
    flat = replace(HERE, shape="flat", pins="A:tiny-clip:digits:flat:0.37:0.2,B:tiny-clip:digits:flat:0.4:0")
    here, other = last(head, flat)["pins"]
    assert (here["here"], "difference" in here) == (True, False)
    assert (other["here"], "difference" in other) == (False, True)


def test_pins_are_measured_where_nothing_is_known(cold: ZeroCostStudio) -> None:
    head = ExploreAnswers(cold)
    answers = list(head.settle("anna", replace(HERE, pins=A)))
    assert "target" not in answers[0]["pins"][0]
    assert "target" in answers[-1]["pins"][0]
    assert answers[-1]["pins"][0]["difference"]["paired"] is True


def test_pins_are_said_in_the_order_of_their_letters() -> None:
    said = "C:tiny-clip:digits:flat:1:0,A:tiny-clip:digits:flat:0:0"
    assert pins_text(read_pins(said)[0]) == "A:tiny-clip:digits:flat:0:0,C:tiny-clip:digits:flat:1:0"
