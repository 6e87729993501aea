"""Equality of checkpoints: names, dtypes and values."""

import torch
from torch import Tensor

Tower = dict[str, Tensor]


def equal(found: Tower, expected: Tower) -> bool:
    return found.keys() == expected.keys() and all(
        found[name].dtype == tensor.dtype and torch.equal(found[name], tensor)
        for name, tensor in expected.items()
    )
