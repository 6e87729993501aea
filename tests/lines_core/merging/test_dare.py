"""DARE: the same draw everywhere, the right share, the right mean."""

from collections.abc import Callable

import pytest
import torch

from lines_core.merging import dare, merge

PINNED = [1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1]


def kept(seed: int, drop: float = 0.5, numel: int = 100_000, count: int = 1) -> torch.Tensor:
    settings = {"drop": drop, "seed": float(seed)}
    return merge("dare", [torch.zeros(numel)] * (count - 1) + [torch.ones(numel)], settings)


def test_the_draw_is_pinned() -> None:
    """Whoever has this seed has these entries, on any machine: a change here changes published merges."""
    assert [int(value) // 2 for value in kept(0)[:24].tolist()] == PINNED


def test_splitmix_is_the_published_one() -> None:
    """First output of the reference implementation for this seed."""
    assert dare._mix(1234567) == 6457827717110365317


@pytest.mark.parametrize("drop", [0.1, 0.5, 0.9])
def test_the_share_that_is_kept_and_its_scale(drop: float) -> None:
    found = kept(1, drop)
    values = set(found.tolist())
    assert values == {0.0, torch.tensor(1 / (1 - drop)).item()}
    share = float(found.count_nonzero()) / len(found)
    assert abs(share - (1 - drop)) < 5 * (drop * (1 - drop) / len(found)) ** 0.5


def test_seeds_and_tasks_are_drawn_apart() -> None:
    """Two independent masks of one half agree on one half of the entries."""
    masks = [kept(seed, count=task).bool() for seed in (0, 1, 2**31 - 1) for task in (1, 2, 3)]
    for number, one in enumerate(masks):
        for other in masks[:number]:
            assert abs(float((one == other).float().mean()) - 0.5) < 5 * (0.25 / len(one)) ** 0.5
        assert abs(float((one[1:] == one[:-1]).float().mean()) - 0.5) < 5 * (0.25 / len(one)) ** 0.5


def test_the_mean_over_seeds_is_the_sum() -> None:
    vectors = [torch.tensor([1.0, -2.0, 0.5]), torch.tensor([3.0, 1.0, 0.0])]
    runs = [merge("dare", vectors, {"drop": 0.5, "seed": float(seed)}) for seed in range(2000)]
    mean = torch.stack(runs).mean(dim=0)
    spread = torch.stack(vectors).square().sum(dim=0).sqrt()  # p = 1/2: the variance is the sum of squares
    assert bool(((mean - merge("sum", vectors)).abs() < 5 * spread / 2000**0.5 + 1e-6).all())
    assert not torch.equal(runs[0], runs[1])


def test_a_longer_vector_begins_like_a_shorter_one(slice_of: Callable[[int], None]) -> None:
    long = kept(5)
    slice_of(999)
    assert torch.equal(kept(5, numel=5000), long[:5000])


def test_another_order_is_another_draw() -> None:
    vectors = [torch.ones(1000), torch.zeros(1000)]
    settings = {"drop": 0.5}
    assert not torch.equal(merge("dare", vectors, settings), merge("dare", vectors[::-1], settings))
