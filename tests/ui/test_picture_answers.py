"""Answers about single images: of the API, and what the strip is made of."""

import base64
import io
from pathlib import Path

import pytest
import torch
from PIL import Image

from evaluators.errors import SpecError
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.picture_states import STATES
from lines_core.errors import LinesError
from tests.conftest import CHUNK
from ui.pictures.picture_answers import classify, forgotten_as, images, letters

MODELS = (EditSpec.pretrained("digits"), EditSpec.finetuned("digits"), EditSpec.lines("digits", 0.4))


@pytest.fixture
def studio(lab: Path) -> Studio:
    """A small lab with images and heads, which the formula of the other tests here has not."""
    return Studio(lab, cache=None, chunk=CHUNK)


def picture(pixels: torch.Tensor) -> str:
    stream = io.BytesIO()
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def test_images_give_truth_and_what_three_models_say(studio: Studio) -> None:
    answer = images(studio, MODELS, "", 7)
    assert answer["spec"] == MODELS[-1].as_dict()
    assert list(answer["tasks"]) == ["digits", "textures", "faces"]
    evaluations = [studio.evaluate(spec) for spec in MODELS]
    for position, found in enumerate(answer["tasks"].values()):
        subset = studio.lab._subset(studio.lab.tasks("tasks")[position], "test")
        assert [one["index"] for one in found["images"]] == list(range(7))
        assert [one["truth"] for one in found["images"]] == subset.labels[:7].tolist()
        for name, evaluation in zip(("pretrained", "finetuned", "edit"), evaluations, strict=True):
            said = [one["predictions"][name] for one in found["images"]]
            assert said == list(evaluation.predicted(position)[:7])
        assert {one["state"] for one in found["images"]} <= set(STATES)
    assert list(images(studio, MODELS, "faces", 1)["tasks"]) == ["faces"]
    wrong: list[tuple[str, int, str]] = [("cats", 1, "no task 'cats'"), ("", 0, "1 to"), ("", 201, "1 to")]
    for task, limit, refusal in wrong:
        with pytest.raises(SpecError, match=refusal):
            images(studio, MODELS, task, limit)


def test_classify_sees_the_picture_as_the_data_set_has_it(studio: Studio) -> None:
    [digits, *_] = studio.images_of(MODELS[0], 3)
    for number, pixels in enumerate(digits.pixels):
        answer = classify(studio, MODELS, picture(pixels), "digits", "", "")
        assert answer["classes"] == list(digits.classes)
        for spec, row in zip(MODELS, answer["probabilities"].values(), strict=True):
            assert row.index(max(row)) == studio.evaluate(spec).predicted(0)[number]
    typed = classify(studio, MODELS, picture(digits.pixels[0]), "", "a cat, a dog", "a {} at night")
    assert typed["classes"] == ["a cat", "a dog"]


@pytest.mark.parametrize(
    ("image", "task", "names", "template", "said"),
    [
        ("no picture", "digits", "", "", "base64"),
        ("", "digits", "", "", "base64"),
        (None, "", "", "", "either a task or names"),
        (None, "digits", "a, b", "", "either a task or names"),
        (None, "", "a", "", "2 to 50"),
        (None, "", "a, b", "{} {}", "one {}"),
        (None, "cats", "", "", "no task 'cats'"),
    ],
)
def test_wrong_input_is_named(
    studio: Studio,
    image: str | None,
    task: str,
    names: str,
    template: str,
    said: str,
) -> None:
    sent = picture(torch.zeros(3, 8, 8, dtype=torch.uint8)) if image is None else image
    with pytest.raises(LinesError, match=said):
        classify(studio, MODELS, sent, task, names, template)


def test_letters_and_confusion_follow_the_counts(studio: Studio) -> None:
    evaluations = [studio.evaluate(spec) for spec in MODELS]
    for position, task in enumerate(studio.images_of(MODELS[0], 42)):
        states = letters(task.labels, [one.predicted(position) for one in evaluations])
        right = sum(states.count(str(STATES.index(name))) for name in ("right", "back", "learned"))
        assert right == evaluations[-1].tasks[position].correct
        gone = forgotten_as(task.classes, task.labels, evaluations, position)
        assert sum(count for *_, count in gone) == states.count(str(STATES.index("forgotten")))
        assert all(is_ != said for is_, said, _ in gone)
