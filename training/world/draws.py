"""Reproducible draws: an image is a function of purpose, data set and index, nothing else.

Purposes never share random streams, so "pretrain", "train", "val" and "test" are disjoint by seed.
"""

import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from training.world.captions import Caption, write_caption
from training.world.catalogue import FAMILIES, web_sample
from training.world.settings import SETTINGS

CAPTIONS_PER_IMAGE = 3
TWICE = ("objects", "textures", "vehicles")


def stream(purpose: str, key: str, index: int) -> random.Random:
    """The random stream of one image; seeding by string is the same on every platform."""
    return random.Random(f"lines-world-1/{purpose}/{key}/{index}")


def draw_task(key: str, split: str, index: int) -> tuple[NDArray[np.uint8], int]:
    """Image ``index`` of a data set's split, (48, 48, 3) uint8, and its label; labels go round in turn."""
    setting = SETTINGS[key]
    label = index % len(setting.family.concepts)
    return setting.sample(label, stream(split, key, index)), label


@dataclass(frozen=True)
class WebImage:
    """One image of the pre-training web.

    Args:
        pixels: uint8 (48, 48, 3).
        family, label: what it shows.
        captions: ``CAPTIONS_PER_IMAGE`` truthful ones.
    """

    pixels: NDArray[np.uint8]
    family: str
    label: int
    captions: tuple[Caption, ...]


def draw_web(index: int) -> WebImage:
    """Image ``index`` of the pre-training web; families go round in turn, those hard to learn twice."""
    keys = (*FAMILIES, *TWICE)
    key = keys[index % len(keys)]
    rng = stream("pretrain", key, index)
    family = FAMILIES[key]
    label = rng.randrange(len(family.concepts))
    pixels, details = web_sample(key, label, rng)
    captions = tuple(write_caption(family, label, details, rng) for _ in range(CAPTIONS_PER_IMAGE))
    return WebImage(pixels, key, label, captions)


def draw_split(
    key: str, split: str, count: int, workers: int = 1
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The first ``count`` images of a split: (count, 48, 48, 3) uint8 and labels (count,)."""
    with ProcessPoolExecutor(workers) as pool:
        drawn = list(pool.map(partial(draw_task, key, split), range(count), chunksize=256))
    return np.stack([pixels for pixels, _ in drawn]), np.array([label for _, label in drawn], dtype=np.int64)
