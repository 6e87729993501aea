"""Attribute questions: labels say what the drawing code drew, whichever class the image has."""

from pathlib import Path

import pytest
import torch

from evaluators.data.image_questions import NOT_SHOWN, QUESTIONS, read_image_questions
from evaluators.data.image_subset import load_subset
from evaluators.data.task_list import read_tasks
from training.attribute_tasks import ATTRIBUTE_TASKS, Room, linear_probe
from training.question_sets import question_labels
from training.world.draws import draw_split, stream
from training.world.settings import SETTINGS

EVAL = Path("assets/eval")


@pytest.mark.parametrize("task", ATTRIBUTE_TASKS, ids=lambda task: task.key)
def test_a_label_names_a_detail_of_the_drawing(task) -> None:  # type: ignore[no-untyped-def]
    setting, labels = SETTINGS[task.images], set()
    for index in range(12):
        drawn = setting.draw(index % len(setting.family.concepts), stream("test", task.images, index))
        label = task.label(index)
        said = {task.classes[detail] for detail in drawn.details if detail in task.classes}
        assert (label is None) == (not said)
        if label is not None:
            assert task.names[label] in said
            labels.add(label)
    assert len(labels) > 1  # no class of the family is a class of the attribute


def test_a_linear_probe_separates_what_a_line_separates() -> None:
    features = torch.tensor([[0.0, 1.0], [0.0, 2.0], [3.0, 0.0], [4.0, 0.0]])
    probe = linear_probe(features, [1, 1, 0, 0], classes=2)
    assert (features @ probe[:-1] + probe[-1]).argmax(dim=1).tolist() == [1, 1, 0, 0]


def test_a_task_fits_with_enough_images_and_room_to_learn() -> None:
    assert Room("a", "digits", 2, images=150, correct=120, probed=0).usable
    assert not Room("a", "digits", 2, images=149, correct=0, probed=0).usable
    assert not Room("a", "digits", 2, images=200, correct=180, probed=0).usable


@pytest.mark.parametrize("task", ATTRIBUTE_TASKS, ids=lambda task: task.key)
def test_the_labels_that_ship_are_those_of_the_drawings(task) -> None:  # type: ignore[no-untyped-def]
    shipped = {question.task.key: question for question in read_image_questions(EVAL / QUESTIONS)}[task.key]
    assert shipped.task.classes == task.names
    assert shipped.images == task.images
    for split in ("val", "test"):
        assert list(shipped.labels[split]) == question_labels(task, split)


def test_a_label_is_that_of_its_image() -> None:
    """Labels follow ``load_subset``'s order, found here again by the pixels of each image."""
    task = next(task for task in ATTRIBUTE_TASKS if task.key == "seasons")
    source = next(one for one in read_tasks(EVAL / "tasks.json") if one.key == task.images)
    subset = load_subset(EVAL, source, "val", image_size=48)
    drawn, _ = draw_split(task.images, "val", len(subset))
    index_of = {image.transpose(2, 0, 1).tobytes(): index for index, image in enumerate(drawn)}
    for image, label in zip(subset.images, question_labels(task, "val"), strict=True):
        said = task.label(index_of[image.numpy().tobytes()], "val")
        assert label == (NOT_SHOWN if said is None else said)
