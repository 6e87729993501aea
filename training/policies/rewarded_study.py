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
from evaluators.policies.soup_setting import DOUBLING, LEVEL, LINES, PLAIN, WEIGHTS, SoupSetting
from training.policies.depth_profile import depth_profile
from training.policies.measured_points import MeasuredPoints, Prompts

TEST, VALIDATION = 500, 300
"""Prompts."""
TESTED = Prompts("test", TEST, sampled=True)
VALIDATED = Prompts("val", VALIDATION, sampled=True)
SAMPLES = 12
"""Test scenes whose summaries ship."""
COARSE = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""w of the fronts on validation prompts, and of the most probable words on test prompts."""
CONTROLS = (PLAIN, LINES, DOUBLING, LEVEL)
"""Scales (alpha, beta) of every training."""
FALLING = (1.5, -1.0)
"""As strong on average as the plain soup, falling with depth."""
ALTERNATIVES = (*CONTROLS, FALLING, (0.75, 0.0), (0.5, 0.5), (0.5, 0.0), (0.25, 0.5))
"""Scales of the policies that ship: level and rising with depth at four strengths."""


@dataclass(frozen=True)
class Run:
    """Another training of the policies, which is compared.

    Args:
        folder: of its ``LiveLlama``.
        facts: what the report says of it, with a "title".
        on_test: whether ``DOUBLING`` is measured on test prompts too.
    """

    folder: Path
    facts: Mapping[str, Any]
    on_test: bool = False


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
    fronts = {name: points.front(scale, WEIGHTS, TESTED) for name, scale in SCALE_OF.items()}
    report: dict[str, Any] = {"prompts": TEST, "validation": VALIDATION}
    report["supervised"] = _means(points.point(SoupSetting(0.0, 0.0, 0.0), TESTED)[0])
    report["fronts"] = _fronts({name: rewards for name, (rewards, _) in fronts.items()}, WEIGHTS)
    report["scenes"] = [
        {"scene": scene, **{name: [words[i] for words in said] for name, (_, said) in fronts.items()}}
        for i, scene in enumerate(TESTED.scenes[:SAMPLES])
    ]
    yield f"test: {_gain(report['fronts']['lines'])}"
    likely = Prompts("test", TEST)
    greedy = {name: points.front(scale, COARSE, likely)[0] for name, scale in SCALE_OF.items()}
    report["greedy"] = _fronts(greedy, COARSE)
    yield f"test, most probable words: {_gain(report['greedy']['lines'])}"
    report["alternatives"] = _compared(points, ALTERNATIVES, VALIDATED)
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
    rows = _compared(points, CONTROLS, VALIDATED)
    test = {"test": _compared(points, (PLAIN, DOUBLING, LEVEL), TESTED)} if run.on_test else {}
    supervised = _means(points.point(SoupSetting(0.0, 0.0, 0.0), VALIDATED)[0])
    profile = depth_profile(run.folder, points, VALIDATED)
    return {**run.facts, "rows": rows, "supervised": supervised, **test, **profile}


def _compared(
    points: MeasuredPoints, scales: Sequence[tuple[float, float]], prompts: Prompts
) -> list[dict[str, Any]]:
    """Each scale against the first, and against the level one that is as strong on average, if measured."""
    fronts = {scale: points.front(scale, COARSE, prompts)[0] for scale in scales}
    rows: list[dict[str, Any]] = []
    for (scale, front), (area, gain) in zip(fronts.items(), hypervolumes(list(fronts.values())), strict=True):
        level = (scale[0] + scale[1] / 2, 0.0)
        row: dict[str, Any] = {
            "alpha": scale[0],
            "beta": scale[1],
            "hypervolume": _rounded(area),
            "gain": _rounded(gain),
        }
        if level in fronts and level != scale:
            row["over_level"] = _rounded(hypervolumes([fronts[level], front])[1][1])
        rows.append(row | {"points": [_means(found) for found in front]})
    return rows


def _means(rewards: Tensor) -> dict[str, list[float]]:
    return {
        name: _rounded(mean_reward(row)) for name, row in zip(("faithful", "preferred"), rewards, strict=True)
    }


def _rounded(measured: Measured) -> list[float]:
    return [round(value, 4) for value in astuple(measured)]


def _gain(entry: dict[str, Any]) -> str:
    value, low, high = entry["gain"]
    return f"hypervolume with LiNeS {value:+.4f} ({low:+.4f} to {high:+.4f})"
