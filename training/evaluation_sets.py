"""The shipped evaluation subsets: parquet files with the ``datasets`` Image feature, and ``tasks.json``."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets import ClassLabel, Dataset, Features, Image, disable_progress_bars
from PIL import Image as Pillow

from lines_core.atomic_write import atomic_write
from training.world.draws import draw_split
from training.world.settings import SETTINGS, SHIFTS, Setting

LEAST = {"val": 200, "test": 400}
LEAST_SHIFTED = 224


def images_in(setting: Setting, split: str) -> int:
    """Images of a split: the same number for each class, at least ``LEAST[split]`` in all."""
    classes = len(setting.family.concepts)
    least = LEAST_SHIFTED if setting.key in SHIFTS else LEAST[split]
    return -(-least // classes) * classes


def splits_of(key: str) -> tuple[str, ...]:
    """Splits of a data set; the shifted sets have no validation split, as nothing is tuned on them."""
    return ("test",) if key in SHIFTS else ("val", "test")


def _webp(pixels: Any) -> dict[str, Any]:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, format="WEBP", lossless=True, quality=100, method=6)
    return {"bytes": buffer.getvalue(), "path": None}


def _save_split(setting: Setting, split: str, path: Path, workers: int) -> None:
    pixels, labels = draw_split(setting.key, split, images_in(setting, split), workers)
    names = [concept.name for concept in setting.family.concepts]
    features = Features({"image": Image(), "label": ClassLabel(names=names)})
    rows = {"image": [_webp(image) for image in pixels], "label": labels.tolist()}
    dataset = Dataset.from_dict(rows, features=features)
    atomic_write(path, lambda part: dataset.to_parquet(str(part)))


def save_tasks(folder: Path) -> None:
    """Write ``tasks.json``: key, title, suite, class names, prompts, what it shows and what it mirrors."""
    tasks = [
        {
            "key": setting.key,
            "title": setting.title,
            "suite": "objects" if setting.family.key == "objects" else "tasks",
            "classes": [concept.name for concept in setting.family.concepts],
            "prompts": list(setting.family.prompts),
            "blurb": setting.blurb,
            "mirrors": setting.mirrors,
        }
        for setting in SETTINGS.values()
    ]
    (folder / "tasks.json").write_text(json.dumps({"tasks": tasks}, indent=1) + "\n")


def save_evaluation_sets(folder: Path, workers: int) -> Iterator[str]:
    """Write every missing parquet file and ``tasks.json``; yields a line a file."""
    disable_progress_bars()
    folder.mkdir(parents=True, exist_ok=True)
    save_tasks(folder)
    for setting in SETTINGS.values():
        for split in splits_of(setting.key):
            path = folder / f"{setting.key}-{split}.parquet"
            if not path.exists():
                _save_split(setting, split, path, workers)
                yield f"{path.name}: {path.stat().st_size / 1e6:.2f} MB"
