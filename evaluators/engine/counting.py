"""Correct images per task in one chunk of images, for an encoder that carries an edit."""

from collections.abc import Sequence

import torch
from torch import Tensor

from evaluators.data.image_batches import Chunk, ImageBatches
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.labs.lab import Lab
from evaluators.specs.resolved_spec import ResolvedSpec


def count_chunk(
    lab: Lab, resolved: ResolvedSpec, images: ImageBatches, chunk: Chunk, heads: Sequence[ClassifierHead]
) -> tuple[int, ...]:
    """Correct images per task in one chunk.

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
) -> tuple[int, ...]:
    """Correct images per task, from the features (n, D) of a chunk's images."""
    features = features.float()
    hits = torch.zeros(len(heads), dtype=torch.int64, device=features.device)
    begin = 0
    for part in chunk.parts:
        end = begin + part.stop - part.start
        named = heads[part.task].predict(features[begin:end])
        hits[part.task] = (named == images.labels(part)).sum()
        begin = end
    return tuple(hits.tolist())
