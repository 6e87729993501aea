"""A visitor's task from a public data set of the Hub: looked up, then read into val and test images.

Validation and test images are each drawn from their own half of one published split, see ``hub_subset``.
Nothing is asked with this machine's token: a visitor sees what anybody sees.
"""

import io
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from evaluators.data.image_decoding import decode
from evaluators.data.image_subset import Subset
from evaluators.data.own_images import image_source as reasons
from evaluators.data.own_images.listed_images import MOST_CLASSES
from evaluators.data.own_images.own_subsets import MOST_IMAGES, OwnSubsets, check_subsets
from evaluators.data.own_images.task_names import TaskNames
from evaluators.errors import HubError, ImageError, TaskError
from evaluators.hub.images.parquet_split import ParquetSplit, range_file
from evaluators.hub.images.plain_labels import plain_columns, plain_labels
from evaluators.hub.images.row_choice import choose_rows, in_half
from evaluators.hub.images.split_files import data_files, find_commit, list_split
from evaluators.hub.transfer.hub_errors import hub_errors
from evaluators.hub.transfer.parallel_calls import Progress, Workers
from evaluators.hub.typed_address import typed_address
from evaluators.specs.edit_spec import SPLITS
from evaluators.zoo import TASKS
from evaluators.zoo.public_tasks import HubTask
from lines_core.untrusted_text import excerpt, first_of

MOST_BYTES = 256 << 20
"""Of the images of a split, as they travel."""
MOST_CONFIGS = 50
AT_ONCE = 2
"""Row groups in memory."""
EXAMPLE = TASKS["mnist"].repo


@dataclass(frozen=True)
class FoundDataset:
    """What a data set offers.

    Args:
        repo: ``owner/name``.
        commit: that it was looked up at.
        config: one of ``configs``.
        split: one of ``splits``.
        images: columns of images.
        labels: names of the classes by column.
        plain: those of these columns that have no class names: their values stand for them.
    """

    repo: str
    commit: str
    config: str
    configs: tuple[str, ...]
    split: str
    splits: tuple[str, ...]
    images: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]]
    plain: frozenset[str] = frozenset()


def look_up(
    address: str, config: str | None = None, split: str | None = None, stop: threading.Event | None = None
) -> FoundDataset:
    """The configurations, splits and columns of a public data set in parquet files.

    Args:
        address: ``owner/name``, or a link to it.
        config, split: to look into; the first configuration and the split for testing if left out.
    Raises: HubError if it is no address, is not there for anybody, or holds no images with class names;
        Cancelled.
    Cost: a dozen small requests.
    """
    repo = typed_address(address, "dataset", EXAMPLE).repo
    with Workers(stop) as workers:
        commit = workers.call(lambda: find_commit(repo, "main", public=True))
        configs = workers.call(lambda: _configs(repo, commit))
        chosen = config if config in configs else configs[0]
        splits = tuple(workers.call(lambda: data_files(repo, chosen, commit, public=True)))
        if not splits:
            raise HubError(f"{repo} has no splits in its configuration {chosen!r}.")
        inside = split if split in splits else next((one for one in _PREFERRED if one in splits), splits[0])
        files = workers.call(lambda: list_split(repo, chosen, inside, commit, public=True))
        ((_, features),) = workers.each(lambda file: _features(range_file(file, workers.traffic)), files[:1])
        plain = plain_labels(files, plain_columns(features), workers)
    images = tuple(name for name, feature in features.items() if type(feature).__name__ == "Image")
    named = {name: getattr(feature, "names", None) for name, feature in features.items()}
    labels = {name: tuple(map(str, classes)) for name, classes in named.items() if classes} | plain
    if not images or not labels:
        raise HubError(
            f"{repo} needs a column of images and one of labels, names or numbers of few classes; its "
            f"columns are {excerpt(first_of(list(features)), 200)}: download it, and add it as a zip file."
        )
    return FoundDataset(repo, commit, chosen, configs, inside, splits, images, labels, frozenset(plain))


_PREFERRED = ("test", "validation", "valid", "val", "train")


