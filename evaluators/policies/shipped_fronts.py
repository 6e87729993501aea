"""Rewarded soups that ship measured: both fronts on test prompts, and the summaries of some scenes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.errors import LabError
from evaluators.policies.policy_runs import PolicyRun, ScaledFront, policy_run, scaled_front
from evaluators.policies.reward_fronts import Measured
from evaluators.policies.soup_setting import LINES, PLAIN, WEIGHTS, SoupSetting

SHIPPED = Path("report") / "rewarded.json"
"""In the folder of assets; written by ``python -m training policies``."""
SCALE_OF = {"plain": PLAIN, "lines": LINES}


@dataclass(frozen=True)
class RewardPair:
    """Means of both rewards over prompts."""

    faithful: Measured
    preferred: Measured


@dataclass(frozen=True)
class RewardFront:
    """A front.

    Args:
        points: one for each w.
        hypervolume: its area.
        gain: by how much the area is more than the plain soups'.
    """

    points: tuple[RewardPair, ...]
    hypervolume: Measured
    gain: Measured


@dataclass(frozen=True)
class ShippedScene:
    """A test scene and its summaries by name of the front, one for each w."""

    scene: str
    summaries: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class RewardedSoups:
    """What ships measured.

    Args:
        prompts: test prompts of each point.
        supervised: the model before any reward.
        fronts: "plain" and "lines" over ``WEIGHTS``, words drawn at temperature 1.
        likely: the same at fewer w, with the most probable words.
        scenes: the first test scenes.
        validated: validation scenes of each of ``runs``.
        scaled: the policies that ship at other alpha and beta.
        runs: trainings of the policies that were compared, first the one that ships.
    """

    prompts: int
    supervised: RewardPair
    fronts: Mapping[str, RewardFront]
    likely: Mapping[str, RewardFront]
    scenes: tuple[ShippedScene, ...]
    validated: int
    scaled: tuple[ScaledFront, ...]
    runs: tuple[PolicyRun, ...]

    def place(self, setting: SoupSetting) -> tuple[str, int] | None:
        """(front, position of w) of a setting that ships, else None."""
        names = [name for name, scale in SCALE_OF.items() if scale == (setting.alpha, setting.beta)]
        near = [index for index, w in enumerate(WEIGHTS) if abs(w - setting.w) < 1e-9]
        return (names[0], near[0]) if names and near else None


def read_rewarded(assets: Path) -> RewardedSoups:
    """What ships in a folder of assets. Raises: LabError if the file is absent or damaged."""
    path = assets / SHIPPED
    try:
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        fronts, likely = (
            {name: _front(read[key][name]) for name in SCALE_OF} for key in ("fronts", "greedy")
        )
        scenes = tuple(
            ShippedScene(one["scene"], {name: tuple(one[name]) for name in SCALE_OF})
            for one in read["scenes"]
        )
        found = RewardedSoups(
            prompts=read["prompts"],
            supervised=_pair(read["supervised"]),
            fronts=fronts,
            likely=likely,
            scenes=scenes,
            validated=read["validation"],
            scaled=tuple(map(scaled_front, read["alternatives"])),
            runs=tuple(map(policy_run, read["runs"])),
        )
        complete = all(len(front.points) == len(WEIGHTS) for front in fronts.values())
        complete &= all(len(said) == len(WEIGHTS) for scene in scenes for said in scene.summaries.values())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(
            f"{path} cannot be read: {error!r}. `python -m training policies` writes it."
        ) from error
    if not complete:
        raise LabError(f"{path} does not have a point for each of the {len(WEIGHTS)} weights w.")
    return found


def _front(read: Mapping[str, Any]) -> RewardFront:
    points = tuple(map(_pair, read["points"]))
    return RewardFront(points, Measured(*read["hypervolume"]), Measured(*read["gain"]))


def _pair(read: Mapping[str, Any]) -> RewardPair:
    return RewardPair(Measured(*read["faithful"]), Measured(*read["preferred"]))
