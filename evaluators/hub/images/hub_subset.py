"""Seeded, class-balanced subset of a task's images from the Hub, prepared as uint8 and cached.

The public checkpoints were fine-tuned on all of "train", and most data sets have no other validation split.
There, validation and test images are both drawn from the published test split, each from its own half of the
rows (``row_choice.half_of``), which depends on no setting: what is chosen on validation images is reported on
other images, whatever the sizes of both. Only a test subset larger than its half also takes from the other
half, up to the whole split, which published accuracies are of. A validation subset of that size is refused;
a smaller one is then part of the test subset.
"""

import logging
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from huggingface_hub.errors import OfflineModeIsEnabled
from torch import Tensor

from evaluators.data.image_decoding import decode
from evaluators.data.image_subset import SEED, Subset, cache_subset, read_subset
from evaluators.errors import HubError, ImageError, SpecError
from evaluators.hub.images.parquet_split import ParquetSplit
from evaluators.hub.images.preparation_files import (
    cache_commit,
    cache_part,
    name_of,
    read_commit,
    read_part,
)
from evaluators.hub.images.row_choice import Row, RowGroup, choose_rows, in_half
from evaluators.hub.images.split_files import find_commit, is_commit, list_split, list_tars
from evaluators.hub.images.tar_split import TarSplit
from evaluators.hub.transfer.http_client import PATIENCE, Refused, Timeouts, Unreachable
from evaluators.hub.transfer.parallel_calls import Progress, Workers
from evaluators.specs.edit_spec import SPLITS
from evaluators.zoo.public_tasks import HubTask

