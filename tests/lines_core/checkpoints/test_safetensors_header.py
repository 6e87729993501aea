"""Headers of files that are written piece by piece: what the format's own library reads from them."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from lines_core.checkpoints.limits import DTYPES
from lines_core.checkpoints.safetensors_header import header_bytes


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
def test_the_library_reads_it(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = [("b", dtype, (2, 3)), ("a", torch.float32, ())]
    header = header_bytes(tensors, {"by": "somebody"})
    assert len(header) % 8 == 0
    path = tmp_path / "a.safetensors"
    path.write_bytes(header + bytes(6 * dtype.itemsize + 4))
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"by": "somebody"}
        read = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    assert {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in read.items()} == {
        name: (kind, shape) for name, kind, shape in tensors
    }


def test_without_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(header_bytes([("a", torch.uint8, (3,))], {}) + b"abc")
    with safe_open(path, "pt") as file:
        assert file.metadata() is None
        assert file.get_tensor("a").tolist() == list(b"abc")
