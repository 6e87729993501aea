"""The strip of test images, its dialog, and a visitor's own picture: what the browser gets of them."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from evaluators.errors import Queued
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.picture_states import STATES, state_of
from lines_core.errors import LinesError
from tests.conftest import CHUNK
from tests.paths import ASSETS
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls
from ui.pictures.own_picture import own_json
from ui.pictures.picture_words import STATE_WORDS, strip_settings
from ui.pictures.sprites import EACH
from ui.pictures.strip_json import Strips
from ui.pictures.strip_panel import GAMMAS, dialog_json

ANCHORS = (EditSpec.pretrained("digits"), EditSpec.finetuned("digits"))
EDIT = EditSpec.lines("digits", 0.4)
MODELS = (*ANCHORS, EDIT)


@pytest.fixture
def studio(lab: Path) -> Studio:
    """A small lab with images and heads."""
    return Studio(lab, cache=None, chunk=CHUNK)


def served(address: str) -> Path:
    return Path(address.removeprefix("/gradio_api/file="))


def picture(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=92)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def test_the_strip_shows_the_images_that_were_counted_and_what_each_model_says(studio: Studio) -> None:
    strips = Strips()
    first = studio.first(EDIT)
    assert strips.known(studio, "name", ANCHORS, first) is None  # nothing is counted for it
    assert list(strips.count(studio, "name", ANCHORS, first, studio.ticket(), 1.0)) == []
    shown = strips.known(studio, "name", ANCHORS, first)
    assert shown is not None
    described = json.loads(served(shown["images"]).read_text("utf-8"))
    sheet = np.asarray(Image.open(served(described["sprite"])))
    side, whole = described["side"], [studio.evaluate(spec) for spec in MODELS]
    for row, task in enumerate(described["tasks"]):
        subset = studio.lab._subset(studio.lab.tasks("tasks")[row], "test")
        assert task["truth"] == subset.labels[:EACH].tolist()
        columns = len(shown["predicted"][row])
        assert columns == len(shown["states"][row]) == 4  # a chunk of twelve holds four images a task
        for column in range(columns):
            said = [model.predicted(row)[column] for model in whole]
            assert shown["predicted"][row][column] == said
            assert STATES[int(shown["states"][row][column])] == state_of(task["truth"][column], *said)
            tile = sheet[row * side : (row + 1) * side, column * side : (column + 1) * side]
            assert np.array_equal(tile, subset.images[column].permute(1, 2, 0).numpy())


@pytest.mark.usefixtures("patient")
def test_answers_bring_pictures_and_wait_for_the_model(studio: Studio) -> None:
    answers = ExploreAnswers(studio)
    controls = Controls(gamma=0.4)
    assert answers.opening(controls)["state"] == "empty"
    values = list(answers.settle("me", controls))
    assert values[0]["pictures"] is None
    assert values[-1]["state"] == "complete"
    assert values[-1]["pictures"]["target"] == "digits"
    assert values[1]["pictures"] is not None, "they come with the second partial numbers at the latest"
    moved = answers.quick("me", Controls(gamma=0.7))
    assert moved is not None
    assert moved["pictures"]["images"] == values[-1]["pictures"]["images"]
    busy = Strips().count(
        studio, "x", (EditSpec.lines("digits", 0.9),), studio.first(EDIT), studio.ticket("b"), 0.01
    )
    with studio._scheduler.turn(studio.ticket("someone")):
        assert isinstance(next(busy), Queued)


def test_every_state_has_words() -> None:
    assert [state["key"] for state in strip_settings()["states"]] == list(STATES)
    assert len({sign for _, sign, _ in STATE_WORDS.values()}) == len(STATES), "colour is never all"


def test_the_dialog_says_what_the_strip_says(studio: Studio) -> None:
    evaluations = [studio.evaluate(spec) for spec in MODELS]
    answer = dialog_json(studio, MODELS, {"at": [1, 3]})
    assert answer["at"] == [1, 3]
    task = studio.images_of(EDIT, EACH)[1]
    for model, evaluation in zip(answer["models"], evaluations, strict=True):
        assert model["top"][0][0] == task.classes[evaluation.predicted(1)[3]]
    assert [gamma for gamma, _ in answer["curve"]] == list(GAMMAS)
    shares = dict(map(tuple, answer["models"][1]["top"]))
    assert answer["curve"][-1][1] == shares[task.classes[task.labels[3]]]  # gamma 1 is fine-tuned
    gone = dialog_json(studio, MODELS, {"confuse": "textures"})
    lost = sum(
        evaluations[0].predicted(1)[i] == truth != evaluations[2].predicted(1)[i]
        for i, truth in enumerate(studio.images_of(EDIT, 42)[1].labels)
    )
    assert sum(count for *_, count in gone["confusion"]) == lost


@pytest.mark.parametrize(
    "asked", [{}, {"at": [9, 0]}, {"at": [0, -1]}, {"at": "x"}, {"at": 3}, {"confuse": "cats"}]
)
def test_odd_questions_of_the_dialog_are_refused(studio: Studio, asked: dict[str, Any]) -> None:
    with pytest.raises(LinesError, match="no such"):
        dialog_json(studio, MODELS, asked)


def strokes(lines: list[list[tuple[int, int]]], ink: str, paper: str) -> str:
    """A drawing as the page's canvas makes it: 256 pixels, a pen of 23."""
    image = Image.new("RGB", (256, 256), paper)
    pen = ImageDraw.Draw(image)
    for points in lines:
        pen.line(points, fill=ink, width=23, joint="curve")
        for x, y in points:
            pen.ellipse((x - 11, y - 11, x + 11, y + 11), fill=ink)
    return picture(image)


def test_a_drawn_one_and_zero_are_read_by_the_fine_tuned_model(tmp_path: Path) -> None:
    """With each pen of the page: the data set has light strokes on dark and dark ones on light."""
    studio = Studio(ASSETS, tmp_path)
    circle = [
        (round(128 + 52 * np.sin(a)), round(128 - 76 * np.cos(a))) for a in np.linspace(0, 2 * np.pi, 40)
    ]
    drawings = {"one": [[(108, 76), (134, 46), (134, 210)]], "zero": [circle]}
    for name, lines in drawings.items():
        for ink, paper in (("#ffffff", "#101014"), ("#101014", "#f4f4f4"), ("#ff9a3c", "#141420")):
            asked = {"image": strokes(lines, ink, paper), "task": "", "names": "", "template": ""}
            answer = own_json(studio, MODELS, asked)
            best = max(answer["rows"], key=lambda row: row[2])
            assert (best[0], best[2] > 0.8) == (name, True), (ink, paper, answer["rows"])
    assert answer["title"] == "Handwritten digits"
    assert ["textures", "Textures"] in [list(entry) for entry in answer["tasks"]]
    typed = own_json(studio, MODELS, asked | {"task": "typed", "names": "zero, a dog", "template": ""})
    assert {row[0] for row in typed["rows"]} == {"zero", "a dog"}
    for wrong, said in (({"image": "x"}, "base64"), ({"task": "typed", "names": "a"}, "2 to 50")):
        with pytest.raises(LinesError, match=said):
            own_json(studio, MODELS, asked | wrong)
    with pytest.raises(LinesError, match="sent no picture"):
        own_json(studio, MODELS, {})
