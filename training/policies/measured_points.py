"""Rewards of single soups, measured once: a file each in the work folder, so that it can be resumed."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from evaluators.policies.live_llama import LiveLlama
from evaluators.policies.scene_facts import draw_scene
from evaluators.policies.soup_setting import SoupSetting
from evaluators.policies.summary_rewards import faithful, preferred

BATCH = 125


@dataclass(frozen=True)
class Prompts:
    """The first scenes of a split, and how words are chosen.

    Args:
        sampled: words are drawn at temperature 1 with one seed; else the most probable ones.
    """

    split: str
    count: int
    sampled: bool = False

    @property
    def scenes(self) -> list[str]:
        """The scenes."""
        return [draw_scene(self.split, number) for number in range(self.count)]


class MeasuredPoints:
    """Soups of one model folder.

    Args:
        folder: of a ``LiveLlama``, which is read if a point is missing.
        kept: folder for the points.
    """

    def __init__(self, folder: Path, kept: Path) -> None:
        self._folder = folder
        self._kept = kept
        kept.mkdir(parents=True, exist_ok=True)

    @cached_property
    def _llama(self) -> LiveLlama:
        return LiveLlama(self._folder)

    def point(self, setting: SoupSetting, prompts: Prompts) -> tuple[Tensor, list[str]]:
        """Both rewards (2, N) of a soup's summaries, and the summaries."""
        name = f"{setting.w:g}-{setting.alpha:g}-{setting.beta:g}"
        return self._kept_or_said(name, prompts, lambda llama: llama.write(setting))

    def without_block(self, w: float, block: int, prompts: Prompts) -> Tensor:
        """Both rewards (2, N) of a plain soup that leaves one block, counted from 0, as it was."""

        def write(llama: LiveLlama) -> None:
            scales = torch.ones(llama.num_blocks, dtype=torch.float64)
            scales[block] = 0.0
            llama.write_scaled(w, scales)

        return self._kept_or_said(f"{w:g}-without-{block}", prompts, write)[0]

    def _kept_or_said(
        self, name: str, prompts: Prompts, write: Callable[[LiveLlama], None]
    ) -> tuple[Tensor, list[str]]:
        drawn = "-sampled" if prompts.sampled else ""
        path = self._kept / f"{prompts.split}-{prompts.count}{drawn}-{name}.pt"
        if not path.exists():
            scenes, said = prompts.scenes, list[str]()
            draws = torch.Generator().manual_seed(0) if prompts.sampled else None
            write(self._llama)
            for first in range(0, len(scenes), BATCH):
                said += self._llama.summaries(scenes[first : first + BATCH], draws)
            pairs = list(zip(scenes, said, strict=True))
            rewards = torch.tensor([[reward(*pair) for pair in pairs] for reward in (faithful, preferred)])
            partial = path.with_suffix(f".{os.getpid()}")
            torch.save({"rewards": rewards, "said": said}, partial)
            os.replace(partial, path)
        read = torch.load(path, weights_only=True)
        return read["rewards"], read["said"]

    def front(
        self, scale: tuple[float, float], weights: Sequence[float], prompts: Prompts
    ) -> tuple[Tensor, list[list[str]]]:
        """Rewards (W, 2, N) at each w, and the summaries."""
        points = [self.point(SoupSetting(w, *scale), prompts) for w in weights]
        return torch.stack([rewards for rewards, _ in points]), [said for _, said in points]
