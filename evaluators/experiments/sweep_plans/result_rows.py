"""Evaluations as a table for other programs: a row for each position and task, written as parquet."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evaluators.specs.evaluation import Evaluation
from lines_core.atomic_write import atomic_write

COLUMNS = (
    "model", "tasks", "checkpoint", "merged", "method", "settings", "merge_task", "shape", "alpha", "beta",
    "outside", "mix", "split", "images", "task", "role", "correct", "n", "accuracy", "low", "high",
    "seconds", "device", "dtype", "precomputed", "spec",
)  # fmt: skip
"""Of the table: low and high are Wilson's 95 % interval, ``spec`` is ``EditSpec.as_dict`` as JSON."""


def result_rows(evaluations: Iterable[Evaluation]) -> Iterator[dict[str, Any]]:
    """A mapping of `COLUMNS` for each task of each evaluation; ``tasks``: so many are counted together."""
    for evaluation in evaluations:
        spec, merge = evaluation.spec, evaluation.spec.merge
        position = {
            "model": spec.model,
            "tasks": len(evaluation.tasks),
            "checkpoint": "" if merge else spec.checkpoint,
            "merged": " ".join(merge.checkpoints) if merge else "",
            "method": merge.method if merge else "",
            "settings": json.dumps(dict(merge.settings)) if merge else "",
            "merge_task": merge.task if merge else "",
            **{name: getattr(spec, name) for name in ("shape", "alpha", "beta", "outside", "mix", "split")},
            "images": spec.images,
        }
        rest = {
            **{name: getattr(evaluation, name) for name in ("seconds", "device", "dtype", "precomputed")},
            "spec": json.dumps(spec.as_dict(), sort_keys=True),
        }
        for task in evaluation.tasks:
            names = ("role", "correct", "n", "accuracy", "low", "high")
            yield position | {"task": task.key} | {name: getattr(task, name) for name in names} | rest


def write_results(path: Path, evaluations: Iterable[Evaluation], about: Mapping[str, str]) -> int:
    """Write the table atomically; the number of its rows.

    Args:
        about: metadata of the file.
    Raises: OSError.
    """
    import pyarrow
    from pyarrow import parquet

    rows = list(result_rows(evaluations))
    table = pyarrow.table({name: [row[name] for row in rows] for name in COLUMNS})
    table = table.replace_schema_metadata(dict(about))
    atomic_write(path, lambda part: parquet.write_table(table, part, compression="zstd"))
    return len(rows)
