"""Class names and prompt templates of the zoo's tasks: their own, or open_clip's for ImageNet."""

from functools import cache

from evaluators.data.task_list import Task
from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.zoo.public_tasks import IMAGENET_CLASSES, HubTask

ALL_OF_IMAGENET = tuple(range(IMAGENET_CLASSES))


@cache
def imagenet_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """ImageNet's 1,000 class names in its order, and the 80 prompts of OpenAI, with ``{}`` for the name."""
    open_clip = import_open_clip()
    prompts = tuple(str(prompt("{}")) for prompt in open_clip.OPENAI_IMAGENET_TEMPLATES)
    return tuple(open_clip.IMAGENET_CLASSNAMES), prompts


def as_task(row: HubTask) -> Task:
    """The task of an evaluation for a row of the zoo."""
    classes, prompts = row.classes, row.prompts
    if row.imagenet is not None:
        names, prompts = imagenet_names()
        classes = tuple(names[position] for position in row.imagenet)
    return Task(row.key, row.title, row.suite, classes, prompts, row.note, row.title)
