"""Rewarded soups measured (Fig. 4): fronts on test prompts, and what improves them, on validation prompts."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from evaluators.policies.live_llama import LiveLlama
from evaluators.policies.reward_fronts import Measured, hypervolumes, mean_reward
from evaluators.policies.scene_facts import draw_scene
from evaluators.policies.shipped_fronts import SCALE_OF
from evaluators.policies.soup_setting import LINES, PLAIN, WEIGHTS, SoupSetting
from evaluators.policies.summary_rewards import faithful, preferred

FILE = "rewarded.json"
TEST, VALIDATION = 500, 150
"""Prompts."""
SAMPLES = 12
"""Test scenes whose summaries ship."""
BATCH = 125
COARSE = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""w of the fronts on validation prompts."""
ALTERNATIVES = (
    PLAIN,
    LINES,
    (1.5, 0.0),
    (2.0, -1.0),
    (0.5, 0.5),
    (0.0, 1.0),
    (2.0, 0.0),
)
"""(alpha, beta): the plain soup; LiNeS; as strong on average as LiNeS, but level, and falling with depth; and
others."""
CONTROLS = ALTERNATIVES[:4]


def rewards_of(
    llama: LiveLlama, scenes: Sequence[str], draws: torch.Generator | None = None
) -> tuple[Tensor, list[str]]:
    """Both rewards (2, N) of the live weights' summaries, and the summaries."""
    said: list[str] = []
    for first in range(0, len(scenes), BATCH):
        said += llama.summaries(scenes[first : first + BATCH], draws)
    pairs = list(zip(scenes, said, strict=True))
    return torch.tensor([[faithful(*pair) for pair in pairs], [preferred(*pair) for pair in pairs]]), said


def front_of(
    llama: LiveLlama,
    scenes: Sequence[str],
    scale: tuple[float, float],
    weights: Sequence[float],
    sampled: bool = False,
) -> tuple[Tensor, list[list[str]]]:
    """Rewards (W, 2, N) at each w, and the summaries."""
    rewards, said = [], []
    for w in weights:
        llama.write(SoupSetting(w, *scale))
        found, words = rewards_of(llama, scenes, torch.Generator().manual_seed(0) if sampled else None)
        rewards.append(found)
        said.append(words)
    return torch.stack(rewards), said


def measure_rewarded(assets: Path, runs: Sequence[tuple[str, Path]]) -> Iterator[str]:
    """Write ``report/rewarded.json`` in ``assets``; yields a line for each part.

    Args:
        runs: title and model folder of other trainings of the policies, whose fronts are compared.
    """
    llama = LiveLlama(assets / "tiny_llama")
    test = [draw_scene("test", number) for number in range(TEST)]
    validation = [draw_scene("val", number) for number in range(VALIDATION)]
    fronts = {name: front_of(llama, test, scale, WEIGHTS) for name, scale in SCALE_OF.items()}
    rewards = [front[0] for front in fronts.values()]
    report: dict[str, Any] = {"prompts": TEST, "validation": VALIDATION, "blocks": llama.num_blocks}
    llama.write(SoupSetting(0.0, 0.0, 0.0))
    report["supervised"] = _means(rewards_of(llama, test)[0])
    report["fronts"] = _fronts(dict(zip(fronts, rewards, strict=True)), WEIGHTS)
    report["scenes"] = [
        {"scene": test[i], **{name: [words[i] for words in said] for name, (_, said) in fronts.items()}}
        for i in range(SAMPLES)
    ]
    yield f"test: {_gain(report['fronts']['lines'])}"
    sampled = {
        name: front_of(llama, test, scale, COARSE, sampled=True)[0] for name, scale in SCALE_OF.items()
    }
    report["sampled"] = _fronts(sampled, COARSE)
    yield f"test, sampled words: {_gain(report['sampled']['lines'])}"
    report["alternatives"] = _compared(llama, validation, ALTERNATIVES)
    report["coarse"] = list(COARSE)
    yield "alternatives on validation"
    report["runs"] = []
    for title, folder in runs:
        rows = _compared(LiveLlama(folder), validation, CONTROLS)
        report["runs"].append({"title": title, "rows": rows})
        yield f"{title}: {_gain(rows[1])}"
    path = assets / "report" / FILE
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


def _compared(
    llama: LiveLlama, scenes: Sequence[str], scales: Sequence[tuple[float, float]]
) -> list[dict[str, Any]]:
    fronts = [front_of(llama, scenes, scale, COARSE)[0] for scale in scales]
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
