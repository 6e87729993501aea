"""Rewarded soups measured (Fig. 4): fronts on test prompts, and what improves them, on validation prompts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from evaluators.policies.live_llama import FOLDER
from evaluators.policies.reward_fronts import Measured, hypervolumes, mean_reward
from evaluators.policies.shipped_fronts import SCALE_OF, SHIPPED
from evaluators.policies.soup_setting import LINES, PLAIN, WEIGHTS, SoupSetting
from training.policies.depth_profile import depth_profile
from training.policies.measured_points import MeasuredPoints, Prompts

TEST, VALIDATION = 500, 300
"""Prompts."""
VALIDATED = Prompts("val", VALIDATION, sampled=True)
SAMPLES = 12
"""Test scenes whose summaries ship."""
COARSE = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""w of the fronts on validation prompts."""
LEVEL = (1.5, 0.0)
ALTERNATIVES = (
    PLAIN,
    LINES,
    LEVEL,
    (2.0, -1.0),
    (0.5, 0.5),
    (0.0, 1.0),
    (2.0, 0.0),
)
"""(alpha, beta): the plain soup; LiNeS; as strong on average as LiNeS, but level, and falling with depth; and
others."""
CONTROLS = ALTERNATIVES[:4]


@dataclass(frozen=True)
class Run:
    """Another training of the policies, which is compared.

    Args:
        folder: of its ``LiveLlama``.
        facts: what the report says of it, with a "title".
    """

    folder: Path
    facts: Mapping[str, Any]


def measure_rewarded(
    assets: Path, work: Path, final: Mapping[str, Any], runs: Sequence[Run]
) -> Iterator[str]:
    """Write ``report/rewarded.json`` in ``assets``; yields a line for each part.

    Args:
        work: folder for single points.
        final: facts of the policies that ship, as those of a ``Run``.
        runs: other trainings, whose fronts are compared on validation prompts.
    """
    points = MeasuredPoints(assets / FOLDER, work / "shipped")
    test = Prompts("test", TEST, sampled=True)
    fronts = {name: points.front(scale, WEIGHTS, test) for name, scale in SCALE_OF.items()}
    report: dict[str, Any] = {"prompts": TEST, "validation": VALIDATION}
    report["supervised"] = _means(points.point(SoupSetting(0.0, 0.0, 0.0), test)[0])
    report["fronts"] = _fronts({name: rewards for name, (rewards, _) in fronts.items()}, WEIGHTS)
    report["scenes"] = [
        {"scene": scene, **{name: [words[i] for words in said] for name, (_, said) in fronts.items()}}
        for i, scene in enumerate(test.scenes[:SAMPLES])
    ]
    yield f"test: {_gain(report['fronts']['lines'])}"
    likely = Prompts("test", TEST)
    greedy = {name: points.front(scale, WEIGHTS, likely)[0] for name, scale in SCALE_OF.items()}
    report["greedy"] = _fronts(greedy, WEIGHTS)
    report["greedy_supervised"] = _means(points.point(SoupSetting(0.0, 0.0, 0.0), likely)[0])
    yield f"test, most probable words: {_gain(report['greedy']['lines'])}"
    report["alternatives"] = _compared(points, ALTERNATIVES)
    report["coarse"] = list(COARSE)
    report["runs"] = []
    for run in (Run(assets / FOLDER, final), *runs):
        shipped = run.folder == assets / FOLDER
        found = _run(run, points if shipped else MeasuredPoints(run.folder, work / run.folder.name))
        report["runs"].append(found)
        yield f"{run.facts['title']}: {_gain(found['rows'][1])}"
    path = assets / SHIPPED
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _fronts(rewards: dict[str, Tensor], weights: Sequence[float]) -> dict[str, Any]:
    areas = hypervolumes(list(rewards.values()))
    return {
        name: {
            "points": [{"w": w} | _means(found) for w, found in zip(weights, front, strict=True)],
            "hypervolume": _rounded(area),
            "gain": _rounded(gain),
        }
        for (name, front), (area, gain) in zip(rewards.items(), areas, strict=True)
    }


def _run(run: Run, points: MeasuredPoints) -> dict[str, Any]:
    rows = _compared(points, CONTROLS)
    level, lines = (points.front(scale, COARSE, VALIDATED)[0] for scale in (LEVEL, LINES))
    depth = _rounded(hypervolumes([level, lines])[1][1])
    supervised = _means(points.point(SoupSetting(0.0, 0.0, 0.0), VALIDATED)[0])
    profile = depth_profile(run.folder, points, VALIDATED)
    return {**run.facts, "rows": rows, "depth": depth, "supervised": supervised, **profile}


def _compared(points: MeasuredPoints, scales: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    fronts = [points.front(scale, COARSE, VALIDATED)[0] for scale in scales]
    return [
        {
            "alpha": alpha,
            "beta": beta,
            "hypervolume": _rounded(area),
            "gain": _rounded(gain),
            "points": [_means(found) for found in front],
        }
        for (alpha, beta), front, (area, gain) in zip(scales, fronts, hypervolumes(fronts), strict=True)
    ]


def _means(rewards: Tensor) -> dict[str, list[float]]:
    return {
        name: _rounded(mean_reward(row)) for name, row in zip(("faithful", "preferred"), rewards, strict=True)
    }


def _rounded(measured: Measured) -> list[float]:
    return [round(value, 4) for value in astuple(measured)]


def _gain(entry: dict[str, Any]) -> str:
    value, low, high = entry["gain"]
    return f"hypervolume with LiNeS {value:+.4f} ({low:+.4f} to {high:+.4f})"
