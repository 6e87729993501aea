"""The one thing that is ever counted: correct pictures a task in one chunk, by an encoder with an edit."""

from collections.abc import Sequence

import torch
from torch import Tensor

from evaluators.data.image_batches import Chunk, Pictures
from evaluators.encoder.classifier_heads import Head
from evaluators.labs.lab import Lab
from evaluators.specs.resolved_spec import Measurement


def count_chunk(
    lab: Lab, measurement: Measurement, pictures: Pictures, chunk: Chunk, heads: Sequence[Head]
) -> tuple[int, ...]:
    """Correct pictures a task in one chunk.

    The coefficients are written absolutely, so it does not matter what was counted before.

    Args:
        pictures, heads: of the measurement, on the lab's device.
    Raises: as ``LiveEncoder.carry`` and ``encode``.
    Lock: the caller sees to it that nobody else uses the lab's encoder meanwhile.
    """
    lab.encoder.carry(measurement.residual, measurement.scales)
    with torch.inference_mode():
        features = lab.encoder.encode(pictures.normalised(chunk))
        return count_correct(features, chunk, pictures, heads)


def count_correct(
    features: Tensor, chunk: Chunk, pictures: Pictures, heads: Sequence[Head]
) -> tuple[int, ...]:
    """Correct pictures a task, from the features (n, D) of a chunk's pictures."""
    features = features.float()
    hits = torch.zeros(len(heads), dtype=torch.int64, device=features.device)
    begin = 0
    for part in chunk.parts:
        end = begin + part.stop - part.start
        named = heads[part.task].named(features[begin:end])
        hits[part.task] = (named == pictures.labels(part)).sum()
        begin = end
    return tuple(hits.tolist())
