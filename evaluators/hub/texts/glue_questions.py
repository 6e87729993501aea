"""Questions of a task of GLUE from its parquet files, in the words that checkpoints were fine-tuned with.

The labels of GLUE's test splits are hidden, and its training rows were fine-tuned on. So validation and test
questions are both drawn from the published validation split, each from its own half of the rows
(`row_choice.half_of`): what is chosen on the one is reported on the other.
"""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from huggingface_hub.errors import OfflineModeIsEnabled

from evaluators.data.image_subset import SEED
from evaluators.data.text_questions import TextQuestion, read_questions, save_questions
from evaluators.errors import HubError, LabError
from evaluators.hub.images.preparation_files import cache_commit, name_of, read_commit
from evaluators.hub.images.row_choice import RowGroup, choose_rows, in_half
from evaluators.hub.images.split_files import find_commit, list_split
from evaluators.hub.transfer.http_client import PATIENCE, Refused, Unreachable
from evaluators.hub.transfer.parallel_calls import Progress, Workers
from evaluators.hub.transfer.repository_files import fetch
from evaluators.zoo.public_texts import COLUMN, GLUE_REPO, GlueTask
from lines_core.untrusted_text import excerpt, quoted

VERSION = 1
MOST_BYTES, MOST_ROWS = 64 << 20, 1_000_000
"""Of a file; the largest, QQP's, has 4 MB and 40,430 rows."""
MOST_TEXT = 20_000
"""Letters of one column's text; the longest context of QNLI has a few thousand."""
_LOG = logging.getLogger(__name__)


class GlueQuestions(NamedTuple):
    """Questions of a task and split.

    Attributes:
        questions: in seeded order, balanced by label.
        digest: names commit, task and choice.
    """

    questions: tuple[TextQuestion, ...]
    digest: str


def glue_questions(
    task: GlueTask,
    split: str,
    count: int,
    cache: Path,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> GlueQuestions:
    """Questions of a task, from the cache or else from the Hub.

    If the Hub cannot be reached, cached questions of the last known commit are used.

    Args:
        split: ``"val"`` or ``"test"``, one half of the rows each.
        count: of questions; the half may have fewer.
        cache: folder for prepared questions.
        progress: called with bytes done and in total.
    Raises: HubError; Cancelled.
    """
    place = cache / f"{name_of(GLUE_REPO)}.json"
    with Workers(stop, PATIENCE) as workers:
        try:
            commit = workers.call(lambda: find_commit(GLUE_REPO, "main"))
        except HubError as error:
            known = read_commit(place)
            if known is None or not isinstance(error.__cause__, Refused | Unreachable | OfflineModeIsEnabled):
                raise
            if (cached := _cached(task, split, count, cache, known)) is None:
                raise
            _LOG.info("The Hub cannot be reached: cached questions of %s are used.", task.title)
            return cached
        if (cached := _cached(task, split, count, cache, commit)) is not None:
            return cached
        files = workers.call(lambda: list_split(GLUE_REPO, task.key, task.split, commit))
    rows = [
        (file.path, *row)
        for file in files
        for row in _rows(task, _fetched(file.path, commit, progress, stop), file.path)
    ]
    questions = _chosen(task, split, count, rows)
    path, digest = _place(task, split, count, cache, commit)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_questions(path, questions)
        cache_commit(place, commit, {"repo": GLUE_REPO, "revision": "main"})
    except OSError as error:
        _LOG.warning("Questions of %s could not be kept in %s: %s", task.title, cache, error)
    return GlueQuestions(questions, digest)


def _place(task: GlueTask, split: str, count: int, cache: Path, commit: str) -> tuple[Path, str]:
    digest = name_of(VERSION, SEED, commit, task.key, task.split, task.prompt, task.words, split, count)
    return cache / f"{task.key}-{split}-{digest}.json", digest


def _cached(task: GlueTask, split: str, count: int, cache: Path, commit: str) -> GlueQuestions | None:
    path, digest = _place(task, split, count, cache, commit)
    if not path.is_file():
        return None
    try:
        return GlueQuestions(read_questions(path, len(task.words)), digest)
    except LabError as error:
        _LOG.warning("Cached questions of %s are read from the Hub again: %s", task.title, error)
        return None


def _fetched(name: str, commit: str, progress: Progress | None, stop: threading.Event | None) -> Path:
    most = MOST_BYTES
    return fetch(
        GLUE_REPO, name, kind="dataset", revision=commit, progress=progress, stop=stop, most_bytes=most
    ).path


def _rows(task: GlueTask, path: Path, name: str) -> Iterator[tuple[int, dict[str, str], int]]:
    """Number, texts and label of each row of a file. Raises: HubError for other columns or values."""
    import pyarrow
    import pyarrow.parquet

    columns = [*task.columns, "label"]
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            absent = [column for column in columns if column not in file.schema_arrow.names]
            if absent or file.metadata.num_rows > MOST_ROWS:
                raise HubError(
                    f"{name} of {GLUE_REPO} has {file.metadata.num_rows:,} rows and the columns "
                    f"{excerpt(', '.join(file.schema_arrow.names), 200)}, expected {', '.join(columns)}."
                )
            table = file.read(columns=columns, use_threads=False)
    except (pyarrow.ArrowException, OSError) as error:
        raise HubError(f"{name} of {GLUE_REPO} is no parquet file: {excerpt(str(error))}") from error
    for number, row in enumerate(table.to_pylist()):
        label: Any = row.pop("label")
        texts = [value for value in row.values() if isinstance(value, str) and len(value) <= MOST_TEXT]
        if len(texts) < len(row) or type(label) is not int or not 0 <= label < len(task.words):
            raise HubError(
                f"Row {number} of {name} of {GLUE_REPO} has the label {quoted(label)} and {len(texts)} texts "
                f"of at most {MOST_TEXT:,} letters, expected 0 to {len(task.words) - 1} and {len(row)}."
            )
        yield number, row, label


def _chosen(
    task: GlueTask, split: str, count: int, rows: list[tuple[str, int, dict[str, str], int]]
) -> tuple[TextQuestion, ...]:
    """Rows of the split's half, in seeded order and balanced by label. Raises: HubError if there are none."""
    names = sorted({file for file, *_ in rows})
    groups, texts = [], []
    for name in names:
        inside = [(row, label) for file, _, row, label in rows if file == name]
        labels = np.array([label for _, label in inside], dtype=np.int64)
        groups.append(RowGroup(name, 0, 0, 0, labels))
        texts.append([row for row, _ in inside])
    found = choose_rows(groups, in_half(groups, split), count, name=f"{task.key}-{split}", most_bytes=1)
    if not found:
        raise HubError(f"{GLUE_REPO} has no {split} questions of {task.title}.")
    return tuple(
        TextQuestion(asked(task.prompt, texts[row.group][row.row]), task.words, row.label) for row in found
    )


def asked(prompt: str, texts: dict[str, str]) -> str:
    """The prompt with a row's texts in the place of its columns; braces in them stay as they are.

    >>> asked("Is '{sentence}' {odd}?", {"sentence": "{odd}", "odd": "odd"})
    "Is '{odd}' odd?"
    """
    return COLUMN.sub(lambda match: texts[match[1]], prompt)
