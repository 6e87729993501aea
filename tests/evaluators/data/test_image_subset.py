"""Order, decoding and cache of a task's images."""

import logging
import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from evaluators.data.image_subset import balanced_order, count_images, fit, load_subset
from evaluators.data.task_list import Task, read_tasks
from evaluators.errors import LabError


@pytest.fixture
def digits(lab: Path) -> Task:
    return read_tasks(lab / "eval" / "tasks.json")[0]


def load(lab: Path, task: Task, split: str = "test", n: int = 0, cache: Path | None = None) -> Any:
    return load_subset(lab / "eval", task, split, n, image_size=24, cache=cache)


def test_every_prefix_is_balanced() -> None:
    """Classes of 3, 9 and 30 images: equal to within one until a class has no more."""
    labels = [0] * 3 + [1] * 9 + [2] * 30
    random.Random(0).shuffle(labels)
    order = balanced_order(labels, "any")
    assert sorted(order) == list(range(42))
    for n in range(1, 43):
        taken = Counter(labels[row] for row in order[:n])
        for label, there in Counter(labels).items():
            assert taken[label] >= min(there, max(taken.values()) - 1)


def test_the_order_is_seeded_and_the_same_everywhere() -> None:
    """Other images on another machine would give other results."""
    labels = [row % 3 for row in range(12)]
    assert balanced_order(labels, "digits-test") == [0, 5, 4, 7, 2, 9, 3, 11, 10, 6, 1, 8]
    assert balanced_order(labels, "digits-test", seed=1) != balanced_order(labels, "digits-test")
    assert balanced_order(labels, "digits-val") != balanced_order(labels, "digits-test")


def test_subsets_are_nested(lab: Path, digits: Task) -> None:
    everything = load(lab, digits)
    assert len(everything) == 42
    for n in (1, 7, 20, 41):
        subset = load(lab, digits, n=n)
        assert len(subset) == n
        assert torch.equal(subset.images, everything.images[:n])
        assert torch.equal(subset.labels, everything.labels[:n])
        counts = torch.bincount(subset.labels, minlength=4)
        assert counts.max() - counts.min() <= 1
    assert len(load(lab, digits, n=10_000)) == 42


def test_images_are_the_files_images(lab: Path, digits: Task) -> None:
    """Every row once, with its own label and no pixel changed."""
    import datasets

    rows = datasets.Dataset.from_parquet(
        str(lab / "eval" / "digits-test.parquet"), cache_dir=str(lab.parent / "datasets")
    )
    stored = sorted((np.asarray(row["image"]).transpose(2, 0, 1).tobytes(), row["label"]) for row in rows)
    subset = load(lab, digits)
    assert subset.images.dtype == torch.uint8
    assert subset.images.shape == (42, 3, 24, 24)
    loaded = sorted(
        (image.numpy().tobytes(), int(label))
        for image, label in zip(subset.images, subset.labels, strict=True)
    )
    assert loaded == stored


def test_val_and_test_are_disjoint(lab: Path, digits: Task) -> None:
    seen = {
        split: {image.numpy().tobytes() for image in load(lab, digits, split).images}
        for split in ("val", "test")
    }
    assert len(seen["val"]) == 24
    assert len(seen["test"]) == 42
    assert not seen["val"] & seen["test"]


def test_cache_gives_the_same_without_decoding(
    lab: Path, digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(lab, digits, cache=tmp_path)
    (cached,) = tmp_path.iterdir()
    monkeypatch.setattr("evaluators.data.image_subset._decode", None)
    again = load(lab, digits, n=30, cache=tmp_path)
    assert torch.equal(again.images, first.images[:30])
    assert list(tmp_path.iterdir()) == [cached]


@pytest.mark.parametrize("content", [b"", b"no safetensors at all", None])
def test_a_damaged_cache_is_written_again(
    lab: Path, digits: Task, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    first = load(lab, digits, cache=tmp_path)
    (cached,) = tmp_path.iterdir()
    cached.write_bytes(cached.read_bytes()[:-100] if content is None else content)
    with caplog.at_level(logging.WARNING):
        assert torch.equal(load(lab, digits, cache=tmp_path).images, first.images)
    assert "preparing them again" in caplog.text
    caplog.clear()
    assert torch.equal(load(lab, digits, cache=tmp_path).images, first.images)
    assert not caplog.text


def test_an_unwritable_cache_is_not_needed(
    lab: Path, digits: Task, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert len(load(lab, digits, cache=tmp_path / "file")) == 42
    assert "could not be cached" in caplog.text


def test_the_cache_key_is_the_content(lab: Path, digits: Task, tmp_path: Path) -> None:
    """A file that is replaced under the same name is not answered from the old cache."""
    folder = tmp_path / "eval"
    folder.mkdir()
    cache = tmp_path / "cache"
    (folder / "digits-test.parquet").write_bytes((lab / "eval" / "digits-test.parquet").read_bytes())
    assert len(load_subset(folder, digits, "test", image_size=24, cache=cache)) == 42
    (folder / "digits-test.parquet").write_bytes((lab / "eval" / "digits-val.parquet").read_bytes())
    assert len(load_subset(folder, digits, "test", image_size=24, cache=cache)) == 24


def test_absent_damaged_and_mismatched_files(lab: Path, digits: Task, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"digits-train.parquet is absent"):
        load(lab, digits, "train")
    (tmp_path / "digits-test.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(LabError, match="is not a parquet file"):
        load_subset(tmp_path, digits, "test", image_size=24)
    with pytest.raises(LabError, match=r"has the classes \('zero', .*, task 'digits' has \('nil', 'one'\)"):
        load(lab, replace(digits, classes=("nil", "one")))


def test_images_are_counted_from_the_metadata(lab: Path, digits: Task, tmp_path: Path) -> None:
    assert count_images(lab / "eval", digits, "val") == 24
    (tmp_path / "digits-val.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(LabError, match=r"digits-val\.parquet cannot be read"):
        count_images(tmp_path, digits, "val")


@pytest.mark.parametrize("size", [(24, 24), (60, 40), (31, 57), (10, 24), (25, 24)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_fit_is_open_clips_transform(size: tuple[int, int], mode: str) -> None:
    import open_clip

    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    transform = open_clip.image_transform(24, is_train=False, mean=(0.0,) * 3, std=(1.0,) * 3)
    expected = (transform(image) * 255).round().to(torch.uint8)
    fitted = torch.from_numpy(np.array(fit(image, 24))).permute(2, 0, 1)
    assert torch.equal(fitted, expected)


def test_the_order_of_classes_differs_between_rounds() -> None:
    """The order of a round is shuffled too, or a round cut short would always favour the same classes."""
    labels = [row % 4 for row in range(80)]
    classes = [labels[row] for row in balanced_order(labels, "any")]
    rounds = [tuple(classes[i : i + 4]) for i in range(0, 80, 4)]
    assert all(sorted(turn) == [0, 1, 2, 3] for turn in rounds)
    assert sum(a == b for a, b in pairwise(rounds)) < 5
