"""Merges of 8, 14 and 20 embedded tasks, and of eight drawn from the twenty: rows of Table 2 that ship."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaluators.experiments.merge_search import Score
from evaluators.experiments.table2 import Table2Row, row_from, score_from
from evaluators.specs.intervals import difference_interval
from evaluators.specs.paired_counts import Change

FILE = "task_counts.json"
SHRUNK = 0.3
"""gamma of the models with shrunk shallow layers: what LiNeS leaves of block 1."""


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


def change_on(keys: Collection[str], before: Score, after: Score) -> Change:
    """Of some tasks of both scores. Raises: EvaluationError if none is among them."""
    sides = [[task for task in side.tasks if task.key in keys] for side in (before, after)]
    was, now = (sum(task.accuracy for task in side) / max(1, len(side)) for side in sides)
    first, second = ([(task.correct, task.n) for task in side] for side in sides)
    return now - was, *difference_interval(first, second)


@dataclass(frozen=True)
class TaskCounts:
    """What ships.

    Args:
        sets: of 8, 14 and 20 tasks, each with those of the one before.
        drawn: sets of eight of the twenty tasks, drawn at random: as few, but of the twenty's kind.
        shrunk: each of the twenty tasks' own model with its shallow layers shrunk; None if not measured.
    """

    sets: tuple[TaskCount, ...] = ()
    drawn: tuple[TaskCount, ...] = ()
    shrunk: Score | None = None

    @property
    def usual(self) -> tuple[str, ...]:
        """Keys of the tasks of the smallest set."""
        return tuple(task.key for task in self.sets[0].finetuned.tasks)

    @property
    def questions(self) -> tuple[str, ...]:
        """Keys of the tasks that the largest set adds to them."""
        return tuple(task.key for task in self.sets[-1].finetuned.tasks if task.key not in self.usual)


def save_task_counts(path: Path, counts: TaskCounts) -> None:
    """Write them as JSON, with the counts that their intervals come from."""
    path.write_text(json.dumps(asdict(counts), separators=(",", ":")) + "\n", "utf-8")


def read_task_counts(path: Path) -> TaskCounts:
    """What ``save_task_counts`` wrote; nothing if there is no file."""
    if not path.exists():
        return TaskCounts()
    plain = json.loads(path.read_text("utf-8"))
    shrunk = plain["shrunk"] and score_from(plain["shrunk"])
    return TaskCounts(_sets(plain["sets"]), _sets(plain["drawn"]), shrunk)


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