MOST_BYTES = 512 << 20
VERSION = 1
"""Of the choice of rows and the transform, part of the cache key."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class HubSubset:
    """Images of a task, and how they were drawn.

    Args:
        subset: in an order whose every prefix is balanced by class.
        classes_covered: classes with at least one image.
        available: images in the published split.
        bytes_read: from the network, 0 from the cache.
        digest: hash of all that determines the images: commit, split, seed, sizes, budget.
    """

    subset: Subset
    classes_covered: int
    available: int
    bytes_read: int
    digest: str


def hub_subset(
    task: HubTask,
    split: str,
    images: int,
    *,
    image_size: int,
    cache: Path,
    most_bytes: int = MOST_BYTES,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    patience: Timeouts = PATIENCE,
) -> HubSubset:
    """Images of a task, from the cache or else prepared and cached.

    If the Hub cannot be reached, cached images of the last known commit are used.

    Args:
        split: ``"val"`` or ``"test"``.
        images: number of images; 0 for all. The split or the budget may have fewer.
        image_size: S of the encoder; images are resized and cropped as open_clip does.
        cache: folder for prepared images, also of an interrupted preparation.
        most_bytes: limit of bytes of image columns (or tar files); labels and footers come on top.
        progress: called with images done and in total, from the calling thread.
        stop: ends the preparation when set.
        patience: time-outs of each request to the Hub.
    Raises: SpecError for a validation subset that would leave none for test, or of a task that is only tested
        on; HubError if the Hub refuses, fails or cannot be reached, or its data differ from what is expected;
        Cancelled within 0.1 s of ``stop``; the row groups read so far are kept.
    Cost: a request a row group for its labels, and the bytes of the chosen row groups' images; memory for up
        to ``most_bytes`` and the subset. From the cache: one request for the commit of the revision.
    """
    _check(task, split, images, most_bytes)
    request = _Request(task, split, images, image_size, most_bytes)
    with Workers(stop, patience) as workers:
        try:
            commit = workers.call(lambda: find_commit(task.repo, task.revision))
        except HubError as error:
            if not isinstance(error.__cause__, (Refused, Unreachable, OfflineModeIsEnabled)):
                raise
            cached = cached_hub_subset(
                task, split, images, image_size=image_size, cache=cache, most_bytes=most_bytes
            )
            if cached is None:
                raise
            _LOG.info("The Hub cannot be reached: cached images of %s are used.", task.repo)
            return cached
        subset = request.read(cache, commit)
        if subset is None:
            subset = request.prepare(cache, commit, workers, progress or (lambda done, total: None))
    cache_commit(request.commit_path(cache), commit, {"repo": task.repo, "revision": task.revision})
    return subset


def cached_hub_subset(
    task: HubTask, split: str, images: int, *, image_size: int, cache: Path, most_bytes: int = MOST_BYTES
) -> HubSubset | None:
    """The same from the cache only, of the last known commit; None if it is not cached.

    Raises: SpecError for an unknown split or an invalid number.
    """
    _check(task, split, images, most_bytes)
    request = _Request(task, split, images, image_size, most_bytes)
    commit = task.revision if is_commit(task.revision) else read_commit(request.commit_path(cache))
    return None if commit is None else request.read(cache, commit)


@dataclass(frozen=True)
class _Request:
    task: HubTask
    split: str
    images: int
    image_size: int
    most_bytes: int

    @property
    def published_split(self) -> str:
        """The data set's name of the split that the images are drawn from."""
        return (self.split == "val" and self.task.validation_split) or self.task.test_split

    @property
    def shared(self) -> bool:
        """Whether validation and test are drawn from one published split."""
        return self.task.validation_split is None and not self.task.test_only

    def digest(self, commit: str) -> str:
        task = self.task
        columns = (task.image_column, task.label_column, task.relabel, task.num_classes, task.form)
        data = (task.key, task.repo, task.config, self.published_split, commit)
        wanted = (self.split, self.shared, self.images, self.image_size, self.most_bytes)
        return name_of(VERSION, SEED, data, columns, wanted)

    def commit_path(self, cache: Path) -> Path:
        return cache / f"{self.task.key}-{name_of(self.task.repo, self.task.revision)}.json"

    def path(self, cache: Path, commit: str) -> Path:
        return cache / f"{self.task.key}-{self.split}-{self.digest(commit)}.safetensors"

    def read(self, cache: Path, commit: str) -> HubSubset | None:
        cached = read_subset(self.path(cache, commit), self.image_size)
        return None if cached is None else self._result(*cached, commit, bytes_read=0)

    def prepare(self, cache: Path, commit: str, workers: Workers, progress: Progress) -> HubSubset:
        task, path = self.task, self.path(cache, commit)
        if task.form == "webdataset":
            files = workers.call(lambda: list_tars(task.repo, self.published_split, commit))
            source: ParquetSplit | TarSplit = TarSplit(task, files, workers, self.most_bytes, self.images)
        else:
            files = workers.call(lambda: list_split(task.repo, task.config, self.published_split, commit))
            source = ParquetSplit(task, files, workers)
        rows = self._choose(source.groups)
        progress(0, len(rows))
        positions: dict[int, list[int]] = {}
        for position, row in enumerate(rows):
            positions.setdefault(row.group, []).append(position)
        parts = path.with_suffix(".parts")

        def decode_group(number: int) -> Tensor:
            group = source.groups[number]
            wanted = [rows[position].row for position in positions[number]]
            part = parts / f"{name_of(group.file, group.index, wanted)}.safetensors"
            decoded = read_part(part, len(wanted), self.image_size)
            if decoded is None:
                decoded = self._decode(source.encoded(group, wanted), group, wanted)
                workers.traffic.check()
                cache_part(part, decoded)
            return decoded

        images = torch.empty((len(rows), 3, self.image_size, self.image_size), dtype=torch.uint8)
        done = 0
        for number, part in workers.each(decode_group, positions):
            images[positions[number]] = part
            done += len(positions[number])
            progress(done, len(rows))
        subset = Subset(images, torch.tensor([row.label for row in rows], dtype=torch.int64))
        available = sum(len(group.labels) for group in source.groups)
        cache_subset(path, subset, available)
        shutil.rmtree(parts, ignore_errors=True)
        return self._result(subset, available, commit, workers.traffic.bytes_read)

    def _choose(self, groups: tuple[RowGroup, ...]) -> list[Row]:
        eligible = in_half(groups, None)
        if self.shared:
            halves = {split: in_half(groups, split) for split in SPLITS}
            half = min(sum(int(mask.sum()) for mask in masks) for masks in halves.values())
            if 0 < self.images <= half:
                eligible = halves[self.split]
            elif self.split == "val":
                raise _refusal(self.task, half)
        name = f"{self.task.key}-{self.split}"
        rows = choose_rows(groups, eligible, self.images, name=name, most_bytes=self.most_bytes)
        if not rows:
            smallest = min((group.cost for group in groups), default=0)
            raise HubError(
                f"No images of {self.task.repo} ({self.published_split}) fit into {self.most_bytes:,} "
                f"bytes: the smallest of {len(groups)} row groups has {smallest:,}."
            )
        return rows

    def _decode(self, encoded: list[bytes], group: RowGroup, rows: list[int]) -> Tensor:
        images = []
        for content, row in zip(encoded, rows, strict=True):
            try:
                images.append(decode(content, self.image_size))
            except ImageError as error:
                raise HubError(
                    f"The image in row {group.first_row + row} of {group.file} of {self.task.repo} cannot "
                    f"be decoded: {error}"
                ) from error
        return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()

    def _result(self, subset: Subset, available: int, commit: str, bytes_read: int) -> HubSubset:
        covered = int(torch.bincount(subset.labels).count_nonzero())
        return HubSubset(subset, covered, available, bytes_read, self.digest(commit))


def _check(task: HubTask, split: str, images: int, most_bytes: int) -> None:
    if split not in SPLITS:
        raise SpecError(f"split must be one of {', '.join(SPLITS)}, got {split!r}.")
    if images < 0 or most_bytes <= 0:
        raise SpecError(f"images must be 0 or more and most_bytes above 0, got {images} and {most_bytes}.")
    if split == "val" and task.test_only:
        raise SpecError(f"{task.title} is only tested on: nothing may be chosen on its images.")
    if split == "val" and images == 0 and task.validation_split is None:
        raise _refusal(task, task.test_size // 2)


def _refusal(task: HubTask, half: int) -> SpecError:
    return SpecError(
        f"{task.title} has no validation images of its own: validation gets a half of the split "
        f"{task.test_split!r}, so ask for 1 to about {half} images, not for more or all."
    )
