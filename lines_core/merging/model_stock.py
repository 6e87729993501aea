"""Model Stock: the average of fine-tunings, drawn back to the pre-trained model by the angle between them."""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

from lines_core.merging.arithmetic import average
from lines_core.merging.scopes import merge_each_tensor


def model_stock_merge(vectors: Sequence[Tensor], shapes: Sequence[Sequence[int]] | None) -> Tensor:
    """For each tensor t mean(tau), with

        t = T cos / (1 + (T - 1) cos),    cos the mean cosine between two tasks' changes, at least 0

    Equal changes are averaged, t = 1; changes at right angles have nothing in common, t = 0.

    Args:
        vectors: T task vectors, (numel,) float32; one comes back as it is.
        shapes: of the tensors.
    Cost: T (T - 1) / 2 products of the vectors.
    Source: Jang et al. (2024), arXiv:2403.19522, for one angle; for several their mean, as in mergekit 0.1.5.
    """
    return merge_each_tensor(_merged, vectors, shapes)


def _merged(taus: Sequence[Tensor]) -> Tensor:
    mean = average(taus)
    if len(taus) == 1:
        return mean
    units = [torch.nn.functional.normalize(tau.double(), dim=0) for tau in taus]
    cosines = [float(torch.dot(one, other)) for one, other in combinations(units, 2)]
    cosine = min(1.0, max(0.0, sum(cosines) / len(cosines)))
    return mean * (len(taus) * cosine / (1.0 + (len(taus) - 1) * cosine))
