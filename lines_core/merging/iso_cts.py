"""Iso-CTS: the common directions of the sum and the own directions of each task, all equally long."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from lines_core.merging.iso_c import added_up
from lines_core.merging.method import Parameter
from lines_core.merging.singular import largest_triples, merge_matrices, recombined
from lines_core.merging.slices import check_stopped

COMMON = Parameter(
    "common",
    "Common directions",
    "Share of each matrix's directions that is taken from the sum of all tasks; the rest is divided among "
    "the tasks for directions of their own.",
    0.8,
    0.0,
    1.0,
    0.05,
)


def iso_cts_merge(
    vectors: Sequence[Tensor], shapes: Sequence[Sequence[int]] | None, *, common: float
) -> Tensor:
    """For each matrix mean(S) P(U) P(V)' of these triples side by side:

        the r - n T largest of sum_t tau_t (U_c, S_c, V_c), and of each task the n largest of
        tau_t - U_c U_c' tau_t,        r = min(m, n), n = round((r - floor(common * r)) / T)

    Args:
        vectors: T task vectors, (numel,) float32.
        shapes: as in `merge_matrices`.
        common: in [0, 1].
    Cost: T + 3 eigendecompositions of min(m, n) rows a matrix; memory for a few matrices a core.
    Source: Marczak et al. (2025), arXiv:2502.04959.
    """
    return merge_matrices(partial(_merged, common=common), vectors, shapes)


def _merged(residuals: Sequence[Tensor], common: float) -> Tensor:
    rank, tasks = min(residuals[0].shape), len(residuals)
    own = round((rank - int(common * rank)) / tasks)
    shared = largest_triples(added_up(residuals), max(0, rank - own * tasks))
    parts = [shared]
    for residual in residuals if own else ():
        check_stopped()
        wide = residual.double()
        rest = wide - shared.left @ (shared.left.mT @ wide)
        parts.append(largest_triples(rest, own, beside=float(wide.norm())))
    return recombined(parts, torch.cat([part.values for part in parts]).mean())
