"""Trainings of the two policies that ship measured on validation scenes: what LiNeS does with each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.policies.reward_fronts import Measured
from evaluators.policies.soup_setting import DOUBLING, LEVEL, LINES, PLAIN


@dataclass(frozen=True)
class PolicyRun:
    """One training of both policies.

    Args:
        title: what is special about it, in words.
        facts: "supervised_steps", "steps", "rank", "rate" and "penalty" of the training.
        alone: own reward of each policy alone, by its name.
        plain: hypervolume of the plain soups.
        lines, doubling, level: by how much it is more with ``LINES``, ``DOUBLING`` and ``LEVEL``.
        depth: ``DOUBLING`` against ``LEVEL``, paired over the scenes.
        norms: norm of a policy's update over that of the weights, a number for each block.
        lost: by how much its own reward falls without the update of one block, a number for each block.
    """

    title: str
    facts: Mapping[str, float]
    alone: Mapping[str, Measured]
    plain: Measured
    lines: Measured
    doubling: Measured
    level: Measured
    depth: Measured
    norms: Mapping[str, Sequence[float]]
    lost: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class ScaledFront:
    """The front of the policies that ship at one (alpha, beta), on validation scenes.

    Args:
        hypervolume: its area.
        gain: by how much it is more than that of the plain soups.
        over_level: by how much it is more than that of the same strength in every block, where measured.
    """

    alpha: float
    beta: float
    hypervolume: Measured
    gain: Measured
    over_level: Measured | None

    @property
    def strength(self) -> float:
        """Mean factor of the blocks."""
        return self.alpha + self.beta / 2


def scaled_front(read: Mapping[str, Any]) -> ScaledFront:
    """From an entry "alternatives" of the report. Raises: as ``policy_run``."""
    return ScaledFront(
        alpha=float(read["alpha"]),
        beta=float(read["beta"]),
        hypervolume=Measured(*read["hypervolume"]),
        gain=Measured(*read["gain"]),
        over_level=Measured(*read["over_level"]) if "over_level" in read else None,
    )


def policy_run(read: Mapping[str, Any]) -> PolicyRun:
    """From an entry "runs" of the report. Raises: KeyError, TypeError or ValueError if one is damaged."""
    rows = {(row["alpha"], row["beta"]): row for row in read["rows"]}
    alone = {"faithful": rows[PLAIN]["points"][-1], "preferred": rows[PLAIN]["points"][0]}
    return PolicyRun(
        title=str(read["title"]),
        facts={name: float(read[name]) for name in ("supervised_steps", "steps", "rank", "rate", "penalty")},
        alone={name: Measured(*point[name]) for name, point in alone.items()},
        plain=Measured(*rows[PLAIN]["hypervolume"]),
        lines=Measured(*rows[LINES]["gain"]),
        doubling=Measured(*rows[DOUBLING]["gain"]),
        level=Measured(*rows[LEVEL]["gain"]),
        depth=Measured(*rows[DOUBLING]["over_level"]),
        norms={name: tuple(map(float, read["norms"][name])) for name in alone},
        lost={name: tuple(map(float, read["lost"][name])) for name in alone},
    )
