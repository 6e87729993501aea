"""Data sets for the local Hub whose images carry their number, and their subsets."""

import io
import tarfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from evaluators.hub.images.hub_subset import HubSubset, cached_hub_subset, hub_subset
from evaluators.hub.transfer.http_client import Timeouts
from evaluators.zoo.public_tasks import HubTask
from tests.hub.server import Hub

SIZE = 16
QUICK = Timeouts(attempts=3, pause=0.05)
CLASSES = tuple(f"class {number}" for number in range(10))


def task_of(**rest: Any) -> HubTask:
    values: dict[str, Any] = {
        "key": "digits",
        "title": "Digits",
        "repo": "owner/digits",
        "test_size": 400,
        "train_size": 400,
        "classes": CLASSES,
        "prompts": ("a photo of a {}.",),
    }
    return HubTask(**values | rest)


@cache
def image(number: int, label: int, side: int = SIZE, mode: str = "RGB", kind: str = "PNG") -> bytes:
    """A noisy image that says its number and label: pixel (0, 0) and (1, 0), where nothing is resized."""
    pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
    pixels[0, 0] = (number // 256, number % 256, label)
    packed = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(packed, kind)
    return packed.getvalue()


def numbers(found: HubSubset) -> list[int]:
    """Which images these are, by what their first pixel says."""
    first = found.subset.images[:, :, 0, 0].long()
    assert torch.equal(first[:, 2], found.subset.labels)
    return (first[:, 0] * 256 + first[:, 1]).tolist()


def write_parquet(
    hub: Hub,
    labels: Sequence[int],
    *,
    repo: str = "owner/digits",
    split: str = "test",
    folder: str = "data",
    shards: int = 1,
    group: int = 20,
    side: int = SIZE,
    label: Any = None,
    column: str = "image",
) -> list[Path]:
    """Shards as ``push_to_hub`` writes them, ``group`` rows a row group."""
    import datasets

    label = label or datasets.ClassLabel(names=list(CLASSES))
    features = datasets.Features({column: datasets.Image(), "label": label})
    rows = list(enumerate(labels))
    size = -(-len(rows) // shards)
    paths = []
    for shard in range(shards):
        part = rows[shard * size : (shard + 1) * size]
        images = [{"bytes": image(number, int(value), side), "path": None} for number, value in part]
        table = datasets.Dataset.from_dict(
            {column: images, "label": [value for _, value in part]}, features=features
        )
        path = hub.folder(repo, "dataset") / folder / f"{split}-{shard:05}-of-{shards:05}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(path, batch_size=group)
        paths.append(path)
    return paths


def write_tars(
    hub: Hub, labels: Sequence[int], tars: int = 2, repo: str = "owner/digits", mtime: float = 0
) -> None:
    """As clip-benchmark lays them out; a time with a fraction gives each member two headers."""
    folder = hub.folder(repo, "dataset")
    (folder / "test").mkdir()
    (folder / "classnames.txt").write_text("\n".join(CLASSES))
    (folder / "test" / "nshards.txt").write_text(f"{tars}\n")
    size = -(-len(labels) // tars)
    for tar_number in range(tars):
        with tarfile.open(folder / "test" / f"{tar_number}.tar", "w") as tar:
            for number in range(tar_number * size, min(len(labels), (tar_number + 1) * size)):
                for field, content in (
                    ("cls", str(labels[number]).encode()),
                    ("jpg", image(number, labels[number])),
                ):
                    member = tarfile.TarInfo(f"s{number:07}.{field}")
                    member.size = len(content)
                    member.mtime = mtime
                    tar.addfile(member, io.BytesIO(content))


def shuffled(count: int = 400) -> list[int]:
    labels = np.arange(count) % 10
    return [int(label) for label in np.random.default_rng(0).permutation(labels)]


def load(task: HubTask, cache: Path, images: int = 40, split: str = "test", **rest: Any) -> HubSubset:
    return hub_subset(task, split, images, image_size=SIZE, cache=cache, patience=QUICK, **rest)


def cached(
    task: HubTask, cache: Path, images: int = 40, split: str = "test", **rest: Any
) -> HubSubset | None:
    return cached_hub_subset(task, split, images, image_size=SIZE, cache=cache, **rest)
