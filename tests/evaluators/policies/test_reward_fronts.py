"""Means and hypervolumes of two rewards, with their intervals."""

import pytest
import torch

from evaluators.policies.reward_fronts import hypervolumes, mean_reward


def test_the_mean_has_the_interval_of_its_standard_error() -> None:
    mean = mean_reward(torch.tensor([0.0, 1.0] * 50))
    assert mean.value == pytest.approx(0.5)
    assert mean.high - mean.value == pytest.approx(1.96 * (25 / 99) ** 0.5 / 10, rel=1e-3)
    assert mean.value - mean.low == pytest.approx(mean.high - mean.value)


def test_a_hypervolume_is_the_area_of_the_means() -> None:
    """Two points, (1, 0.5) and (0.5, 1): 0.5 + 0.25, and a gain over itself of nothing."""
    front = torch.tensor([[1.0, 0.5], [0.5, 1.0]])[..., None].expand(2, 2, 10)
    [(area, gain)] = hypervolumes([front])
    assert (area.value, area.low, area.high) == pytest.approx((0.75, 0.75, 0.75))
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_a_gain_is_paired_over_the_prompts() -> None:
    """The second front is better by as much on every prompt: its gain is far surer than either area."""
    noise = torch.rand(1, 1, 200, generator=torch.Generator().manual_seed(3)) * 0.5
    first = noise.expand(1, 2, 200)
    (area, _), (_, gain) = hypervolumes([first, first + torch.tensor([[[0.1], [0.0]]])])
    assert gain.low > 0
    assert gain.high - gain.low < (area.high - area.low) / 3
