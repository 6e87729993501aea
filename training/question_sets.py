"""The evaluation sets of questions about attributes: labels of the images that ship, ``questions.json``."""

import json
from pathlib import Path

from evaluators.data.image_questions import NOT_SHOWN, QUESTIONS
from evaluators.data.image_subset import balanced_order
from evaluators.data.task_list import SUITES
from lines_core.atomic_write import atomic_write
from training.attribute_tasks import ATTRIBUTE_TASKS, AttributeTask
from training.evaluation_sets import images_in, splits_of
from training.world.settings import SETTINGS


def question_labels(task: AttributeTask, split: str) -> list[int]:
    """The label of each image of a shipped split, in the order of ``load_subset``."""
    setting = SETTINGS[task.images]
    classes = [index % len(setting.family.concepts) for index in range(images_in(setting, split))]
    labels = (task.label(index, split) for index in balanced_order(classes, f"{task.images}-{split}"))
    return [NOT_SHOWN if label is None else label for label in labels]


def save_questions(folder: Path) -> str:
    """Write ``questions.json`` beside the images."""
    entries = [
        {
            "key": task.key,
            "title": task.key.replace("_", " ").capitalize(),
            "suite": SUITES[0],
            "classes": task.names,
            "prompts": task.prompts,
            "blurb": task.blurb,
            "images": task.images,
            "labels": {split: question_labels(task, split) for split in splits_of(task.images)},
        }
        for task in ATTRIBUTE_TASKS
    ]
    text = json.dumps({"tasks": entries}, separators=(",", ":")) + "\n"
    atomic_write(folder / QUESTIONS, lambda part: part.write_text(text, encoding="utf-8"))
    return f"{QUESTIONS}: {len(entries)} questions about the images"
