"""Task vectors for merges: few values, so that ties, zeros and sums of zero are common, and ordinary ones."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import settings
from torch import Tensor

from lines_core.merging import slices

# A busy machine makes an example slow, not wrong: without this the suite failed there on DeadlineExceeded.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def planted() -> list[Tensor]:
    """Five vectors of 1003 eighths from -1 to 1, many zero; 40 entries zero in all of them, 60 cancel."""
    generator = torch.Generator().manual_seed(3)
    values = torch.randint(-8, 9, (5, 1003), generator=generator) / 8
    values *= torch.rand(5, 1003, generator=generator) < 0.7
    values[:, 100:140] = 0.0
    values[:, 200:260] = 0.0
    values[0, 200:260], values[3, 200:260] = 1.0, -1.0
    return list(values)


@pytest.fixture
def ordinary() -> list[Tensor]:
    """Five vectors of 1003 random entries of very different sizes."""
    generator = torch.Generator().manual_seed(4)
    values = torch.randn(5, 1003, generator=generator) * 10 ** (-6 * torch.rand(5, 1003, generator=generator))
    return list(values)


@pytest.fixture
def slice_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the size of a slice."""

    def set_slice(size: int) -> None:
        monkeypatch.setattr(slices, "SLICE", size)

    return set_slice


@pytest.fixture
def three_threads(torch_threads: Callable[[int], None]) -> None:
    """Lets torch, and so a merge, use three threads for the test."""
    torch_threads(3)
