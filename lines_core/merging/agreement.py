"""Merging the entries of a tensor that have the sign of their sum, all tasks at once."""

import torch
from torch import Tensor


def agreeing(stacked: Tensor, sign: Tensor) -> Tensor:
    """Which entries are not zero and have the sign: (T, n), for `stacked` (T, n) and `sign` (n,)."""
    return (stacked.sign() == sign) & (stacked != 0)


def weighted_mean(stacked: Tensor, weights: Tensor) -> Tensor:
    """sum_t w_t tau_t / sum_t w_t for every entry; 0 where the weights are. Both (T, n), float64."""
    total = weights.sum(0)
    return (stacked * weights).sum(0) / torch.where(total == 0, 1.0, total)
