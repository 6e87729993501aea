"""Norms of an update, by parameter, block and in total; copies in half precision are recognised."""

import math

import pytest
import torch

from lines_core.errors import LayerError
from lines_core.update_norms import UpdateNorm, update_norms

PRETRAINED = {
    "wte": torch.tensor([3.0, 4.0]),
    "h.0": torch.tensor([[0.0, 5.0]]),
    "h.1": torch.tensor([12.0, 5.0]),
    "steps": torch.tensor([7]),
}
BLOCKS = {"wte": None, "h.0": 0, "h.1": 1, "steps": None}


def test_by_hand() -> None:
    finetuned = PRETRAINED | {"h.0": torch.tensor([[1.0, 5.0]]), "h.1": torch.tensor([12.0, 3.0])}
    norms = update_norms(PRETRAINED, finetuned, BLOCKS)
    assert norms.by_name["h.0"] == UpdateNorm(1.0, 5.0, False)
    assert norms.blocks == (UpdateNorm(1.0, 5.0, False), UpdateNorm(2.0, 13.0, False))
    assert norms.outside == UpdateNorm(0.0, 5.0, True)
    assert norms.total.residual == pytest.approx(math.sqrt(5))
    assert norms.total.relative == pytest.approx(math.sqrt(5 / (25 + 25 + 169)))
    group = norms.of(["wte", "h.1", "steps"])
    assert (group.residual, group.rounded) == (2.0, False)
    assert group.pretrained == pytest.approx(math.sqrt(194))


def test_integers_and_names_without_a_block_number_are_left_out() -> None:
    norms = update_norms(PRETRAINED, PRETRAINED | {"steps": torch.tensor([9])}, {"h.0": 0, "steps": None})
    assert list(norms.by_name) == ["h.0"]


def test_no_update_and_an_update_of_zeros() -> None:
    assert update_norms(PRETRAINED, PRETRAINED, BLOCKS).total.relative == 0.0
    zeros = {"h.0": torch.zeros(2)}
    assert update_norms(zeros, zeros, {"h.0": 0}).total.relative == 0.0
    assert update_norms(zeros, {"h.0": torch.ones(2)}, {"h.0": 0}).total.relative == math.inf


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("stored", ["half", "float", "the other way round"])
def test_a_copy_in_half_precision_is_no_change(half: torch.dtype, stored: str) -> None:
    """Some 4.6052 in bf16 is 4.59375: 0.011 of difference, and yet nobody has trained it."""
    weights = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
    exact = {"h.0": torch.cat([weights, torch.tensor([4.6052])])}
    copy = {"h.0": exact["h.0"].to(half)}
    if stored != "half":
        copy = {"h.0": copy["h.0"].float()}
    sides = (copy, exact) if stored == "the other way round" else (exact, copy)
    (block,) = update_norms(*sides, {"h.0": 0}).blocks
    assert block.rounded
    assert 0.0 < block.relative < 0.004
    copy["h.0"][-2] += 0.1
    assert not update_norms(*sides, {"h.0": 0}).blocks[0].rounded


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("exactly", [True, False])
def test_a_small_real_update_is_no_rounding(half: torch.dtype, exactly: bool) -> None:
    """It was taken for a copy, since in half precision both sides look the same: OpenAI's CLIP is made of
    float16 values (`exactly`), and so is any model in bf16 that was fine-tuned in float32."""
    weights = torch.linspace(1.0, 1.9, 1000).to(half).float()
    before = {"h.0": weights if exactly else weights * (1 + 3e-6)}
    after = {"h.0": weights * (1 + 1e-5)}
    assert torch.equal(before["h.0"].to(half), after["h.0"].to(half))
    (block,) = update_norms(before, after, {"h.0": 0}).blocks
    assert block.relative == pytest.approx(1e-5 if exactly else 7e-6, rel=0.05)
    assert not block.rounded


def test_the_copy_has_one_precision_and_one_side_throughout() -> None:
    exact = torch.linspace(1.0, 1.9, 2 << 18)
    copy = exact.bfloat16().float()
    half = len(exact) // 2
    for mixed in (
        (torch.cat([exact[:half], copy[half:]]), torch.cat([copy[:half], exact[half:]])),
        (exact, torch.cat([copy[:half], exact[half:].half().float()])),
    ):
        before, after = ({"h.0": side} for side in mixed)
        assert not update_norms(before, after, {"h.0": 0}).total.rounded


def test_absent_names_and_other_shapes_are_refused() -> None:
    with pytest.raises(LayerError, match=r"'h\.1' is not among the fine-tuned weights"):
        update_norms(PRETRAINED, {"h.0": PRETRAINED["h.0"]}, {"h.1": 1})
    with pytest.raises(LayerError, match=r"'h\.2' is not among the pre-trained weights"):
        update_norms(PRETRAINED, PRETRAINED, {"h.2": 1})
    with pytest.raises(LayerError, match=r"'h.0' is \(2,\) fine-tuned and \(1, 2\) pre-trained"):
        update_norms(PRETRAINED, {"h.0": torch.zeros(2)}, {"h.0": 0})
