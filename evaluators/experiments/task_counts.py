"""Merges of 8, 14 and 20 embedded tasks, and of eight drawn from the twenty: rows of Table 2 that ship."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaluators.experiments.merge_search import Score
from evaluators.experiments.table2 import Table2Row, row_from, score_from

FILE = "task_counts.json"


@dataclass(frozen=True)
class TaskCount:
    """Some tasks, merged by several methods; everything on all test images.

    Args:
        model: key of the embedded model.
        zero_shot, finetuned: on these tasks.
        rows: one a method.
    """

    model: str
    zero_shot: Score
    finetuned: Score
    rows: tuple[Table2Row, ...]

    @property
    def tasks(self) -> int:
        """How many."""
        return len(self.finetuned.tasks)

    def row(self, method: str) -> Table2Row:
        """Of a method. Raises: StopIteration if it was not measured."""
        return next(row for row in self.rows if row.method == method)


@dataclass(frozen=True)
class TaskCounts:
    """What ships.

    Args:
        sets: of 8, 14 and 20 tasks, each with those of the one before.
        drawn: sets of eight of the twenty tasks, drawn at random: as few, but of the twenty's kind.
    """

    sets: tuple[TaskCount, ...]
    drawn: tuple[TaskCount, ...]


def save_task_counts(path: Path, counts: TaskCounts) -> None:
    """Write them as JSON, with the counts that their intervals come from."""
    path.write_text(json.dumps(asdict(counts), separators=(",", ":")) + "\n", "utf-8")


def read_task_counts(path: Path) -> TaskCounts:
    """What ``save_task_counts`` wrote; nothing if there is no file."""
    if not path.exists():
        return TaskCounts((), ())
    plain = json.loads(path.read_text("utf-8"))
    return TaskCounts(_sets(plain["sets"]), _sets(plain["drawn"]))


def _sets(plain: Sequence[Mapping[str, Any]]) -> tuple[TaskCount, ...]:
    return tuple(
        TaskCount(
            one["model"],
            score_from(one["zero_shot"]),
            score_from(one["finetuned"]),
            tuple(map(row_from, one["rows"])),
        )
        for one in plain
    )
