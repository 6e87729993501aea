"""Class labels in a column of text or whole numbers, whose names are its values."""

from collections.abc import Iterable, Mapping, Sequence

from evaluators.data.own_images.listed_images import MOST_CLASSES
from evaluators.errors import HubError
from evaluators.hub.images.parquet_split import range_file
from evaluators.hub.images.split_files import SplitFile
from evaluators.hub.transfer.parallel_calls import Workers
from lines_core.untrusted_text import excerpt

MOST_BYTES = 8 << 20
"""Of a column, compressed; that of 50,000 rows with ten labels has 25 kB."""
_TYPES = (
    "string",
    "large_string",
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
)


def plain_columns(features: Mapping[str, object]) -> list[str]:
    """The columns that could hold such labels, of the features of ``datasets``."""
    return [
        name for name, one in features.items() if getattr(one, "dtype", None) in _TYPES and _is_value(one)
    ]


def plain_labels(
    files: Sequence[SplitFile], columns: Iterable[str], workers: Workers
) -> dict[str, tuple[str, ...]]:
    """The values of each column in order, as text: of columns with two up to `MOST_CLASSES` of them.

    A column with an empty place, of more than `MOST_BYTES`, or that a file lacks, holds no labels, nor does
    one whose values hardly occur twice.

    Raises: HubError if a file is no parquet file, or the Hub fails; Cancelled.
    Cost: reads these columns of every file.
    """
    left = {column: set[object]() for column in columns}
    room, rows = dict.fromkeys(left, MOST_BYTES), 0
    for file in files:
        if not left:
            break
        ((_, (found, count)),) = workers.each(lambda one: _values(one, room, workers), [file])
        rows += count
        for column, (values, size) in found.items():
            left[column] |= values
            room[column] -= size
        for column in list(left):
            if column not in found or None in left[column] or len(left[column]) > MOST_CLASSES:
                del left[column], room[column]
    return {
        column: tuple(map(str, sorted(values)))  # type: ignore[type-var]  # of one type each
        for column, values in left.items()
        if 1 < len(values) <= rows / 2
    }


def _values(
    file: SplitFile, room: Mapping[str, int], workers: Workers
) -> tuple[dict[str, tuple[set[object], int]], int]:
    """Values and bytes of the columns of a file that are there and have room, and the number of rows."""
    import pyarrow
    import pyarrow.parquet

    try:
        parquet = pyarrow.parquet.ParquetFile(range_file(file, workers.traffic))
        footer, sizes = parquet.metadata, dict.fromkeys(room, 0)
        for group in map(footer.row_group, range(footer.num_row_groups)):
            for column in map(group.column, range(group.num_columns)):
                if column.path_in_schema in sizes:
                    sizes[column.path_in_schema] += column.total_compressed_size
        wanted = [one for one in room if 0 < sizes[one] <= room[one]]
        table = parquet.read(columns=wanted, use_threads=False)
        found = {one: (set(table.column(one).unique().to_pylist()), sizes[one]) for one in wanted}
        return found, footer.num_rows
    except (pyarrow.ArrowException, OSError, ValueError, LookupError) as error:
        raise HubError(f"{file.path} is no parquet file: {excerpt(str(error))}") from error


def _is_value(feature: object) -> bool:
    return type(feature).__name__ == "Value"
