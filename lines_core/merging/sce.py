"""SCE: select entries that differ between the tasks, weigh the tasks by energy, erase minority signs."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from lines_core.merging.agreement import agreeing, weighted_mean
from lines_core.merging.method import Parameter
from lines_core.merging.scopes import merge_each_tensor

SELECT = Parameter(
    "select",
    "Selected entries",
    "Fraction of each tensor's entries that is merged: those whose change varies most from task to task.",
    1.0,
    0.0,
    1.0,
    0.05,
)


def sce_merge(vectors: Sequence[Tensor], shapes: Sequence[Sequence[int]] | None, *, select: float) -> Tensor:
    """For each tensor sum_t w_t m_t tau_t / sum_t w_t m_t, over the selected entries.

    w_t is the share of task t in the squares of all tasks' selected entries, m_t is 1 where an entry has the
    sign of the tasks' sum (plus if that is 0) and 0 elsewhere. Selected are the int(select * n) entries of
    the largest variance over the tasks, n those whose variance is not 0, and those equal to the smallest.

    Args:
        vectors: T task vectors, (numel,) float32.
        shapes: of the tensors.
        select: in [0, 1]; 1 selects all, also of variance 0.
    Cost: memory for three copies of the largest tensor of all tasks, in float64.
    Source: Wan et al. (2024), FuseChat, arXiv:2408.07990; defaults of mergekit 0.1.5.
    """
    return merge_each_tensor(partial(_merged, select=select), vectors, shapes)


def _merged(taus: Sequence[Tensor], select: float) -> Tensor:
    stacked = torch.stack(list(taus)).double()
    if select < 1.0:
        variance = stacked.var(0, correction=0)
        count = int(select * int(torch.count_nonzero(variance)))
        cut = variance.topk(count).values[-1] if count else torch.inf
        stacked = stacked * (variance >= cut)
    energies = stacked.square().sum(1)
    shares = energies / energies.sum() if bool(energies.any()) else torch.ones_like(energies)
    sign = torch.where(stacked.sum(0) >= 0, 1.0, -1.0)
    return weighted_mean(stacked, shares[:, None] * agreeing(stacked, sign)).float()
