"""TSV-M: the largest singular directions of every task, made orthogonal to those of the others."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lines_core.merging.singular import largest_triples, merge_matrices, recombined
from lines_core.merging.slices import check_stopped


def tsv_m_merge(vectors: Sequence[Tensor], shapes: Sequence[Sequence[int]] | None) -> Tensor:
    """For each matrix P(U) S P(V)', U, S, V the k largest triples of every task side by side.

        k = floor(min(m, n) / T),    P(A) the orthonormal matrix nearest to A

    One task comes back as it is; a matrix with fewer rows or columns than tasks becomes zero.

    Args:
        vectors: T task vectors, (numel,) float32.
        shapes: as in `merge_matrices`.
    Cost: T + 2 eigendecompositions of min(m, n) rows a matrix; memory for a few matrices a core.
    Source: Gargiulo et al. (2025), arXiv:2412.00081.
    """
    return merge_matrices(_merged, vectors, shapes)


def _merged(residuals: Sequence[Tensor]) -> Tensor:
    count = min(residuals[0].shape) // len(residuals)
    if len(residuals) == 1 or count == 0:
        return residuals[0].clone() if count else torch.zeros_like(residuals[0])
    parts = []
    for residual in residuals:
        parts.append(largest_triples(residual, count))
        check_stopped()
    return recombined(parts, torch.cat([part.values for part in parts]))
