"""A split in tar files of the WebDataset layout: ``<sample>.jpg`` beside ``<sample>.cls``."""

import io
import tarfile
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluators.errors import HubError
from evaluators.hub.images.labels import classes_of
from evaluators.hub.images.row_choice import RowGroup, sort_groups
from evaluators.hub.images.split_files import SplitFile
from evaluators.hub.transfer.parallel_calls import Workers
from evaluators.hub.transfer.range_file import RangeFile
from evaluators.zoo.public_tasks import HubTask
from lines_core.untrusted_text import excerpt, quoted

PIECE = 1 << 20
"""Bytes of a piece of a file that is not read whole: a few images."""
PIECES_AN_IMAGE = 2
_BLOCK = tarfile.BLOCKSIZE


class _Place(NamedTuple):
    """Bytes ``start`` to ``end`` of a file."""

    file: SplitFile
    start: int
    end: int


class TarSplit:
    """The tar files of a split, read into memory, since they interleave labels and images.

    Files that fit into the budget together are read whole. Otherwise pieces are read, spread evenly over all
    files: the public data sets are sorted by class, so a few whole files would hold a few classes. A tar file
    has no index, but each member has a header with a checksum at a multiple of 512 bytes, by which the first
    whole sample of a piece is found. Samples outside the pieces do not count. Nothing is extracted to disk.

    Pieces begin at multiples of `PIECE`, so a sample belongs to the same piece however many are read, and to
    the same half where validation and test share a split.

    Args:
        task: names the columns and classes.
        files: of the split.
        workers: to read with.
        most_bytes: to read at most.
        images: how many images are wanted, 0 for as many as the budget allows.
    Raises: HubError if the budget does not suffice for a piece, a file is no tar file, a sample lacks its
        label or image or has a class of its own, or the Hub fails; Cancelled.
    """

    def __init__(
        self, task: HubTask, files: Sequence[SplitFile], workers: Workers, most_bytes: int, images: int
    ) -> None:
        self._task = task
        self._traffic = workers.traffic
        self._fields = (*task.image_column.split("|"), task.label_column)
        self._encoded: dict[tuple[str, int], list[bytes]] = {}
        places = _places(files, most_bytes, images)
        if not places:
            raise HubError(
                f"{task.repo} has {sum(file.size for file in files):,} bytes of tar files, and "
                f"{most_bytes:,} are not enough for a piece of {PIECE:,}: allow more."
            )
        groups = []
        for place, (labels, encoded) in workers.each(self._read, places):
            # the position replaces index and first row, which are unknown for a piece
            self._encoded[place.file.path, place.start] = encoded
            groups.append(RowGroup(place.file.path, place.start, place.start, 0, labels))
        self.groups = sort_groups(groups)

    def encoded(self, group: RowGroup, rows: Sequence[int]) -> list[bytes]:
        """The image files of some samples of a tar file, undecoded."""
        return [self._encoded[group.file, group.index][row] for row in rows]

    def _read(self, place: _Place) -> tuple[NDArray[np.int64], list[bytes]]:
        file, start, end = place
        stream = RangeFile(file.repo, file.path, file.url, file.size, self._traffic)
        stream.seek(start)
        content = stream.read(end - start)
        whole = (start, end) == (0, file.size)
        samples: dict[str, dict[str, bytes]] = {}
        try:
            for name, member in _members(content) if whole else _members_within(content):
                folder, slash, last = name.rpartition("/")
                key, _, field = last.partition(".")
                if field in self._fields:
                    samples.setdefault(folder + slash + key, {})[field] = member
        except (tarfile.TarError, ValueError, EOFError, OverflowError) as error:
            raise HubError(
                f"{file.path} of {self._task.repo} is not a complete tar file: {excerpt(str(error))}"
            ) from error
        if not whole:
            # the sample at either end of a piece may have a part beyond it
            samples = {key: sample for key, sample in samples.items() if len(sample) == 2}
        labels = [self._label(file, key, sample) for key, sample in samples.items()]
        encoded = [self._image(sample) for sample in samples.values()]
        return classes_of(self._task, labels, file.path), encoded

    def _label(self, file: SplitFile, key: str, sample: dict[str, bytes]) -> int:
        column, text = self._task.label_column, sample.get(self._task.label_column)
        if len(sample) < 2 or text is None:
            raise HubError(
                f"Sample {quoted(key)} in {file.path} of {self._task.repo} needs {self._task.image_column!r} "
                f"and {column!r}, it has {', '.join(map(repr, sample))} of these."
            )
        try:
            return int(text)
        except ValueError as error:
            raise HubError(
                f"Sample {quoted(key)} in {file.path} of {self._task.repo} has the label {text[:40]!r}, "
                "expected a whole number."
            ) from error

    def _image(self, sample: dict[str, bytes]) -> bytes:
        return next(content for field, content in sample.items() if field != self._task.label_column)


def _places(files: Sequence[SplitFile], most_bytes: int, images: int) -> list[_Place]:
    """All files, or pieces at even distances over all of them."""
    total = sum(file.size for file in files)
    if total <= most_bytes:
        return [_Place(file, 0, file.size) for file in files]
    count = most_bytes // PIECE
    if images:
        count = min(count, PIECES_AN_IMAGE * images)
    ordered = sorted(files, key=lambda file: file.path)
    pieces = [
        _Place(file, start, min(start + PIECE, file.size))
        for file in ordered
        for start in range(0, file.size, PIECE)
    ]
    count = min(count, len(pieces))
    return [pieces[(2 * number + 1) * len(pieces) // (2 * count)] for number in range(count)]


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files in a whole tar file. Raises: TarError if it is not one."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
        for member in tar:
            end = member.offset_data + member.size
            if member.size < 0 or end > len(content):
                raise tarfile.ReadError(f"{member.name} ends behind the end of the file")
            if member.isreg():
                yield member.name, content[member.offset_data : end]


def _members_within(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The same for a piece of a tar file from any multiple of 512 bytes; only members that it holds whole.

    A header has a checksum over 512 bytes, so image data does not pass for one by chance.
    """
    at = 0
    while at + _BLOCK <= len(content):
        try:
            member = tarfile.TarInfo.frombuf(content[at : at + _BLOCK], "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            at += _BLOCK  # inside an image, or in the padding at the end
            continue
        begin = at + _BLOCK
        if member.size < 0:
            at = begin  # otherwise the search would go back and never end
            continue
        if member.isreg() and begin + member.size <= len(content):
            yield member.name, content[begin : begin + member.size]
        at = begin + -(-member.size // _BLOCK) * _BLOCK
