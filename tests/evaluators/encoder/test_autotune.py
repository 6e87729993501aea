"""Choice and cache of dtype and batch size."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from evaluators.encoder import autotune as module
from evaluators.encoder.autotune import EngineConfig, TimedBlock, autotune, cached_config, candidates


class Tower(nn.Module):
    """The parts of a vision transformer that `autotune` reads."""

    def __init__(self) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.zeros(5, 16))
        self.block = nn.Linear(16, 16)
        self.transformer = SimpleNamespace(resblocks=[self.block])


def set_costs(costs: dict[tuple[torch.dtype, int], float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the timing by seconds an image for each dtype and batch size."""

    def seconds(block: nn.Module, activations: torch.Tensor) -> float:
        assert activations.shape[1:] == (5, 16)
        weight = next(block.parameters())
        assert weight.dtype == activations.dtype
        return costs[activations.dtype, len(activations)] * len(activations)

    monkeypatch.setattr(module, "_seconds", seconds)


def test_the_fastest_dtype_and_the_smallest_chunk_nearly_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {
        (torch.float32, 8): 5.0,
        (torch.float32, 16): 4.0,
        (torch.bfloat16, 8): 1.5,
        (torch.bfloat16, 16): 1.05,
        (torch.bfloat16, 32): 1.0,
        (torch.float32, 32): 4.0,
    }
    set_costs(costs, monkeypatch)
    assert autotune(TimedBlock.of_tower(Tower()), torch.device("cpu")) == EngineConfig(
        torch.bfloat16, 16, 1.05
    )


def test_a_narrow_tower_stays_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {(dtype, 8): cost for dtype, cost in ((torch.float32, 1.0), (torch.bfloat16, 1.2))}
    set_costs(costs, monkeypatch)
    assert autotune(TimedBlock.of_tower(Tower()), torch.device("cpu"), [8]).dtype == torch.float32


def test_the_tower_is_not_changed() -> None:
    tower = Tower()
    before = tower.block.weight
    found = autotune(TimedBlock.of_tower(tower), torch.device("cpu"), [2, 4])
    assert found.chunk in (2, 4)
    assert found.seconds > 0
    assert tower.block.weight is before
    assert before.dtype == torch.float32


def test_candidates_of_a_device() -> None:
    assert candidates(torch.device("cpu")) == (torch.float32, torch.bfloat16)
    assert candidates(torch.device("mps")) == (torch.float32,)


def test_the_configuration_is_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured at every start, dtype or chunk could change, and with them cached results."""
    path = tmp_path / "config" / "tower.json"
    first = cached_config(path, TimedBlock.of_tower(Tower()), torch.device("cpu"))
    monkeypatch.setattr(module, "autotune", None)
    assert cached_config(path, TimedBlock.of_tower(Tower()), torch.device("cpu")) == first


@pytest.mark.parametrize("content", ["", "[]", '{"dtype": "torch.int8", "chunk": 8, "seconds": 1}', "{}"])
def test_an_invalid_cached_configuration_is_measured_again(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tower.json"
    path.write_text(content)
    found = cached_config(path, TimedBlock.of_tower(Tower()), torch.device("cpu"))
    assert found.chunk in module.CHUNKS["cpu"]
    assert cached_config(path, TimedBlock.of_tower(Tower()), torch.device("cpu")) == found
    assert [file.name for file in tmp_path.iterdir()] == ["tower.json"]
