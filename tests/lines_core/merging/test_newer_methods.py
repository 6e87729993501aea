"""PCB merging, SCE, DELLA and Model Stock against their rules in numpy, and what the rules leave open."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging import merge, stopped_by
from tests.lines_core.merging.whole_matrix import elected, splitmix

Matrix = NDArray[np.float64]
SHAPES = [(17, 30), (493,)]


def matrix_of(taus: list[Tensor]) -> Matrix:
    return torch.stack(taus).double().numpy()


def same(found: Tensor, expected: Matrix) -> bool:
    assert np.count_nonzero(expected) > 100
    return torch.allclose(found, torch.from_numpy(expected).float(), rtol=1e-4, atol=1e-7)


def pcb(matrix: Matrix, ratio: float) -> Matrix:
    """Every formula of the paper on the whole matrix, sorted."""
    tasks, numel = matrix.shape
    magnitudes = np.sort(np.abs(matrix), axis=1)
    low, high = magnitudes[:, [int(numel * 1e-4)]], magnitudes[:, [int(numel * (1 - 1e-4) - 1)]]
    clipped = np.clip(np.abs(matrix), low, high)
    scores = np.exp(tasks * ((clipped - low) / (high - low)) ** 2) * np.tanh(matrix * matrix.sum(axis=0))
    cut = np.maximum(0.0, np.sort(scores, axis=1)[:, [int(numel * (1 - ratio))]])
    weights = (np.maximum(scores, cut) - cut) / (scores.max(axis=1, keepdims=True) - cut)
    total = (weights * np.sign(matrix) * clipped).sum(axis=0)
    return np.asarray(total / np.maximum(weights.sum(axis=0), 1e-12))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.5])
def test_pcb(ratio: float, threads: int, ordinary: list[Tensor], request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("torch_threads")(threads)
    taus = [100 * tau for tau in ordinary]
    found = merge("pcb", taus, {"ratio": ratio})
    expected = pcb(matrix_of(taus), ratio)
    assert torch.allclose(found, torch.from_numpy(expected).float(), rtol=1e-4, atol=1e-6)
    assert np.count_nonzero(expected) >= int(ratio * 1003) - 5
    request.getfixturevalue("slice_of")(100)
    assert torch.equal(merge("pcb", taus, {"ratio": ratio}), found)
    assert torch.equal(merge("pcb", [-tau for tau in taus], {"ratio": ratio}), -found)


def test_pcb_of_zeros_and_of_equal_entries() -> None:
    assert not merge("pcb", [torch.zeros(9)] * 2).any()
    assert not merge("pcb", [torch.ones(9)] * 2).any(), "nobody wins a tie of all"
    rising = merge("pcb", [torch.zeros(9), torch.arange(9.0) / 8], {"ratio": 0.2})
    assert rising.tolist() == [0.0] * 8 + [0.875], "the largest is clipped"


def sce(taus: Matrix, select: float) -> Matrix:
    if select < 1:
        variance = taus.var(axis=0)
        count = int(select * np.count_nonzero(variance))
        taus = taus * (variance >= np.sort(variance)[-count])
    shares = (taus**2).sum(axis=1) / (taus**2).sum()
    weights = shares[:, None] * (np.sign(taus) == np.where(taus.sum(axis=0) >= 0, 1, -1))
    total = weights.sum(axis=0)
    return np.asarray((weights * taus).sum(axis=0) / np.where(total == 0, 1, total))


@pytest.mark.parametrize("select", [0.1, 0.5, 1.0])
def test_sce(select: float, ordinary: list[Tensor]) -> None:
    found = merge("sce", ordinary, {"select": select}, shapes=SHAPES)
    matrix = matrix_of(ordinary)
    parts = [sce(matrix[:, :510], select), sce(matrix[:, 510:], select)]
    assert torch.allclose(found, torch.from_numpy(np.concatenate(parts)).float(), rtol=1e-5, atol=1e-9)
    assert np.count_nonzero(parts[0]) >= int(510 * select)


def test_sce_where_entries_cancel_or_are_all_zero() -> None:
    one, other = torch.tensor([1.0, 2.0, 0.0]), torch.tensor([-1.0, 2.0, 0.0])
    assert merge("sce", [one, other], shapes=[(3,)]).tolist() == [1.0, 2.0, 0.0], "plus, as mergekit"
    assert not merge("sce", [one, other], {"select": 0.0}, shapes=[(3,)]).any()
    assert not merge("sce", [torch.zeros(3)] * 2, shapes=[(3,)]).any()
    assert torch.equal(merge("sce", [one], shapes=[(3,)]), one)


def della(row: Matrix, task: int, first: int, density: float, epsilon: float, seed: int) -> Matrix:
    """One row of one task as DELLA leaves it, entry by entry."""
    found = np.zeros_like(row)
    order = list(np.argsort(np.abs(row), kind="stable"))
    for place, entry in enumerate(row):
        likely = density - epsilon + 2 * epsilon * order.index(place) / (len(row) - 1)
        drawn = splitmix(seed, task, first + place) / 2**64
        found[place] = entry / likely if (drawn + 0.5) % 1 < likely else 0.0
    return found


@pytest.mark.parametrize("agg", [0.0, 1.0])
def test_della(agg: float, ordinary: list[Tensor]) -> None:
    settings = {"density": 0.4, "epsilon": 0.2, "seed": 5.0, "agg": agg}
    found = merge("della", ordinary, settings, shapes=SHAPES)
    matrix = matrix_of(ordinary)
    rows = [slice(start, start + 30) for start in range(0, 510, 30)] + [slice(510, 1003)]
    left = np.zeros_like(matrix)
    for task in range(len(matrix)):
        for row in rows:
            left[task, row] = della(matrix[task, row], task, row.start, 0.4, 0.2, 5)
    assert same(found, elected(left, "sum" if agg else "mean"))


@pytest.mark.parametrize(("density", "epsilon"), [(0.1, 0.1), (0.9, 0.2)])
def test_della_refuses_probabilities_out_of_range(density: float, epsilon: float) -> None:
    with pytest.raises(MergeError, match="density - epsilon must be above 0 and density"):
        merge("della", [torch.ones(4)], {"density": density, "epsilon": epsilon}, shapes=[(4,)])


def test_model_stock() -> None:
    one, other = torch.tensor([1.0, 0.0, 2.0, 2.0]), torch.tensor([1.0, 1.0, 2.0, -2.0])
    found = merge("model-stock", [one, other], shapes=[(2,), (2,)])
    cosine = 2**-0.5
    share = 2 * cosine / (1 + cosine)
    assert found.tolist() == pytest.approx([share, share / 2, 0.0, 0.0])
    third = merge("model-stock", [one, one, one], shapes=[(4,)])
    assert torch.allclose(third, one)
    assert torch.equal(merge("model-stock", [one], shapes=[(4,)]), one)
    assert not merge("model-stock", [one, -one, 0 * one], shapes=[(4,)]).any()


@pytest.mark.parametrize("key", ["pcb", "sce", "della", "model-stock"])
def test_they_stop_and_refuse_what_is_not_finite(key: str, ordinary: list[Tensor]) -> None:
    class Enough(Exception):
        pass

    def check() -> None:
        raise Enough

    with pytest.raises(Enough), stopped_by(check):
        merge(key, ordinary, shapes=SHAPES)
    ordinary[2][7] = torch.nan
    with pytest.raises(MergeError, match="holds NaN or infinity"):
        merge(key, ordinary, shapes=SHAPES)
