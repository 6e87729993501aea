"""The paper's Table 2 and the methods after it: merges plain and with LiNeS, coefficients from validation."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaluators.experiments.merge_search import CandidateGrid, MergeConfig, MergeSearch, Score, score
from evaluators.experiments.sweeps import ALL_IMAGES, Found
from evaluators.labs.embedded_lab import TINY_CLIP, TINY_CONVNEXT
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult
from evaluators.specs.intervals import difference_interval

METHODS_SHOWN = ("sum", "ties", "consensus", "tsv-m", "iso-c", "iso-cts")
"""The paper's methods, and those on singular values."""
FILE, CONVNEXT_FILE = "merge_table.json", "convnext_merge_table.json"
TABLE_FILES = {TINY_CLIP: FILE, TINY_CONVNEXT: CONVNEXT_FILE}
"""Of the embedded models whose rows ship, by model."""


@dataclass(frozen=True)
class Table2Row:
    """One merging method on all test images of the merged tasks.

    Args:
        method: a key of ``METHODS``.
        scale: lambda of the plain merge, chosen on validation.
        plain: its score.
        alpha, beta: of LiNeS, by Eq. 2 and chosen on validation.
        lines: its score.
    """

    method: str
    scale: float
    plain: Score
    alpha: float
    beta: float
    lines: Score

    @property
    def gain(self) -> float:
        """What LiNeS changes about the mean accuracy, in percent points."""
        return 100 * (self.lines.mean - self.plain.mean)

    @property
    def gain_interval(self) -> tuple[float, float]:
        """95 % interval of what LiNeS changes about the mean accuracy."""
        before, after = ([(task.correct, task.n) for task in side.tasks] for side in (self.plain, self.lines))
        return difference_interval(before, after)


def row_of(plain: CandidateGrid, lines: CandidateGrid, found: Found) -> Table2Row | None:
    """The row of a merge under both grids of coefficients; None while something of it is not measured."""
    one, other = (grid.result(found) for grid in (plain, lines))
    if one.best is None or other.best is None or one.test is None or other.test is None:
        return None
    return Table2Row(plain.config.method, one.best[0], one.test, *other.best, other.test)


def merged_checkpoints(studio: Studio, model: str) -> tuple[str, ...]:
    """Keys of the checkpoints of a model that a merge takes by default: those of its largest suite."""
    checkpoints = studio.checkpoints(model)
    largest = Counter(checkpoint.suite for checkpoint in checkpoints).most_common(1)[0][0]
    return tuple(checkpoint.key for checkpoint in checkpoints if checkpoint.suite == largest)


def table2(studio: Studio, model: str, methods: Sequence[str] = METHODS_SHOWN) -> Iterator[Table2Row]:
    """Yield the row of each method as soon as it is measured, over all loaded images.

    Raises: SpecError if the encoder is not loaded, has no validation images, or a method cannot merge its
        checkpoints.
    Cost: twice the method's grid, on validation images; cached evaluations cost nothing.
    """
    keys = merged_checkpoints(studio, model)
    for method in methods:
        config = MergeConfig(keys, method, model=model)
        alpha = round(studio.merging_alpha(model, config.merges[0]).alpha, 9)
        search = MergeSearch(config, alpha, images=ALL_IMAGES)
        found: dict[EditSpec, Evaluation] = {}
        for grid in (search.plain, search.lines):
            found |= _measured(studio, grid.specs)
            found |= _measured(studio, grid.test_specs(grid.result(found).best))
        row = row_of(search.plain, search.lines, found)
        assert row is not None
        yield row


def references(studio: Studio, model: str) -> tuple[Score, Score]:
    """Zero-shot and the fine-tuned models on test images. Raises: SpecError as `table2`."""
    config = MergeConfig(merged_checkpoints(studio, model), model=model)
    zero_shot, finetuned = config.zero_shot(images=ALL_IMAGES), config.finetuned(images=ALL_IMAGES)
    return score(map(studio.evaluate, zero_shot)), score(map(studio.evaluate, finetuned))


def _measured(studio: Studio, specs: Sequence[EditSpec]) -> dict[EditSpec, Evaluation]:
    return {spec: studio.evaluate(spec) for spec in specs}


def save_table2(path: Path, rows: Sequence[Table2Row]) -> None:
    """Write the rows as JSON, with the counts that their intervals come from."""
    path.write_text(json.dumps([asdict(row) for row in rows], separators=(",", ":")) + "\n", "utf-8")


def read_table2(path: Path) -> tuple[Table2Row, ...]:
    """What `save_table2` wrote; nothing if there is no file."""
    if not path.exists():
        return ()
    return tuple(map(row_from, json.loads(path.read_text("utf-8"))))


def score_from(plain: Mapping[str, Any]) -> Score:
    """Inverse of ``asdict``."""
    return Score(tuple(TaskResult(**task) for task in plain["tasks"]), plain["split"], plain["complete"])


def row_from(plain: Mapping[str, Any]) -> Table2Row:
    """Inverse of ``asdict``."""
    return Table2Row(**{**plain, "plain": score_from(plain["plain"]), "lines": score_from(plain["lines"])})
