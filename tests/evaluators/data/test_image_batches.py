"""Chunks of several tasks, and their normalised images and labels."""

import itertools

import pytest
import torch

from evaluators.data.image_batches import ImageBatches
from evaluators.data.image_subset import Subset

MEAN, STD = (0.5, 0.4, 0.6), (0.5, 0.25, 0.3)


def subset(task: int, count: int) -> Subset:
    """Images whose first channel is the task and whose second is the position."""
    images = torch.zeros((count, 3, 2, 2), dtype=torch.uint8)
    images[:, 0] = task
    images[:, 1] = torch.arange(count).view(-1, 1, 1)
    return Subset(images, torch.arange(count) * 10 + task)


def batches(*counts: int, chunk: int = 12) -> ImageBatches:
    subsets = [subset(task, count) for task, count in enumerate(counts)]
    return ImageBatches(subsets, MEAN, STD, torch.device("cpu"), torch.float32, chunk)


def taken(of: ImageBatches, images: int) -> list[list[tuple[int, int]]]:
    """(task, position) of each image of each chunk, read from the normalised images."""
    chunks = []
    for chunk in of.chunks(images):
        batch = of.normalised(chunk)
        first = (batch[:, 0, 0, 0] * STD[0] + MEAN[0]) * 255
        second = (batch[:, 1, 0, 0] * STD[1] + MEAN[1]) * 255
        pairs = list(zip(first.round().int().tolist(), second.round().int().tolist(), strict=True))
        at = 0
        for part in chunk.parts:
            for label in of.labels(part).tolist():
                assert pairs[at] == (part.task, label // 10)
                assert label % 10 == part.task
                at += 1
        assert at == len(batch)
        chunks.append(pairs)
    return chunks


def test_a_chunk_holds_equally_many_of_each_task() -> None:
    chunks = taken(batches(8, 8, 8), 8)
    assert chunks == [
        [(task, position) for task in range(3) for position in range(first, first + 4)] for first in (0, 4)
    ]


@pytest.mark.parametrize("images", [1, 3, 4, 5, 9, 10, 11])
def test_fewer_images_are_the_first_ones_in_the_same_chunks(images: int) -> None:
    of = batches(10, 7, 10)
    everything = taken(of, 10)
    some = taken(of, images)
    assert sorted(itertools.chain(*some)) == [
        (task, position) for task, count in enumerate((10, 7, 10)) for position in range(min(count, images))
    ]
    for chunk, full, pairs in zip(of.chunks(images), everything, some, strict=False):
        assert set(pairs) <= set(full)
        assert chunk.whole == (pairs == full)
    assert of.counts(images) == (min(10, images), min(7, images), min(10, images))


def test_normalised_as_open_clip_does() -> None:
    images = torch.arange(256).reshape(1, 1, 16, 16).expand(2, 3, 16, 16).to(torch.uint8)
    of = ImageBatches(
        [Subset(images, torch.zeros(2, dtype=torch.int64))], MEAN, STD, torch.device("cpu"), torch.float32
    )
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    (chunk,) = of.chunks(2)
    torch.testing.assert_close(of.normalised(chunk), (images / 255 - mean) / std, rtol=0, atol=1e-6)


def test_buffer_is_reused() -> None:
    of = batches(8, 8)
    first, second = of.chunks(8)
    assert of.normalised(first).data_ptr() == of.normalised(second).data_ptr()


@pytest.mark.parametrize("images", [1, 2, 3, 6, 7, 8, 40])
def test_the_first_chunk_is_small_and_the_others_are_not(
    images: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluators.data.image_batches.FIRST_CHUNK", 4)
    of = batches(40, 7, chunk=10)
    chunks = taken(of, images)
    assert chunks[0] == [(task, position) for task in range(2) for position in range(min(2, images))]
    assert all(len(chunk) <= 10 for chunk in chunks)
    assert len(chunks) == (1 if images <= 2 else 1 + -(-(images - 2) // 5))
    assert sorted(itertools.chain(*chunks)) == [
        (task, position) for task, count in enumerate((40, 7)) for position in range(min(count, images))
    ]
    for number in range(len(chunks) + 1):
        seen = list(itertools.chain(*chunks[:number]))
        assert of.counts_after(number, images) == tuple(
            sum(task == one for one, _ in seen) for task in range(2)
        )
