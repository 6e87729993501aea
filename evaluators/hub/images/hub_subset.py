"""Images of a task from the Hub: as few bytes as a seeded, class-balanced subset needs, kept as uint8.

Most data sets have no validation split that the public checkpoints were not fine-tuned on: they were given
all of "train", so images from it would flatter them. There, validation and test are both drawn from the
published test split, each from its own half of the rows (``rows.half_of``). A half depends on no setting,
so what is chosen on validation images is reported on others, whatever the sizes of both. Only a test
subset of more than its half takes from the other half too, up to the whole split that published figures are
about. Validation of that size is refused; one of a smaller size is then a part of what is tested.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from huggingface_hub.errors import OfflineModeIsEnabled
from torch import Tensor

from evaluators.data.image_subset import SEED, Subset
from evaluators.errors import HubError, SpecError
from evaluators.hub.images.decoding import decoded
from evaluators.hub.images.parquet_split import ParquetSplit
from evaluators.hub.images.prepared_cache import (
    cache_commit,
    cache_part,
    cache_subset,
    drop_parts,
    name_of,
    read_commit,
    read_part,
    read_subset,
)
from evaluators.hub.images.row_choice import Row, RowGroup, choose_rows, in_half
from evaluators.hub.images.split_files import find_commit, is_commit, list_split, list_tars
from evaluators.hub.images.tar_split import TarSplit
from evaluators.hub.transfer.http_client import PATIENCE, Refused, Timeouts, Unreachable
from evaluators.hub.transfer.parallel_calls import Workers
from evaluators.specs.edit_spec import SPLITS
from evaluators.zoo.public_tasks import HubTask

MOST_BYTES = 512 << 20
VERSION = 1
"""Of the choice of rows and of the transform: another one prepares anew."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class HubSubset:
    """Images of a task, and what they are of all there are.

    Args:
        subset: in an order whose every beginning is balanced by class.
        classes_covered: classes with at least one image.
        available: images in the published split that these were drawn from.
        bytes_read: from the network, 0 from the cache.
        digest: names what decides the images: commit, split, seed, sizes, budget.
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
    progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
    patience: Timeouts = PATIENCE,
) -> HubSubset:
    """Images of a task, from the cache if they are there, else prepared and cached.

    Where the Hub cannot be reached, images of the commit last seen are given if they are cached.

    Args:
        task: whose images.
        split: ``"val"`` or ``"test"``.
        images: how many; 0 for all. There may be fewer in the split, or within the budget.
        image_size: S of the encoder; images are resized and cropped as open_clip does.
        cache: folder for prepared images, and for what an interrupted preparation leaves.
        most_bytes: of image columns (or tar files) to read at most; labels and footers come on top.
        progress: called with images done and in total, from the calling thread.
        stop: ends the preparation when set.
        patience: with each request to the Hub.
    Raises: SpecError if validation images are asked for that the test subset of that size needs itself, or
        of a task that is only tested on;
        HubError if the Hub refuses, fails or cannot be reached, or holds something else than expected;
        Cancelled within 0.1 s of ``stop``, the row groups read so far being kept.
    Cost: a request a row group for its labels, its images' bytes for the chosen ones; memory for up to
        ``most_bytes`` and the subset. From the cache: one request to see that the revision has not moved.
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
            _LOG.info("The Hub cannot be reached: images of %s are those last seen.", task.repo)
            return cached
        found = request.read(cache, commit)
        if found is None:
            found = request.prepare(cache, commit, workers, progress or _nothing)
    cache_commit(request.commit_path(cache), commit, {"repo": task.repo, "revision": task.revision})
    return found


def cached_hub_subset(
    task: HubTask, split: str, images: int, *, image_size: int, cache: Path, most_bytes: int = MOST_BYTES
) -> HubSubset | None:
    """The same from the disk alone, of the commit last seen; None if it is not there. Asks no network.

    Raises: SpecError for a split or number that means nothing.
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
        """What the data set calls the split that the images are drawn from."""
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
        found = read_subset(self.path(cache, commit), self.image_size)
        return None if found is None else self._result(*found, commit, bytes_read=0)

    def prepare(
        self, cache: Path, commit: str, workers: Workers, progress: Callable[[int, int], None]
    ) -> HubSubset:
        task, path = self.task, self.path(cache, commit)
        if task.form == "webdataset":
            files = workers.call(lambda: list_tars(task.repo, self.published_split, commit))
            source: ParquetSplit | TarSplit = TarSplit(task, files, workers, self.most_bytes, self.images)
        else:
            files = workers.call(lambda: list_split(task.repo, task.config, self.published_split, commit))
            source = ParquetSplit(task, files, workers)
        rows = self._choose(source.groups)
        progress(0, len(rows))
        places: dict[int, list[int]] = {}
        for place, row in enumerate(rows):
            places.setdefault(row.group, []).append(place)
        parts = path.with_suffix(".parts")

        def decoded_group(number: int) -> Tensor:
            group = source.groups[number]
            wanted = [rows[place].row for place in places[number]]
            part = parts / f"{name_of(group.file, group.index, wanted)}.safetensors"
            found = read_part(part, len(wanted), self.image_size)
            if found is None:
                found = self._decode(source.encoded(group, wanted), group, wanted)
                workers.traffic.check()
                cache_part(part, found)
            return found

        images = torch.empty((len(rows), 3, self.image_size, self.image_size), dtype=torch.uint8)
        done = 0
        for number, found in workers.each(decoded_group, places):
            images[places[number]] = found
            done += len(places[number])
            progress(done, len(rows))
        subset = Subset(images, torch.tensor([row.label for row in rows], dtype=torch.int64))
        available = sum(len(group.labels) for group in source.groups)
        cache_subset(path, subset, available)
        drop_parts(parts)
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
                images.append(decoded(content, self.image_size))
            except HubError as error:
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


def _nothing(done: int, total: int) -> None:
    """Progress that nobody follows."""
