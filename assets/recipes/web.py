"""The pre-training web: captioned pictures drawn once into shards on disk, resumable shard by shard."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

from assets.recipes.world.draws import draw_web

SHARD = 8_000
PICTURES = 200_000


@dataclass(frozen=True)
class Web:
    """Captioned pictures in memory.

    Args:
        pixels: uint8 (N, 48, 48, 3).
        tokens: int16 (N, captions a picture, context length).
        meanings: int64 (N, captions a picture); equal numbers say the same thing.
    """

    pixels: Tensor
    tokens: Tensor
    meanings: Tensor

    def batch(self, step: int, size: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels, one caption's tokens and its meaning for a step; a function of step and seed."""
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        rows = torch.randint(len(self.pixels), (size,), generator=generator)
        which = torch.randint(self.tokens.shape[1], (size,), generator=generator)
        return self.pixels[rows], self.tokens[rows, which].long(), self.meanings[rows, which]


def _number(meaning: tuple[str, ...]) -> int:
    digest = hashlib.blake2b("/".join(meaning).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _draw_shard(path: Path, first: int, tokenizer: SimpleTokenizer) -> None:
    drawn = [draw_web(index) for index in range(first, first + SHARD)]
    texts = [caption.text for _, captions in drawn for caption in captions]
    tokens = tokenizer(texts).to(torch.int16).view(SHARD, -1, tokenizer.context_length)
    meanings = np.array([[_number(caption.meaning) for caption in captions] for _, captions in drawn])
    part = path.with_suffix(".part.npz")
    np.savez(part, pixels=np.stack([pixels for pixels, _ in drawn]), tokens=tokens.numpy(), meanings=meanings)
    os.replace(part, path)


def draw_web_shards(folder: Path, tokenizer: SimpleTokenizer, workers: int) -> Iterator[str]:
    """Draw the shards that are missing in ``folder``; yields one line a shard."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [first for first in range(0, PICTURES, SHARD) if not (folder / f"{first:07d}.npz").exists()]
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(_draw_shard, folder / f"{first:07d}.npz", first, tokenizer) for first in missing]
        for first, job in zip(missing, jobs, strict=True):
            job.result()
            yield f"web pictures {first} to {first + SHARD} drawn"


def load_web(folder: Path) -> Web:
    """All shards of ``folder`` as one value."""
    shards = [np.load(path) for path in sorted(folder.glob("[0-9]*.npz"))]
    join = {name: torch.from_numpy(np.concatenate([shard[name] for shard in shards])) for name in shards[0]}
    return Web(join["pixels"], join["tokens"], join["meanings"])