def read_dataset(
    found: FoundDataset,
    image: str,
    label: str,
    names: TaskNames,
    image_size: int,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    most: int = MOST_IMAGES,
) -> OwnSubsets:
    """Val and test images of the split that was looked up, labels in the order of ``names``.

    Args:
        image, label: columns.
        names: of all of the classes.
        progress: called with images done and in total, from the calling thread.
        stop: ends it when set.
    Raises: TaskError for other classes, or too few images; HubError if the Hub fails; Cancelled.
    """
    classes = found.labels.get(label, ())
    if image not in found.images or sorted(classes) != sorted(source for source, _ in names.classes):
        raise TaskError("Keep a line for each class of a data set of the Hub: look it up again.")
    if len(classes) > MOST_CLASSES:
        raise TaskError(f"Expected at most {MOST_CLASSES} classes, {found.repo} has {len(classes):,}.")
    position = {source: at for at, (source, _) in enumerate(names.classes)}
    row = HubTask(
        key="own",
        title=names.title,
        repo=found.repo,
        test_size=0,
        train_size=0,
        classes=tuple(name for _, name in names.classes),
        prompts=names.prompts,
        config=found.config,
        revision=found.commit,
        test_split=found.split,
        train_split=None,
        image_column=image,
        label_column=label,
        relabel=tuple(position[name] for name in classes),
    )
    skipped: Counter[str] = Counter()
    with Workers(stop, at_once=AT_ONCE) as workers:
        files = workers.call(lambda: list_split(row.repo, row.config, row.test_split, found.commit, True))
        source = ParquetSplit(row, files, workers, classes if label in found.plain else ())
        rows = {
            split: choose_rows(
                source.groups,
                in_half(source.groups, split),
                most,
                name=f"own-{split}",
                most_bytes=MOST_BYTES,
            )
            for split in SPLITS
        }
        places = [(split, at) for split in SPLITS for at in range(len(rows[split]))]
        by_group: dict[int, list[tuple[str, int]]] = {}
        for split, at in places:
            by_group.setdefault(rows[split][at].group, []).append((split, at))

        def decoded(number: int) -> list[torch.Tensor | None]:
            group, wanted = source.groups[number], by_group[number]
            encoded = source.encoded(group, [rows[split][at].row for split, at in wanted])
            workers.traffic.check()
            return [_pixels(content, image_size) for content in encoded]

        pixels: dict[tuple[str, int], torch.Tensor] = {}
        for number, images in workers.each(decoded, by_group):
            for place, one in zip(by_group[number], images, strict=True):
                if one is None:
                    skipped[reasons.UNREADABLE] += 1
                else:
                    pixels[place] = one
            if progress is not None:
                progress(len(pixels), len(places))
    splits = {}
    for split in SPLITS:
        kept = [at for at in range(len(rows[split])) if (split, at) in pixels]
        stacked = [pixels.pop((split, at)) for at in kept]
        empty = torch.empty((0, 3, image_size, image_size), dtype=torch.uint8)
        labels = torch.tensor([rows[split][at].label for at in kept], dtype=torch.int64)
        splits[split] = Subset(torch.stack(stacked) if stacked else empty, labels)
    subsets = OwnSubsets(splits, skipped)
    check_subsets(subsets, row.classes, row.title)
    return subsets


def _configs(repo: str, commit: str) -> tuple[str, ...]:
    import datasets

    with hub_errors(repo, kind="dataset", revision=commit):
        try:
            names = datasets.get_dataset_config_names(repo, revision=commit, token=False)
        except (ValueError, RuntimeError, FileNotFoundError) as error:
            raise HubError(f"{repo} cannot be read as a data set: {excerpt(str(error), 200)}") from error
    return tuple(map(str, names[:MOST_CONFIGS])) or ("default",)


def _features(stream: io.RawIOBase) -> Mapping[str, object]:
    """The columns of a parquet file. Raises: HubError if it is none."""
    import datasets
    import pyarrow
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_metadata(stream).schema.to_arrow_schema()
        return dict(datasets.Features.from_arrow_schema(schema))
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise HubError(
            "Its files are no parquet files: download it, and add it as a zip file with one folder a class. "
            f"({excerpt(str(error), 100)})"
        ) from error


def _pixels(content: bytes, image_size: int) -> torch.Tensor | None:
    try:
        return torch.from_numpy(np.array(decode(content, image_size, paper="white"))).permute(2, 0, 1)
    except ImageError:
        return None
