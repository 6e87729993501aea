"""Packed vectors come back bit for bit."""

import gzip

import numpy as np
import pytest
import torch
from torch import Tensor

from static.export.packing import DIFFERENCE, HALF, SINGLE, PackedVector, pack_residual, pack_weights


def planes(packed: PackedVector, itemsize: int) -> bytes:
    """The content with the bytes of each number side by side again."""
    plain = np.frombuffer(gzip.decompress(packed.content), np.uint8)
    joined: bytes = plain.reshape(itemsize, -1).T.tobytes()
    return joined


def unpacked(packed: PackedVector, pretrained: Tensor | None = None) -> Tensor:
    """The vector of a packed one, the slow and plain way."""
    if packed.form == SINGLE:
        return torch.from_numpy(np.frombuffer(planes(packed, 4), "<f4").copy())
    if packed.form == HALF:
        return torch.from_numpy(np.frombuffer(planes(packed, 2), "<f2").astype(np.float32))
    assert pretrained is not None
    coded = np.frombuffer(planes(packed, 2), "<u2").astype(np.int64)
    differences = np.where(coded % 2, -(coded + 1) // 2, coded // 2)
    bits = pretrained.half().numpy().view(np.uint16).astype(np.int64) + differences
    finetuned = (bits % (1 << 16)).astype(np.uint16).view(np.float16).astype(np.float32)
    return torch.from_numpy(finetuned) - pretrained


def bits(vector: Tensor) -> list[int]:
    """So that a negative zero counts."""
    return vector.view(torch.int32).tolist()


def halves(count: int, spread: float) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return (spread * torch.randn(count, generator=generator)).half().float()


def test_weights_take_half_the_size_if_they_are_float16_numbers() -> None:
    weights = torch.cat([halves(1000, 1.0), torch.tensor([0.0, -0.0, 6e-8, 65504.0]).half().float()])
    packed = pack_weights(weights)
    assert packed.form == HALF
    assert bits(unpacked(packed)) == bits(weights)


def test_other_weights_are_kept_too() -> None:
    weights = torch.tensor([1 / 3, -0.0, 1e-40, 3e38])
    packed = pack_weights(weights)
    assert packed.form == SINGLE
    assert bits(unpacked(packed)) == bits(weights)


def test_a_checkpoint_is_a_difference_of_float16_bits() -> None:
    """Signs change too, so differences wrap round; the small steps of fine-tuning make the file small."""
    pretrained = halves(20_000, 1.0)
    steps = 0.001 * torch.randn(20_000, generator=torch.Generator().manual_seed(1))
    residual = (pretrained + steps).half().float() - pretrained
    residual[:4] = -2 * pretrained[:4]
    packed = pack_residual(residual, pretrained)
    assert packed.form == DIFFERENCE
    assert bits(unpacked(packed, pretrained)) == bits(residual)
    assert len(packed.content) < 0.7 * len(pack_weights(pretrained).content)


@pytest.mark.parametrize(
    "residual", [torch.full((8,), 1e-6), torch.full((8,), 1 / 3)], ids=["small", "third"]
)
def test_a_merge_is_kept_as_it_is(residual: Tensor) -> None:
    """theta_0 + tau is no float16 number: rounding it would change the counts."""
    pretrained = halves(8, 1.0)
    packed = pack_residual(residual, pretrained)
    assert packed.form == SINGLE
    assert bits(unpacked(packed)) == bits(residual)


def test_equal_vectors_give_equal_files() -> None:
    assert pack_weights(halves(100, 1.0)) == pack_weights(halves(100, 1.0))
