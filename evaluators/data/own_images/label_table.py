"""Classes from a CSV file that lies beside the images: paths in one column, labels in another."""

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from evaluators.data.own_images import image_source as source
from evaluators.data.own_images.image_source import ImageSource
from evaluators.data.own_images.listed_images import SPLIT_NAMES, ListedImages, from_folders, listed
from evaluators.errors import ImageError, TaskError
from lines_core.untrusted_text import excerpt, first_names, quoted

MOST_TABLE_BYTES = 8 << 20
_LOOKED_AT = 200
"""Rows by which the columns are told apart."""
_MOST_COLUMNS = 100
_DEEPEST = 16
"""Folders of an entry that are compared."""
_LABELS = ("label", "labels", "class", "class_name", "classname", "category", "target", "species", "breed")
_SPLITS = ("split", "set", "subset", "partition", "fold")
Rows = list[list[str]]


def find_images(files: ImageSource) -> ListedImages:
    """The images of a source: by its table of labels if it has one that names them, else by their folders.

    Raises: TaskError if there are no two classes, or the table cannot be read.
    """
    tables = [name for name in files.names if source.ending(name) in source.TABLE_ENDINGS]
    images = [name for name in files.names if source.ending(name) in source.IMAGE_ENDINGS]
    named = _of_tables(files, tables, images)
    if not named:
        return from_folders(files.names, files.skipped)
    skipped = Counter(files.skipped)
    skipped[source.NO_IMAGE] += len(files.names) - len(images) - len(tables)
    labelled = {name for name, _, _ in named}
    skipped[source.NO_CLASS] += len(images) - len(labelled)
    skipped[source.TWICE] += len(named) - len(labelled)
    return listed(list({row[0]: row for row in reversed(named)}.values()), +skipped)


def _of_tables(
    files: ImageSource, tables: Sequence[str], images: Sequence[str]
) -> list[tuple[str, str, str]]:
    """(file, class, split) of every row of the tables that names an image."""
    found: list[tuple[str, str, str]] = []
    fitting = []
    for table in tables:
        rows = _rows(files, table)
        resolve = _resolver(images, PurePosixPath(table).parent.as_posix())
        named = _named(table, rows, resolve)
        if named:
            fitting.append(table)
            found += named
    splits = [SPLIT_NAMES.get(PurePosixPath(table).stem.lower(), "") for table in fitting]
    if len(fitting) > 1 and (not all(splits) or len(set(splits)) < len(splits)):
        raise TaskError(f"Several tables name the images: keep one of {first_names(fitting)}.")
    return found


def _rows(files: ImageSource, table: str) -> Rows:
    try:
        content = files.read(table)
        if len(content) > MOST_TABLE_BYTES:
            raise TaskError(f"{quoted(table)} has more than the {MOST_TABLE_BYTES >> 20} MB that are read.")
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TaskError(f"{quoted(table)} is not text in UTF-8: save it as CSV (UTF-8).") from error
    except ImageError as error:
        raise TaskError(f"{quoted(table)} cannot be read: {error}.") from error
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise TaskError(f"{quoted(table)} is no CSV file: {excerpt(str(error), 200)}.") from error


def _named(table: str, rows: Rows, resolve: Callable[[str], str | None]) -> list[tuple[str, str, str]]:
    """(file, class, split) of every row that names an image; empty if the table is about something else."""
    some = rows[: _LOOKED_AT + 1]
    width = max(map(len, rows), default=0)
    hits = [
        sum(len(row) > column and resolve(row[column]) is not None for row in some)
        for column in range(min(width, _MOST_COLUMNS))
    ]
    if not any(hits):
        return []
    paths = hits.index(max(hits))
    heading = [cell.strip().lower() for cell in rows[0]] if resolve(rows[0][paths]) is None else []
    body = rows[1:] if heading else rows
    split = next((column for column, cell in enumerate(heading) if cell in _SPLITS), None)
    labels = _label_column(table, heading, body, {paths, split}, width)
    of_table = SPLIT_NAMES.get(PurePosixPath(table).stem.lower(), "")
    found = []
    for row in body:
        file = resolve(row[paths]) if len(row) > max(paths, labels) else None
        if file is not None and (label := " ".join(row[labels].split())):
            named_split = row[split].strip().lower() if split is not None and len(row) > split else ""
            found.append((file, label, SPLIT_NAMES.get(named_split, of_table)))
    return found


def _label_column(table: str, heading: Sequence[str], body: Rows, taken: set[int | None], width: int) -> int:
    """The column of the labels: by its heading, else the only one in which values repeat."""
    for wanted in _LABELS:
        if wanted in heading:
            return heading.index(wanted)
    some = body[:_LOOKED_AT]
    kinds = {
        column: len({row[column] for row in some if len(row) > column})
        for column in range(width)
        if column not in taken
    }
    fitting = [column for column, count in kinds.items() if 2 <= count < max(3, len(some))]
    if len(kinds) == 1:
        return next(iter(kinds))
    if len(fitting) != 1:
        raise TaskError(
            f"{quoted(table)} does not say which column holds the labels: call it label. Its first row is "
            f"{first_names(heading or body[0])}."
        )
    return fitting[0]


def _resolver(images: Sequence[str], home: str) -> Callable[[str], str | None]:
    """Finds the image that an entry of a table in folder ``home`` means: by its path, or the end of it.

    An end that fits several images means none of them. Entries are only looked up, never opened.
    """
    by_end: dict[str, str | None] = {}
    for name in images:
        parts = PurePosixPath(name).with_suffix("").parts, PurePosixPath(name).parts
        for end in {"/".join(each[start:]) for each in parts for start in range(len(each))}:
            by_end[end] = None if end in by_end else name
    exact = set(images)

    def resolve(entry: str) -> str | None:
        plain = unicodedata.normalize("NFC", entry).strip().replace("\\", "/")
        parts = [part for part in plain.split("/") if part not in ("", ".")]
        for candidate in ("/".join([home, *parts]), "/".join(parts)):
            if candidate in exact:
                return candidate
        ends = ("/".join(parts[start:]) for start in range(max(0, len(parts) - _DEEPEST), len(parts)))
        return next((found for end in ends if (found := by_end.get(end))), None)

    return resolve
