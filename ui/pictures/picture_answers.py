"""What became of single images: answers of the API, and of the strip on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluators.data.image_decoding import decode_visitors
from evaluators.errors import SpecError
from evaluators.service.studio import Studio
from evaluators.specs.class_names import ClassNames
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.picture_states import FORGOTTEN, STATES, confusion, state_of
from lines_core.untrusted_text import quoted

MOST_IMAGES = 200
"""Per task, of one answer of the API."""
MODELS = ("pretrained", "finetuned", "edit")


def images(studio: Studio, models: Sequence[EditSpec], task: str, limit: int) -> dict[str, Any]:
    """Class and predictions of a task's first test images under the three models, as plain JSON values.

    Counts with lower priority than the page, and only as far as needed.

    Args:
        models: pre-trained, fine-tuned and edited.
        task: key of a task of the checkpoint's suite; empty for all of them.
        limit: images per task, 1 to ``MOST_IMAGES``.
    Raises: SpecError for a wrong value.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_IMAGES:
        raise SpecError(f"limit is a number of images per task from 1 to {MOST_IMAGES}, got {quoted(limit)}.")
    evaluations = [studio.pictured(each, limit, background=True) for each in models]
    keys = [one.key for one in evaluations[0].tasks]
    if task and task not in keys:
        raise SpecError(f"There is no task {quoted(task)}: pick one of {', '.join(keys)}.")
    found = {}
    for position, shown in enumerate(studio.images_of(models[-1], limit)):
        if task in ("", shown.key):
            predicted = [one.predicted(position) for one in evaluations]
            rows = zip(shown.labels, *predicted, strict=False)  # a known answer may have more of them
            found[shown.key] = {
                "title": shown.title,
                "classes": list(shown.classes),
                "images": [
                    {
                        "index": index,
                        "truth": truth,
                        "predictions": dict(zip(MODELS, row, strict=True)),
                        "state": state_of(truth, *row),
                    }
                    for index, (truth, *row) in enumerate(rows)
                ],
            }
    return {"tasks": found, "spec": models[-1].as_dict()}


def classify(
    studio: Studio, models: Sequence[EditSpec], image: object, task: str, names: str, template: str
) -> dict[str, Any]:
    """Class probabilities of a picture under the three models, as plain JSON values; it is not kept.

    Args:
        models: pre-trained, fine-tuned and edited.
        image: PNG, JPEG or WebP in base64.
        task: key of a task whose classes are meant; empty if ``names`` lists them.
        names: class names with commas between them.
        template: prompt with ``{}`` for the name; empty for the usual one. Only with ``names``.
    Raises: SpecError for wrong settings; ImageError for a picture that cannot be read.
    """
    if bool(task) == bool(names):
        raise SpecError("Name the classes to choose between: either a task or names, not both.")
    size = studio.lab_of(models[-1].model).info.image_size
    pixels = decode_visitors(image, size)
    wanted = task or ClassNames.read(names, template)
    found = studio.classify(models, pixels, wanted, background=True)
    return {
        "classes": list(found.classes),
        "probabilities": {
            model: [round(value, 6) for value in row] for model, row in zip(MODELS, found.models, strict=True)
        },
        "spec": models[-1].as_dict(),
    }


def letters(truth: Sequence[int], predicted: Sequence[Sequence[int]]) -> str:
    """State of each image as one letter, the place of the state in ``STATES``."""
    rows = zip(truth, *predicted, strict=False)
    return "".join(str(STATES.index(state_of(right, *row))) for right, *row in rows)


def forgotten_as(
    classes: Sequence[str], truth: Sequence[int], evaluations: Sequence[Evaluation], position: int
) -> list[tuple[str, str, int]]:
    """(class, taken for, images) of a task's forgotten images, most first.

    Args:
        evaluations: of the pre-trained, the fine-tuned and the edited model.
        position: of the task.
    """
    predicted = [one.predicted(position) for one in evaluations]
    rows = list(zip(truth, *predicted, strict=False))
    chosen = [state_of(right, *row) == FORGOTTEN for right, *row in rows]
    pairs = confusion([row[0] for row in rows], [row[-1] for row in rows], chosen)
    return [(classes[right], classes[wrong], count) for (right, wrong), count in pairs.items()]
