from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from evaluators.encoder import autotune as module
from evaluators.encoder.autotune import EngineConfig, autotune, cached_config, candidates


class Tower(nn.Module):
    """As much of a vision transformer as is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.zeros(5, 16))
        self.block = nn.Linear(16, 16)
        self.transformer = SimpleNamespace(resblocks=[self.block])


def timed(costs: dict[tuple[torch.dtype, int], float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run of a precision and number take so many seconds a image."""

    def seconds(block: nn.Module, activations: torch.Tensor) -> float:
        assert activations.shape[1:] == (5, 16)
        weight = next(block.parameters())
        assert weight.dtype == activations.dtype
        return costs[activations.dtype, len(activations)] * len(activations)

    monkeypatch.setattr(module, "_seconds", seconds)


def test_the_fastest_precision_and_the_smallest_chunk_nearly_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {
        (torch.float32, 8): 5.0,
        (torch.float32, 16): 4.0,
        (torch.bfloat16, 8): 1.5,
        (torch.bfloat16, 16): 1.05,
        (torch.bfloat16, 32): 1.0,
        (torch.float32, 32): 4.0,
    }
    timed(costs, monkeypatch)
    assert autotune(Tower(), torch.device("cpu")) == EngineConfig(torch.bfloat16, 16, 1.05)


def test_a_narrow_tower_stays_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {(dtype, 8): cost for dtype, cost in ((torch.float32, 1.0), (torch.bfloat16, 1.2))}
    timed(costs, monkeypatch)
    assert autotune(Tower(), torch.device("cpu"), [8]).dtype == torch.float32


def test_the_tower_is_left_as_it_was() -> None:
    tower = Tower()
    before = tower.block.weight
    found = autotune(tower, torch.device("cpu"), [2, 4])
    assert found.chunk in (2, 4)
    assert found.seconds > 0
    assert tower.block.weight is before
    assert before.dtype == torch.float32


def test_what_is_tried_where() -> None:
    assert candidates(torch.device("cpu")) == (torch.float32, torch.bfloat16)
    assert candidates(torch.device("mps")) == (torch.float32,)


def test_a_measured_pace_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured at every start, precision or chunk could change, and stored numbers with them."""
    path = tmp_path / "pace" / "tower.json"
    first = cached_config(path, Tower(), torch.device("cpu"))
    monkeypatch.setattr(module, "autotune", None)
    assert cached_config(path, Tower(), torch.device("cpu")) == first


@pytest.mark.parametrize("content", ["", "[]", '{"dtype": "torch.int8", "chunk": 8, "seconds": 1}', "{}"])
def test_a_kept_pace_of_no_use_is_measured_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tower.json"
    path.write_text(content)
    found = cached_config(path, Tower(), torch.device("cpu"))
    assert found.chunk in module.CHUNKS["cpu"]
    assert cached_config(path, Tower(), torch.device("cpu")) == found
    assert [file.name for file in tmp_path.iterdir()] == ["tower.json"]
