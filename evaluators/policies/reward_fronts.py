"""Fronts of two rewards over prompts: means with intervals, hypervolume with a bootstrap over the prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluators.specs.intervals import Z95
from evaluators.specs.pareto import hypervolume

RESAMPLES = 1_000
REFERENCE = (0.0, 0.0)
"""Corner of the hypervolume: a summary that earns nothing."""


@dataclass(frozen=True)
class Measured:
    """An estimate and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def mean_reward(rewards: Tensor) -> Measured:
    """Mean over prompts (N,), by the normal approximation, with N >= 2."""
    mean = float(rewards.mean())
    half = Z95 * float(rewards.std()) / len(rewards) ** 0.5
    return Measured(mean, mean - half, mean + half)


def hypervolumes(fronts: Sequence[Tensor], seed: int = 0) -> list[tuple[Measured, Measured]]:
    """Hypervolume of each front, and by how much it is more than that of the first one.

    Args:
        fronts: rewards (points, 2, N) on the same N prompts, so that the differences are paired.
        seed: of the resampled prompts.
    Returns: with 95 % percentile intervals of ``RESAMPLES`` resamples.
    """
    prompts = fronts[0].shape[-1]
    draws = torch.Generator().manual_seed(seed)
    everything = torch.arange(prompts)
    rows = [everything, *(torch.randint(prompts, (prompts,), generator=draws) for _ in range(RESAMPLES))]
    areas = torch.tensor([[_area(front[..., chosen]) for front in fronts] for chosen in rows])
    return [
        (_measured(areas[:, index]), _measured(areas[:, index] - areas[:, 0])) for index in range(len(fronts))
    ]


def _area(rewards: Tensor) -> float:
    return hypervolume([(x, y) for x, y in rewards.mean(-1).tolist()], REFERENCE)


def _measured(values: Tensor) -> Measured:
    low, high = torch.quantile(
        values[1:].double(), torch.tensor([0.025, 0.975], dtype=torch.float64)
    ).tolist()
    return Measured(float(values[0]), low, high)
