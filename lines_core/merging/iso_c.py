"""Iso-C: the sum of the task vectors with all singular values made equal."""

from collections.abc import Sequence

from torch import Tensor

from lines_core.merging.singular import largest_triples, merge_matrices


def iso_c_merge(vectors: Sequence[Tensor], shapes: Sequence[Sequence[int]] | None) -> Tensor:
    """For each matrix mean(S) U V', with sum_t tau_t = U S V'.

    The mean is over the singular values that are not near zero.

    Args:
        vectors: T task vectors, (numel,) float32.
        shapes: as in `merge_matrices`.
    Cost: one eigendecomposition of min(m, n) rows a matrix; memory for a few matrices a core.
    Source: Marczak et al. (2025), arXiv:2502.04959.
    """
    return merge_matrices(_merged, vectors, shapes)


def _merged(residuals: Sequence[Tensor]) -> Tensor:
    found = largest_triples(added_up(residuals), min(residuals[0].shape))
    return (found.left * found.values.mean()) @ found.right.mT


def added_up(residuals: Sequence[Tensor]) -> Tensor:
    """sum_t tau_t of matrices, float64."""
    total = residuals[0].double()
    for residual in residuals[1:]:
        total = total + residual
    return total
