"""Predictions and correct examples per task in one chunk, for a model that carries an edit."""

from collections.abc import Sequence

import torch
from torch import Tensor

from evaluators.data.image_batches import Chunk, TaskBatches
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.engine.engine import Counted
from evaluators.labs.lab import Lab, predicted_classes
from evaluators.specs.predictions import pack
from evaluators.specs.resolved_spec import ResolvedSpec


def count_chunk(
    lab: Lab, resolved: ResolvedSpec, batches: TaskBatches, chunk: Chunk, heads: Sequence[ClassifierHead]
) -> Counted:
    """Predictions and correct examples per task in one chunk.

    The coefficients are written absolutely, so earlier edits do not matter.

    Args:
        batches, heads: of the measurement, on the lab's device; a model without classifier heads has none.
    Raises: as ``LiveEncoder.write_edit`` and ``Lab.predict``.
    Lock: the caller holds the lab's encoder.
    """
    lab.encoder.write_edit(resolved.residual, resolved.scales)
    classes = [len(task.classes) for task in lab.tasks_with_images(resolved.suite, resolved.split)]
    with torch.inference_mode():
        return _counted(lab.predict(batches, chunk, heads), chunk, batches, classes)


def count_correct(
    features: Tensor, chunk: Chunk, images: TaskBatches, heads: Sequence[ClassifierHead]
) -> Counted:
    """Predictions and correct images per task, from the features (n, D) of a chunk's images."""
    predicted = predicted_classes(features.float(), chunk, heads)
    return _counted(predicted, chunk, images, [head.classes for head in heads])


def _counted(
    predicted: Sequence[Tensor], chunk: Chunk, batches: TaskBatches, classes: Sequence[int]
) -> Counted:
    """Counts of predicted classes, a tensor a part. Cost: one copy from the device for all tasks."""
    right = [one == batches.labels(part) for part, one in zip(chunk.parts, predicted, strict=True)]
    copied = torch.stack((torch.cat([*predicted]), torch.cat(right))).tolist()
    correct, predictions = [0] * len(classes), [b""] * len(classes)
    begin = 0
    for part in chunk.parts:
        end = begin + part.stop - part.start
        correct[part.task] = sum(copied[1][begin:end])
        predictions[part.task] = pack(copied[0][begin:end], classes[part.task])
        begin = end
    return Counted(tuple(correct), tuple(predictions))
