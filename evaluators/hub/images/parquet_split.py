"""A split in parquet files: footers and labels are read first, images by the row group on demand."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from evaluators.errors import HubError
from evaluators.hub.images.labels import check_names, classes_of
from evaluators.hub.images.row_choice import RowGroup, sort_groups
from evaluators.hub.images.split_files import SplitFile
from evaluators.hub.transfer.parallel_calls import Traffic, Workers
from evaluators.hub.transfer.range_file import RangeFile
from evaluators.zoo.public_tasks import HubTask
from lines_core.untrusted_text import excerpt

WHOLE = 4 << 20
"""Bytes up to which a file is read at once, which is faster than range requests for its parts."""
MOST_ROWS = 10_000_000
"""Limit of the rows that a file may claim; the largest known split has 262,144."""
MOST_UNPACKED = 2 << 30
"""Limit of the uncompressed bytes that a row group's images may claim."""
_ODD_SCHEMA = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""Exceptions of ``datasets`` for a malformed description of the columns."""


@dataclass(frozen=True)
class _Shard:
    """A file with its footer; a small one with its content."""

    file: SplitFile
    footer: Any
    content: bytes | None


class ParquetSplit:
    """The files of a split: labels are read at once, images on demand.

    Of an image only the column of its bytes is read. A label that is the same throughout a row group is taken
    from the footer, so the labels cost at most about one small request a row group, eight at a time.

    Args:
        task: names the columns and classes.
        files: of the split.
        workers: to read with.
        values: of labels in a column without class names, as for `classes_of`.
    Raises: HubError if a file is no parquet file, has other columns or other classes, or the Hub fails;
        Cancelled.
    """

    def __init__(
        self, task: HubTask, files: Sequence[SplitFile], workers: Workers, values: Sequence[str] = ()
    ) -> None:
        self._task = task
        self._values = values
        self._traffic = workers.traffic
        self._shards = {file.path: shard for file, shard in workers.each(self._open_shard, files)}
        places = [
            (path, index)
            for path, shard in self._shards.items()
            for index in range(shard.footer.num_row_groups)
        ]
        self.groups = sort_groups(group for _, group in workers.each(self._read_labels, places))

    def encoded(self, group: RowGroup, rows: Sequence[int]) -> list[bytes]:
        """The image files of some rows of a group, undecoded."""
        column = self._task.image_column
        shard = self._shards[group.file]
        table = self._read(shard, group.index, shard.footer.schema.column(self._image_leaf(shard)).path)
        images = table.column(column).take(list(rows)).to_pylist()
        found = [image and image["bytes"] for image in images]
        for row, content in zip(rows, found, strict=True):
            if not isinstance(content, bytes):
                raise HubError(
                    f"{group.file} has no image in row {group.first_row + row} of column {column!r}."
                )
        return found

    def _open_shard(self, file: SplitFile) -> _Shard:
        import datasets
        import pyarrow
        import pyarrow.parquet

        content = None
        stream: BinaryIO | RangeFile = range_file(file, self._traffic)
        if file.size <= WHOLE:
            content = stream.read()
            stream = io.BytesIO(content)
        try:
            footer = pyarrow.parquet.read_metadata(stream)
            features = datasets.Features.from_arrow_schema(footer.schema.to_arrow_schema())
        except (pyarrow.ArrowException, OSError, *_ODD_SCHEMA) as error:
            raise HubError(
                f"{file.path} of {self._task.repo} is no parquet file: {excerpt(str(error))}"
            ) from error
        counts = [footer.row_group(index).num_rows for index in range(footer.num_row_groups)]
        if min(counts, default=0) < 0 or sum(counts) > MOST_ROWS:
            raise HubError(
                f"{file.path} of {self._task.repo} claims {sum(counts):,} rows, not up to {MOST_ROWS:,}."
            )
        for column in (self._task.image_column, self._task.label_column):
            if column not in features:
                raise HubError(
                    f"{file.path} of {self._task.repo} has no column {column!r}, but {_names(features)}."
                )
        check_names(self._task, getattr(features[self._task.label_column], "names", None))
        return _Shard(file, footer, content)

    def _read_labels(self, place: tuple[str, int]) -> RowGroup:
        path, index = place
        shard = self._shards[path]
        group = shard.footer.row_group(index)
        labels = self._constant(group)
        if labels is None:
            labels = self._read(shard, index, self._task.label_column).column(0).to_pylist()
        first_row = sum(shard.footer.row_group(before).num_rows for before in range(index))
        images = group.column(self._image_leaf(shard))
        cost, unpacked = images.total_compressed_size, images.total_uncompressed_size
        if cost < 0 or not 0 <= unpacked <= MOST_UNPACKED:
            raise HubError(
                f"Row group {index} of {path} of {self._task.repo} claims {unpacked:,} bytes of images, "
                f"unpacked are at most {MOST_UNPACKED:,}."
            )
        return RowGroup(path, index, first_row, cost, classes_of(self._task, labels, path, self._values))

    def _constant(self, group: Any) -> list[Any] | None:
        """The labels of a row group if its footer shows that they are all the same."""
        columns = map(group.column, range(group.num_columns))
        statistics = next(c.statistics for c in columns if c.path_in_schema == self._task.label_column)
        if statistics is None or not (statistics.has_min_max and statistics.has_null_count):
            return None
        if statistics.null_count or statistics.min != statistics.max:
            return None
        if isinstance(statistics.min, str | bytes):  # may be cut short
            return None
        return [statistics.min] * int(group.num_rows)

    def _image_leaf(self, shard: _Shard) -> int:
        """Index of the column with the bytes of the images."""
        paths = [shard.footer.schema.column(number).path for number in range(shard.footer.num_columns)]
        leaf = f"{self._task.image_column}.bytes"
        if leaf in paths:
            return paths.index(leaf)
        raise HubError(
            f"{shard.file.path} of {self._task.repo} has no images in column {self._task.image_column!r}: "
            f"its columns are {_names(paths)}."
        )

    def _read(self, shard: _Shard, index: int, column: str) -> Any:
        import pyarrow
        import pyarrow.parquet

        file = shard.file
        stream: BinaryIO | RangeFile = range_file(file, self._traffic)
        if shard.content is not None:
            stream = io.BytesIO(shard.content)
        try:
            file = pyarrow.parquet.ParquetFile(stream, metadata=shard.footer)
            return file.read_row_group(index, columns=[column], use_threads=False)
        except (pyarrow.ArrowException, OSError) as error:
            raise HubError(
                f"Row group {index} of {shard.file.path} of {self._task.repo} is damaged: "
                f"{excerpt(str(error))}"
            ) from error


def range_file(file: SplitFile, traffic: Traffic) -> RangeFile:
    """A file of a split, read by ranges."""
    return RangeFile(file.repo, file.path, file.url, file.size, traffic, file.public)


def _names(columns: Iterable[str]) -> str:
    return excerpt(", ".join(columns), 200)
