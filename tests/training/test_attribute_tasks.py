"""Attribute questions: labels say what the drawing code drew, whichever class the image has."""

import pytest
import torch

from training.attribute_tasks import ATTRIBUTE_TASKS, Room, linear_probe
from training.world.draws import stream
from training.world.settings import SETTINGS


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
