"""Predictions and correct images per task in one chunk of images, for an encoder that carries an edit."""

from collections.abc import Sequence

import torch
from torch import Tensor

from evaluators.data.image_batches import Chunk, ImageBatches
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.engine.engine import Counted
from evaluators.labs.lab import Lab
from evaluators.specs.predictions import pack
from evaluators.specs.resolved_spec import ResolvedSpec


def count_chunk(
    lab: Lab, resolved: ResolvedSpec, images: ImageBatches, chunk: Chunk, heads: Sequence[ClassifierHead]
) -> Counted:
    """Predictions and correct images per task in one chunk.

    The coefficients are written absolutely, so earlier edits do not matter.

    Args:
        images, heads: of the measurement, on the lab's device.
    Raises: as ``LiveEncoder.write_edit`` and ``encode``.
    Lock: the caller holds the lab's encoder.
    """
    lab.encoder.write_edit(resolved.residual, resolved.scales)
    with torch.inference_mode():
        features = lab.encoder.encode(images.normalised(chunk))
        return count_correct(features, chunk, images, heads)


def count_correct(
    features: Tensor, chunk: Chunk, images: ImageBatches, heads: Sequence[ClassifierHead]
) -> Counted:
    """Predictions and correct images per task, from the features (n, D) of a chunk's images.

    Cost: one copy from the device for all tasks.
    """
    parts = torch.split(features.float(), [part.stop - part.start for part in chunk.parts])
    predicted = [heads[part.task].predict(own) for part, own in zip(chunk.parts, parts, strict=True)]
    right = [one == images.labels(part) for part, one in zip(chunk.parts, predicted, strict=True)]
    copied = torch.stack((torch.cat(predicted), torch.cat(right))).tolist()
    correct, predictions = [0] * len(heads), [b""] * len(heads)
    begin = 0
    for part in chunk.parts:
        end = begin + part.stop - part.start
        correct[part.task] = sum(copied[1][begin:end])
        predictions[part.task] = pack(copied[0][begin:end], heads[part.task].classes)
        begin = end
    return Counted(tuple(correct), tuple(predictions))
