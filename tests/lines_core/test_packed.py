import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lines_core.errors import CheckpointError
from lines_core.packed import (
    LEVELS,
    pack_four_bit,
    pack_half,
    pack_low_rank,
    read_packed,
    save_packed,
    unpack,
)

SHAPES = {"a.weight": torch.Size([4, 6]), "a.bias": torch.Size([4]), "conv": torch.Size([2, 3, 1, 1])}


def test_four_bits_by_hand() -> None:
    """A row's largest entry is level 7; 0.5 of it lies between 3 and 4, and goes to the even one."""
    packed = pack_four_bit("w", torch.tensor([[7.0, -7.0, 1.0, 0.4], [0.0, 0.0, 0.0, 0.0]]))
    assert packed["w::four_bit"].tolist() == [[14 * 16 + 0, 8 * 16 + 7], [7 * 16 + 7, 7 * 16 + 7]]
    unpacked = unpack(packed, {"w": torch.Size([2, 4])})["w"]
    assert unpacked.tolist() == [[7.0, -7.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]


@given(st.integers(1, 5), st.integers(1, 9), st.integers(0, 2**20), st.sampled_from([1e-4, 1.0, 30.0]))
def test_the_error_is_at_most_half_a_level(rows: int, columns: int, seed: int, size: float) -> None:
    residual = size * torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    unpacked = unpack(pack_four_bit("w", residual), {"w": residual.shape})["w"]
    level = residual.abs().amax(dim=1, keepdim=True) / LEVELS
    # the scale itself is rounded to half precision, a thousandth or, below its normal numbers, 3e-8
    assert ((unpacked - residual).abs() <= 0.5 * level * 1.001 + LEVELS * (level / 1000 + 3e-8)).all()


def test_a_filter_keeps_its_shape_and_an_odd_row_its_length() -> None:
    residual = torch.arange(6.0).reshape(2, 3, 1, 1)
    unpacked = unpack(pack_four_bit("conv", residual), {"conv": residual.shape})["conv"]
    assert unpacked.shape == residual.shape
    assert torch.allclose(unpacked, residual, atol=0.4)


def test_low_rank_and_half() -> None:
    b, a = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0, 4.0]])
    packed = {**pack_low_rank("w", b, a), **pack_half("bias", torch.tensor([0.25, -2.0]))}
    found = unpack(packed, {"w": torch.Size([2, 2]), "bias": torch.Size([2])})
    assert found["w"].tolist() == [[3.0, 4.0], [6.0, 8.0]]
    assert found["bias"].tolist() == [0.25, -2.0]


def test_what_is_left_out_is_zero() -> None:
    found = unpack(pack_half("a.bias", torch.ones(4)), SHAPES)
    assert list(found) == list(SHAPES)
    assert {name: value.shape for name, value in found.items()} == SHAPES
    assert not found["a.weight"].any()


def test_a_file_gives_back_what_was_packed(tmp_path: Path) -> None:
    residual = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    packed = {**pack_four_bit("a.weight", residual), **pack_half("a.bias", residual[:, 0])}
    save_packed(tmp_path / "x.safetensors", packed, {"checkpoint": "x"})
    read = read_packed(tmp_path / "x.safetensors", SHAPES)
    again = unpack(packed, SHAPES)
    assert all(torch.equal(read[name], again[name]) for name in SHAPES)


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        ({"other::half": torch.ones(1)}, "'other', which the model does not have"),
        ({"a.bias::half": torch.ones(5)}, "'a.bias' does not fit its shape (4,)"),
        ({"a.bias": torch.ones(4)}, "has the parts : expected half"),
        ({"a.weight::low_rank_a": torch.ones(1, 6)}, "has the parts low_rank_a: expected"),
        (
            {"a.weight::low_rank_a": torch.ones(1, 6), "a.weight::low_rank_b": torch.ones(4, 2)},
            "does not fit",
        ),
        ({"a.weight::four_bit": torch.ones(4, 3), "a.weight::scale": torch.ones(4, 1)}, "must be bytes"),
        (
            {"a.weight::four_bit": torch.ones(4, 2, dtype=torch.uint8), "a.weight::scale": torch.ones(4, 1)},
            "does not fit",
        ),
        ({"a.bias::half": torch.tensor([1.0, torch.nan, 0.0, 0.0])}, "'a.bias' is not finite"),
        (
            {
                "a.weight::four_bit": torch.ones(4, 3, dtype=torch.uint8),
                "a.weight::scale": torch.full((4, 1), torch.inf),
            },
            "'a.weight' is not finite",
        ),
    ],
)
def test_damage_is_named(packed: dict[str, torch.Tensor], message: str) -> None:
    with pytest.raises(CheckpointError, match=re.escape(message)):
        unpack(packed, SHAPES)
