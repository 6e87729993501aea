"""Task vectors that cannot be merged, and results that are not finite."""

import math

import pytest
import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging import merge
from tests.lines_core.merging.cases import CASES, KEYS, taken


@pytest.mark.parametrize("key", KEYS)
def test_vectors_that_cannot_be_merged_are_refused(key: str, ordinary: list[Tensor]) -> None:
    with pytest.raises(MergeError, match="at least one task vector, got none"):
        merge(key, [], task=0)
    with pytest.raises(MergeError, match="Task vector 1 has 1002 entries, the first has 1003"):
        merge(key, [ordinary[0], ordinary[1][1:]], task=0)
    with pytest.raises(MergeError, match=r"Task vector 0 is torch\.float64: convert it"):
        merge(key, [ordinary[0].double()], task=0)
    with pytest.raises(MergeError, match=r"Task vector 1 has shape \(1, 1003\): expected \(numel,\)"):
        merge(key, [ordinary[0], ordinary[1][None]], task=0)
    with pytest.raises(MergeError, match=r"Task vector 0 has shape \(0,\)"):
        merge(key, [torch.zeros(0)], task=0)
    with pytest.raises(MergeError, match="Task vector 1 is on meta, the first on cpu"):
        merge(key, [ordinary[0], ordinary[1].to("meta")], task=0)
    with pytest.raises(MergeError, match="Task vector 0 is a list, expected a tensor"):
        merge(key, [[1.0]], task=0)  # type: ignore[list-item]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("key", "settings"), CASES)
def test_what_is_no_number_is_refused(
    key: str, settings: dict[str, float], bad: float, ordinary: list[Tensor]
) -> None:
    ordinary[1][77] = bad
    with pytest.raises(MergeError, match="NaN or infinity"):
        merge(key, taken(key, ordinary), settings, task=1)
    with pytest.raises(MergeError, match="NaN or infinity"):
        merge(key, taken(key, ordinary), settings, task=0)


def test_a_sum_that_is_large_is_not_taken_for_infinite() -> None:
    large = torch.full((4,), 1.5e38)
    assert torch.equal(merge("sum", [large, large]), 2 * large)
    with pytest.raises(MergeError, match="too large for float32"):
        merge("sum", [large, large, large])
