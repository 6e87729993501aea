"""A split kept in tar files, as WebDataset lays them out: ``<sample>.jpg`` beside ``<sample>.cls``."""

import hashlib
import io
import tarfile
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluators.errors import HubError
from evaluators.hub.pictures.labels import classes_of
from evaluators.hub.pictures.listing import SplitFile
from evaluators.hub.pictures.rows import RowGroup, sort_groups
from evaluators.hub.transfer.ranges import RangeFile
from evaluators.hub.transfer.workers import Workers
from evaluators.subsets import SEED
from evaluators.zoo.tasks import HubTask


class TarSplit:
    """The tar files of a split, read whole into memory: labels and pictures lie mixed in them.

    They are taken in an order of hashes until the budget ends; rows of the others count as not there. Nothing
    is unpacked: members are read where they lie.

    Args:
        task: says the columns and classes.
        files: of the split.
        workers: to read with.
        most_bytes: sizes of the files taken add up to this at most.
    Raises: HubError if no file fits into the budget, a file is no tar file, a sample lacks its label or
        picture or has a class of its own, or the Hub fails; Cancelled.
    """

    def __init__(self, task: HubTask, files: Sequence[SplitFile], workers: Workers, most_bytes: int) -> None:
        self._task = task
        self._traffic = workers.traffic
        self._pictures: dict[str, list[bytes]] = {}
        groups = []
        for file, (labels, pictures) in workers.each(self._open, _within(most_bytes, files)):
            self._pictures[file.path] = pictures
            groups.append(RowGroup(file.path, 0, 0, 0, labels))
        if not groups:
            smallest = min((file.size for file in files), default=0)
            raise HubError(
                f"{task.repo} has no file within {most_bytes:,} bytes, the smallest has {smallest:,}: "
                "allow more."
            )
        self.groups = sort_groups(groups)

    def encoded(self, group: RowGroup, rows: Sequence[int]) -> list[bytes]:
        """The picture files of some samples of a tar file, undecoded."""
        return [self._pictures[group.file][row] for row in rows]

    def _open(self, file: SplitFile) -> tuple[NDArray[np.int64], list[bytes]]:
        content = RangeFile(file.url, file.size, self._traffic).read()
        samples: dict[str, dict[str, bytes]] = {}
        try:
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
                for member in tar:
                    folder, slash, name = member.name.rpartition("/")
                    key, _, field = name.partition(".")
                    if member.isreg() and field in (self._task.image_column, self._task.label_column):
                        end = member.offset_data + member.size
                        if end > len(content):
                            raise tarfile.ReadError(f"{member.name} ends behind the end of the file")
                        samples.setdefault(folder + slash + key, {})[field] = content[
                            member.offset_data : end
                        ]
        except (tarfile.TarError, ValueError, EOFError) as error:
            raise HubError(f"{file.path} of {self._task.repo} is no whole tar file: {error}") from error
        labels: list[int] = []
        for key, sample in samples.items():
            if len(sample) < 2:
                raise HubError(
                    f"Sample {key!r} in {file.path} of {self._task.repo} needs {self._task.image_column!r} "
                    f"and {self._task.label_column!r}, it has {', '.join(map(repr, sample))} of these."
                )
            text = sample[self._task.label_column]
            try:
                labels.append(int(text))
            except ValueError as error:
                raise HubError(
                    f"Sample {key!r} in {file.path} of {self._task.repo} has the label {text[:40]!r}, "
                    "expected a whole number."
                ) from error
        pictures = [sample[self._task.image_column] for sample in samples.values()]
        return classes_of(self._task, labels, file.path), pictures


def _within(most_bytes: int, files: Sequence[SplitFile]) -> list[SplitFile]:
    """Files that fit into the budget together, tried in an order of hashes."""
    taken = []
    for file in sorted(files, key=lambda file: hashlib.sha256(repr((SEED, file.path)).encode()).digest()):
        if file.size <= most_bytes:
            taken.append(file)
            most_bytes -= file.size
    return taken
