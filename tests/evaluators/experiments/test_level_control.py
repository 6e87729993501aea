"""Depth and strength of a merge told apart: the level factors tried, and the verdict of the intervals."""

from pathlib import Path

import pytest

from evaluators.errors import EvaluationError
from evaluators.experiments.level_control import (
    FILE,
    TUNED,
    LevelControl,
    LevelFactor,
    level_twins,
    read_levels,
    save_levels,
    tuned_levels,
    verdict,
)
from evaluators.experiments.merge_search import CandidateGrid, MergeConfig, MergeSearch, Score
from evaluators.experiments.table2 import FILE as TABLE
from evaluators.experiments.table2 import read_table2
from evaluators.specs.edit_spec import MAX_COEFFICIENT
from evaluators.specs.evaluation import TaskResult
from evaluators.specs.paired_counts import PairedCounts
from tests.paths import ROOT

UP, DOWN, SAME = (PairedCounts(60, 10, 400),), (PairedCounts(10, 60, 400),), (PairedCounts(30, 30, 400),)
KEYS = ("digits", "faces")


def control(
    gain: tuple[PairedCounts, ...],
    depth: tuple[PairedCounts, ...],
    tuned: tuple[PairedCounts, ...] | None = None,
) -> LevelControl:
    """A control with these changes: LiNeS against plain, against its twin, against a tuned level factor."""
    scored = Score((TaskResult("digits", "Digits", "target", 300, 400),), "test")
    other = None if tuned is None else LevelFactor(2.0, scored, UP, tuned)
    return LevelControl("sum", gain, LevelFactor(1.5, scored, SAME, depth), other)


def test_only_what_a_level_factor_does_not_do_is_depth() -> None:
    assert verdict(control(UP, UP)) == "depth"
    assert verdict(control(UP, SAME)) == "strength"
    assert verdict(control(UP, UP, tuned=DOWN)) == "strength", "a stronger level factor is better still"
    assert verdict(control(SAME, SAME)) == verdict(control(SAME, UP)) == "none"
    assert verdict(control(DOWN, SAME)) == verdict(control(SAME, DOWN)) == "harms"


def test_a_level_twin_is_as_strong_as_its_candidate() -> None:
    """Eq. 1's mean over the blocks, outside of them too, and as many candidates as LiNeS has."""
    lines = MergeSearch(MergeConfig(KEYS), alpha=0.125).lines
    twins = level_twins(lines)
    assert len(twins.coefficients) == len(lines.coefficients)
    for (alpha, beta), specs in zip(lines.coefficients, twins.candidates.values(), strict=True):
        (spec,), blocks = specs, 4
        wanted = sum(alpha + beta * block / (blocks - 1) for block in range(blocks)) / blocks
        assert spec.alpha == pytest.approx(wanted)
        assert spec.beta == 0.0
        assert (spec.split, spec.outside) == ("val", "alpha")
    assert tuned_levels(twins) is None
    with pytest.raises(EvaluationError, match="mean of a sqrt schedule"):
        level_twins(MergeSearch(MergeConfig(KEYS), 0.125, "sqrt").lines)


def test_one_candidate_has_more_level_factors_beside_it() -> None:
    """Up to two and a half times as strong, and no farther than an edit can go."""

    def levels(alpha: float) -> list[float]:
        lines = CandidateGrid(MergeConfig(KEYS, "average"), ((alpha, 1.0),), "linear", 200, 200)
        tuned = tuned_levels(level_twins(lines))
        assert tuned is not None
        assert len(tuned.candidates) == TUNED
        return [scale for scale, _ in tuned.coefficients]

    assert levels(1.0)[-1] == pytest.approx(3.75)
    assert levels(7.7)[-1] == MAX_COEFFICIENT


def test_controls_survive_a_file(tmp_path: Path) -> None:
    kept = [control(UP, SAME, tuned=DOWN)]
    save_levels(tmp_path / FILE, kept)
    assert read_levels(tmp_path / FILE) == {"sum": kept[0]}
    assert read_levels(tmp_path / "none") == {}


def test_shipped_controls_are_of_the_merges_in_the_table() -> None:
    """The same plain merge and the same LiNeS, counted again with their predictions."""
    report = ROOT / "assets" / "report"
    rows, controls = read_table2(report / TABLE), read_levels(report / FILE)
    assert [row.method for row in rows] == list(controls)
    for row in rows:
        found = controls[row.method]
        assert 100 * found.gain[0] == pytest.approx(row.gain)
        for level in filter(None, (found.twin, found.tuned)):
            assert level.score.mean - level.strength[0] == pytest.approx(row.plain.mean)
            assert level.score.mean + level.depth[0] == pytest.approx(row.lines.mean)
