"""Pieces of tensors: whatever the size of a tensor, an edit holds a few of them at a time."""

import tracemalloc
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lines_core.checkpoints import WeightFiles
from lines_core.errors import TaskVectorError
from lines_core.large_files import pieces
from lines_core.large_files.file_edit import edit_files


def test_pieces_of_two_models_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 4)
    save_file({"a": torch.arange(10.0), "b": torch.ones(2)}, tmp_path / "x.safetensors")
    save_file({"c": torch.arange(10).bfloat16()}, tmp_path / "y.safetensors")
    first, second = WeightFiles(tmp_path / "x.safetensors"), WeightFiles(tmp_path / "y.safetensors")
    found = list(
        pieces.pieces("ab", lambda name: [(first, "a"), (second, "c")] if name == "a" else [(first, "b")])
    )
    assert [(piece.name, piece.start, piece.num_bytes) for piece in found] == [
        ("a", 0, 24),
        ("a", 4, 24),
        ("a", 8, 12),
        ("b", 0, 8),
    ]
    assert torch.cat([piece.stored(1) for piece in found[:3]]).tolist() == list(range(10))
    assert found[1].stored(0).tolist() == [4.0, 5.0, 6.0, 7.0]


def test_memory_does_not_depend_on_the_size_of_a_tensor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that were read or are to be written, counted by Python; torch's own scratch is a few slices."""
    piece = 1 << 15
    monkeypatch.setattr(pieces, "PIECE", piece)
    model = {f"h.{block}.w": torch.zeros(100 * piece, dtype=torch.bfloat16) for block in range(2)}
    save_file(model, tmp_path / "m.safetensors")
    tracemalloc.start()
    try:
        source = tmp_path / "m.safetensors"
        edit_files(source, source, tmp_path / "out", alpha=0.5, beta=0.5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * 2 * piece < model["h.0.w"].nbytes


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_rounding_finds_what_is_not_finite_even_where_a_sum_would_not(dtype: torch.dtype) -> None:
    def compute(part: slice, _: list[torch.Tensor]) -> torch.Tensor:
        return values[part]

    values = torch.full((70_000,), torch.finfo(dtype).max, dtype=torch.float32)
    data = pieces.rounded(len(values), dtype, "a", compute)
    assert torch.equal(torch.frombuffer(data, dtype=dtype), values.to(dtype)), (
        "a sum that overflows is no error"
    )
    values[69_999] = float("inf")
    with pytest.raises(TaskVectorError, match="'a' would hold NaN or infinity"):
        pieces.rounded(len(values), dtype, "a", compute)
