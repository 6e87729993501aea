"""A merge of large vectors ends in the middle when nobody wants it any more."""

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lines_core.merging import METHODS, merge, merging_alpha, stopped_by

SLICES = 11
"""Of 100 entries, in one of the vectors."""


class Enough(Exception):
    """Nobody wants it any more."""


class Checks:
    """Counts how often it is asked, and says after some times that it is enough."""

    def __init__(self, enough: float = float("inf")) -> None:
        self.count = 0
        self.enough = enough
        self._mutex = threading.Lock()

    def __call__(self) -> None:
        with self._mutex:
            self.count += 1
            if self.count > self.enough:
                raise Enough


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("key", METHODS)
def test_every_method_stops_at_any_slice(
    key: str,
    threads: int,
    ordinary: list[Tensor],
    slice_of: Callable[[int], None],
    torch_threads: Callable[[int], None],
) -> None:
    expected = merge(key, ordinary, task=1)
    slice_of(100)
    torch_threads(threads)
    checks = Checks()
    with stopped_by(checks):
        assert torch.equal(merge(key, ordinary, task=1), expected)
    assert checks.count >= 2 * SLICES  # the merge itself, and whether all of it is finite
    for enough in (0, 1, SLICES, checks.count - 1):
        early = Checks(enough)
        with pytest.raises(Enough), stopped_by(early):
            merge(key, ordinary, task=1)
        assert early.count <= enough + len(ordinary), "each thread ends at its next slice"
    assert torch.equal(merge(key, ordinary, task=1), expected), "outside of the block nothing stops it"


def test_eq_2_stops(ordinary: list[Tensor], slice_of: Callable[[int], None]) -> None:
    merged = merge("sum", ordinary)
    slice_of(100)
    with pytest.raises(Enough), stopped_by(Checks(SLICES - 1)):
        merging_alpha(ordinary, merged)
    with stopped_by(Checks(SLICES)):
        assert merging_alpha(ordinary, merged).alpha == pytest.approx(1 / len(ordinary))
