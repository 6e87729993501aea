"""What a level factor does that is as strong as LiNeS: depth and strength told apart, image by image."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from evaluators.errors import EvaluationError
from evaluators.experiments.merge_search import CandidateGrid, Score
from evaluators.experiments.table2 import Table2Row, score_from
from evaluators.specs.edit_spec import MAX_COEFFICIENT
from evaluators.specs.paired_counts import Change, PairedCounts, paired_difference
from lines_core.atomic_write import atomic_write

FILE = "levels.json"
"""In the lab's ``report/``."""
TUNED, TUNED_REACH = 10, 2.5
"""Level factors to choose from where LiNeS has one candidate, the largest so many times its mean."""

Verdict = Literal["depth", "strength", "harms", "none"]
"""What LiNeS helps by, or that it does not."""


@dataclass(frozen=True)
class LevelFactor:
    """A merge with one factor in all blocks and outside them.

    Args:
        scale: the factor, chosen on validation.
        score: on test.
        from_plain: the plain merge, then this one.
        to_lines: this one, then the merge with LiNeS.
    """

    scale: float
    score: Score
    from_plain: tuple[PairedCounts, ...]
    to_lines: tuple[PairedCounts, ...]

    @property
    def strength(self) -> Change:
        """What the factor changes about the plain merge."""
        return paired_difference(self.from_plain)

    @property
    def depth(self) -> Change:
        """What LiNeS changes about it."""
        return paired_difference(self.to_lines)


@dataclass(frozen=True)
class LevelControl:
    """The control of one row of the table of methods.

    Args:
        method: a key of ``METHODS``.
        pairs: the plain merge, then the one with LiNeS.
        twin: chosen from the candidates of LiNeS, each with its mean factor in all blocks.
        tuned: chosen from ``TUNED`` others, where LiNeS has one candidate only; else None.
    """

    method: str
    pairs: tuple[PairedCounts, ...]
    twin: LevelFactor
    tuned: LevelFactor | None = None

    @property
    def gain(self) -> Change:
        """What LiNeS changes about the plain merge, image by image."""
        return paired_difference(self.pairs)

    def gain_of(self, row: Table2Row) -> Change | None:
        """The gain, if the pairs are of the very merges of a row; else None.

        They are if every task has as many images and the same net change; masks list their tasks in another
        order.
        """
        tasks = zip(row.plain.tasks, row.lines.tasks, strict=True)
        counted = sorted((after.n, after.correct - before.correct) for before, after in tasks)
        paired = sorted((pair.n, pair.gained - pair.lost) for pair in self.pairs)
        return self.gain if row.method == self.method and counted == paired else None

    @property
    def chosen(self) -> LevelFactor:
        """The level factor that validation chose."""
        return self.tuned or self.twin


def verdict(control: LevelControl) -> Verdict:
    """What LiNeS does to a merge, by the intervals.

    "depth" where it is measurably better than the plain merge and than the level factor that validation
    chose, "strength" where it is better than the plain merge only, "harms" where it is worse than one of them
    and not better than the plain merge.
    """
    (_, low, high), (_, least, most) = control.gain, control.chosen.depth
    if low > 0:
        return "depth" if least > 0 else "strength"
    return "harms" if min(high, most) < 0 else "none"


def level_twins(lines: CandidateGrid) -> CandidateGrid:
    """LiNeS's candidates without slope: in all blocks the mean of Eq. 1 over them, alpha + beta / 2.

    Raises: EvaluationError if the schedule is not linear: its mean is another one.
    """
    if lines.shape != "linear":
        raise EvaluationError(f"The mean of a {lines.shape} schedule is not α + β / 2.")
    return replace(lines, coefficients=tuple((round(a + b / 2, 9), 0.0) for a, b in lines.coefficients))


def tuned_levels(twins: CandidateGrid) -> CandidateGrid | None:
    """Level factors to choose from where there is only one twin, as far as an edit can go; else None."""
    if len(twins.coefficients) > 1:
        return None
    ((scale, _),) = twins.coefficients
    top = min(TUNED_REACH * scale, MAX_COEFFICIENT)
    return replace(
        twins, coefficients=tuple((round(top * step / TUNED, 9), 0.0) for step in range(1, TUNED + 1))
    )


def save_levels(path: Path, controls: Sequence[LevelControl]) -> None:
    """Write the controls as JSON, with the counts that their intervals come from."""
    text = json.dumps([asdict(control) for control in controls], separators=(",", ":")) + "\n"
    atomic_write(path, lambda part: part.write_text(text, encoding="utf-8"))


def read_levels(path: Path) -> dict[str, LevelControl]:
    """What `save_levels` wrote, by method; nothing if there is no file."""
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    controls = [
        LevelControl(
            row["method"],
            _pairs(row["pairs"]),
            _factor(row["twin"]),
            _factor(row["tuned"]) if row["tuned"] else None,
        )
        for row in found
    ]
    return {control.method: control for control in controls}


def _pairs(plain: Sequence[Mapping[str, int]]) -> tuple[PairedCounts, ...]:
    return tuple(PairedCounts(**one) for one in plain)


def _factor(plain: Mapping[str, Any]) -> LevelFactor:
    before, after = _pairs(plain["from_plain"]), _pairs(plain["to_lines"])
    return LevelFactor(plain["scale"], score_from(plain["score"]), before, after)
