"""The section on learned coefficients says what its numbers are, whichever way they turn out."""

import json
from dataclasses import replace
from pathlib import Path

from evaluators.experiments.learned_merge import LearnedMerge, MergeCost, ShippedLearning, save_shipped
from evaluators.specs.evaluation import Evaluation
from tests.paths import ASSETS
from training.learning_study import SWEEP
from training.report_learned import learned_section


def shipping(folder: Path, runs: tuple[LearnedMerge, ...]) -> str:
    """The section of a lab with some runs and the shipped references."""
    cost = MergeCost(3.0, 48, 480)
    save_shipped(folder, ShippedLearning(runs, {"plain": cost, "lines": cost}))
    (folder / "sweeps").mkdir(exist_ok=True)
    (folder / "sweeps" / SWEEP).write_bytes((ASSETS / "sweeps" / SWEEP).read_bytes())
    return "\n".join(learned_section(folder))


def lines() -> Evaluation:
    """LiNeS on all test images, as it ships."""
    found = map(Evaluation.from_dict, json.loads((ASSETS / "sweeps" / SWEEP).read_text("utf-8")))
    return next(one for one in found if one.spec.beta)


def test_the_section_follows_the_intervals(tmp_path: Path) -> None:
    reference = lines().target_tasks
    profile = {"attention": ((0.1,) * 6 + (0.4,) * 6,) * 8, "mlp": ((0.2,) * 12,) * 8}
    same = LearnedMerge("adamerging", "val", 0, 500, profile, (), reference, MergeCost(9.0, 0, 64000, 64000))
    right = replace(
        same, learner="atlas", steps=99, tasks=tuple(replace(task, correct=task.n) for task in reference)
    )
    wrong = replace(same, split="test", tasks=tuple(replace(task, correct=0) for task in reference))
    said = shipping(tmp_path, (same, right, replace(right, seed=1), wrong))
    assert "AdaMerging is not measurably different from LiNeS: +0.0 points" in said
    assert "aTLAS is better than LiNeS" in said
    assert "seed by seed 100.0, 100.0" in said
    assert "| ± 0.0 of 2 |" in said
    assert "AdaMerging on the test images is worse than LiNeS" in said
    assert "aTLAS, 99 steps of the 250" in said
    assert "LiNeS 0.166 and 0.384; AdaMerging attention 0.100 and 0.400, MLP 0.200 and 0.200" in said
    assert "AdaMerging in part (attention 0.04 to 0.46)" in said
    assert "| AdaMerging, attention | 0.87 | 0.04 to 0.46 | 0.086 | 0.150 | yes |" in said
    assert "| AdaMerging, MLP | 0.00 | 0.20 to 0.20 | 0.120 | 0.000 | no |" in said
    assert "a rank correlation above 0.59, which an order of 12 blocks" in said
    assert "| LiNeS, β = 0.3 as in the paper | 71.7 (70.2 to 73.1) | – | 0 | 0 | 0 | 0 |" in said
    assert (tmp_path / "report" / "learned.png").stat().st_size > 10_000


def test_a_lab_without_learned_merges_has_no_section(tmp_path: Path) -> None:
    assert list(learned_section(tmp_path)) == []
