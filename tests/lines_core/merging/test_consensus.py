"""Consensus: how many tasks must agree."""

import pytest
import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging import keep_agreed, merge, tall_mask
from lines_core.merging.consensus import consensus_merge

FIRST = torch.tensor([4.0, 1.0, 2.0, 0.0, -1.0])
SECOND = torch.tensor([1.0, 2.0, 2.0, 0.0, 4.0])
SETTINGS = {"use_ties": 0.0, "density": 0.2, "reference_size": 0.0}


def test_worked_by_hand() -> None:
    """With lambda 0.5 one task claims the columns 1, 2 and 5, both claim the third, nobody the fourth."""
    vectors = [FIRST, SECOND]
    expected = {0: [5.0, 3.0, 4.0, 0.0, 3.0], 1: [5.0, 3.0, 4.0, 0.0, 3.0], 2: [0.0, 0.0, 4.0, 0.0, 0.0]}
    for k, values in expected.items():
        assert merge("consensus", vectors, {"k": float(k), "tall_lambda": 0.5}).tolist() == values


@pytest.mark.parametrize("use_ties", [0.0, 1.0])
def test_k_0_is_the_merged_vector_and_k_above_t_is_nothing(use_ties: float, planted: list[Tensor]) -> None:
    settings = {"use_ties": use_ties}
    whole = merge("ties", planted, {"agg": 1.0}) if use_ties else merge("sum", planted)
    assert torch.equal(merge("consensus", planted, {**settings, "k": 0.0}), whole)
    assert not merge("consensus", planted, {**settings, "k": 6.0}).any()
    assert not merge("consensus", planted, {**settings, "k": 21.0}).any()


def test_k_1_drops_what_belongs_to_nobody_and_k_2_what_belongs_to_one() -> None:
    vectors = list(torch.randn(5, 1003, generator=torch.Generator().manual_seed(0)))
    merged = merge("sum", vectors)
    owners = torch.stack([tall_mask(tau, merged, 1.0) for tau in vectors]).sum(dim=0)
    assert set(owners.tolist()) >= {0, 1, 2}
    for k in range(7):
        found = merge("consensus", vectors, {"k": float(k), "tall_lambda": 1.0})
        assert torch.equal(found, torch.where(owners >= k, merged, 0.0))


def test_a_threshold_for_each_task(ordinary: list[Tensor]) -> None:
    lambdas = [0.2, 0.3, 0.4, 0.5, 0.6]
    merged = merge("sum", ordinary)
    owners = sum(
        tall_mask(tau, merged, threshold).int() for tau, threshold in zip(ordinary, lambdas, strict=True)
    )
    found = consensus_merge(ordinary, k=2.0, tall_lambda=lambdas, **SETTINGS)
    assert torch.equal(found, torch.where(torch.as_tensor(owners) >= 2, merged, 0.0))
    assert not torch.equal(found, consensus_merge(ordinary, k=2.0, tall_lambda=0.2, **SETTINGS))
    with pytest.raises(MergeError, match="one for each of 5 tasks, got 2"):
        consensus_merge(ordinary, k=2.0, tall_lambda=[0.2, 0.3], **SETTINGS)


def test_masks_from_elsewhere(ordinary: list[Tensor]) -> None:
    merged = merge("sum", ordinary)
    for k in (0, 1, 2, 5, 6):
        masks = (tall_mask(tau, merged, 0.4) for tau in ordinary)
        expected = merge("consensus", ordinary, {"k": float(k)})
        assert torch.equal(keep_agreed(merged, masks, k), expected)
    assert torch.equal(merged, merge("sum", ordinary)), "the merged vector is left alone"


def test_masks_that_do_not_fit_are_refused(ordinary: list[Tensor]) -> None:
    good = ordinary[0] > 0
    with pytest.raises(
        MergeError, match=r"Mask 1 is torch\.bool of shape \(1002,\): expected torch\.bool of"
    ):
        keep_agreed(ordinary[0], [good, good[1:]], 2)
    with pytest.raises(MergeError, match=r"Mask 0 is torch\.uint8"):
        keep_agreed(ordinary[0], [good.byte()], 2)
    with pytest.raises(MergeError, match="More than 255 masks"):
        keep_agreed(ordinary[0], [good] * 256, 2)
    assert keep_agreed(ordinary[0], [good] * 255, 255).any()
