"""Pre-training data: captioned images, drawn once into shards on disk; resumable shard by shard."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

from lines_core.atomic_write import atomic_write
from training.world.catalogue import FAMILIES
from training.world.draws import draw_web

SHARD = 8_000
IMAGES = 240_000
PLAIN_FIRST = 0.8
"""Share of images that come with a caption without details, if they have one."""


@dataclass(frozen=True)
class Batch:
    """Images with one caption each.

    Args:
        pixels: uint8 (N, 48, 48, 3).
        tokens: int64 (N, context length).
        same: bool (N, N), captions i and j say the same: j counts as i's own.
        unclear: bool (N, N), caption j is true of image i but says less or more than i's own: it is
            neither an answer nor a wrong answer.
    """

    pixels: Tensor
    tokens: Tensor
    same: Tensor
    unclear: Tensor


@dataclass(frozen=True)
class Web:
    """Captioned images in memory.

    Args:
        pixels: uint8 (N, 48, 48, 3).
        families: int64 (N,), position of the family.
        labels: int64 (N,), within the family.
        tokens: int16 (N, captions per image, context length).
        meanings: int64 (N, captions per image); equal numbers say the same thing.
        generic: bool (N, captions per image), the caption names the family only.
        plain: bool (N, captions per image), the caption tells no details.
    """

    pixels: Tensor
    families: Tensor
    labels: Tensor
    tokens: Tensor
    meanings: Tensor
    generic: Tensor
    plain: Tensor

    @cached_property
    def _members(self) -> list[Tensor]:
        return [torch.nonzero(self.families == family).flatten() for family in range(len(FAMILIES))]

    def batch(self, step: int, size: int, seed: int, families: int) -> Batch:
        """The batch of a step, a function of step and seed.

        Args:
            families: all images come from so many families, chosen by their number of images: what lies
                side by side is then hard to tell apart.
        """
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        counts = torch.tensor([float(len(members)) for members in self._members])
        chosen = torch.multinomial(counts, families, generator=generator).tolist()
        pool = torch.cat([self._members[family] for family in chosen])
        rows = pool[torch.randint(len(pool), (size,), generator=generator)]
        which = self._choose_captions(rows, generator)
        meanings = self.meanings[rows, which]
        same = meanings[:, None] == meanings[None, :]
        unclear = self._true_captions(rows, which) & ~same
        return Batch(self.pixels[rows], self.tokens[rows, which].long(), same, unclear)

    def _choose_captions(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """One caption an image: any of them, or for a share ``PLAIN_FIRST`` a plain one if there is one."""
        order = torch.rand(len(rows), self.tokens.shape[1], generator=generator)
        prefer = torch.rand(len(rows), 1, generator=generator) < PLAIN_FIRST
        return (order + (prefer & self.plain[rows])).argmax(dim=1)

    def _true_captions(self, rows: Tensor, which: Tensor) -> Tensor:
        """(N, N): caption j is certainly true of image i, because it tells no details."""
        family, label = self.families[rows], self.labels[rows]
        same_family = family[:, None] == family[None, :]
        same_label = same_family & (label[:, None] == label[None, :])
        generic, plain = self.generic[rows, which], self.plain[rows, which]
        return plain[None, :] & torch.where(generic[None, :], same_family, same_label)


def _number(meaning: tuple[str, ...]) -> int:
    digest = hashlib.blake2b("/".join(meaning).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _draw_shard(path: Path, first: int, tokenizer: SimpleTokenizer) -> None:
    drawn = [draw_web(index) for index in range(first, first + SHARD)]
    texts = [caption.text for image in drawn for caption in image.captions]
    arrays = {
        "pixels": np.stack([image.pixels for image in drawn]),
        "families": np.array([list(FAMILIES).index(image.family) for image in drawn]),
        "labels": np.array([image.label for image in drawn]),
        "tokens": tokenizer(texts).to(torch.int16).view(SHARD, -1, tokenizer.context_length).numpy(),
        "meanings": np.array([[_number(caption.meaning) for caption in image.captions] for image in drawn]),
        "generic": np.array([[caption.generic for caption in image.captions] for image in drawn]),
        "plain": np.array([[caption.plain for caption in image.captions] for image in drawn]),
    }

    def save(part: Path) -> None:
        with part.open("wb") as stream:  # given a path, np.savez appends .npz to it
            np.savez(stream, **arrays)

    atomic_write(path, save)


def draw_web_shards(folder: Path, tokenizer: SimpleTokenizer, workers: int) -> Iterator[str]:
    """Draw the shards that are missing in ``folder``; yields one line a shard."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [first for first in range(0, IMAGES, SHARD) if not (folder / f"{first:07d}.npz").exists()]
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(_draw_shard, folder / f"{first:07d}.npz", first, tokenizer) for first in missing]
        for first, job in zip(missing, jobs, strict=True):
            job.result()
            yield f"web images {first} to {first + SHARD} drawn"


def load_web(folder: Path) -> Web:
    """All shards of ``folder`` as one value."""
    shards = [np.load(path) for path in sorted(folder.glob("[0-9]*.npz"))]
    return Web(
        **{name: torch.from_numpy(np.concatenate([shard[name] for shard in shards])) for name in shards[0]}
    )
