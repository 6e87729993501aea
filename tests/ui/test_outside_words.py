"""What is said of the weights in no block follows the measured hits."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.experiments.merge_search import Score
from evaluators.experiments.outside_rules import (
    AFTER,
    BEFORE,
    FILE,
    FINETUNED,
    OutsideRules,
    RuleMerge,
    RuleSet,
    read_outside_rules,
    save_outside_rules,
)
from evaluators.experiments.table2 import Table2Row
from evaluators.experiments.task_counts import TaskCount, TaskCounts
from evaluators.specs.evaluation import TaskResult
from evaluators.specs.image_hits import Hits
from lines_core.editing import OUTSIDE_RULES
from tests.paths import ROOT
from ui.merge.outside_words import best_rules, cause, default_verdict, rule_table, rule_verdict
from ui.merge.task_count_table import task_count_table

RIGHT: Mapping[str, int] = {"alpha": 200, "depth": 260, "pretrained": 150, "finetuned": 201}
"""Rule -> images of 400 that a merge with LiNeS names correctly."""


def hits(right: int) -> dict[str, Hits]:
    return {"colours": Hits((1 << right) - 1, 400)}


def merge(lines: bool, rule: str, right: int) -> RuleMerge:
    return RuleMerge("sum", lines, rule, 0.2, 0.3 if lines else 0.0, right / 400, hits(right))


def rule_set(right: Mapping[str, int] = RIGHT) -> RuleSet:
    with_lines = (merge(True, rule, right[rule]) for rule in OUTSIDE_RULES)
    return RuleSet("tiny-clip", (merge(False, "alpha", 200), *with_lines))


def own(before: int, blocks: int, after: int) -> OutsideRules:
    edits = {FINETUNED: hits(380), BEFORE: hits(before), "linear.finetuned": hits(blocks), AFTER: hits(after)}
    return OutsideRules((rule_set(),), {"test": edits})


def test_a_rule_helps_where_its_interval_says_so() -> None:
    said = rule_verdict(rule_set())
    assert said.startswith("With 1 tasks, told image by image, LiNeS measurably helps if the weights")
    assert "get α, as in the paper: no method; " in said
    assert "nearest block (α before block 1, α + β after the last): Task arithmetic +15.0 points (" in said
    assert said.endswith("stay pre-trained: no method; keep the whole merged change: no method.")


def test_the_rules_stand_in_a_table_that_says_which_weights() -> None:
    """They were one paragraph on "the weights in no block"."""
    shown = rule_table(rule_set(), ["colours"], ["colours"])
    assert "outside the blocks (the embeddings and ln_pre before them, ln_post and proj after them)" in shown
    assert "no block" not in shown
    assert shown.count('<th scope="row">') == len(OUTSIDE_RULES)
    assert re.search(r"they get the factor of the nearest block .*?<td>Task arithmetic \+15.0 points", shown)


def test_the_part_that_costs_most_is_named_only_if_it_stands_out() -> None:
    assert cause(own(300, 370, 378), ["colours"]).endswith(
        "Most is lost by the weights before block 1 (embeddings, ln_pre)."
    )
    assert cause(own(370, 300, 378), ["colours"]).endswith("Most is lost by the blocks, by LiNeS.")
    assert cause(own(370, 369, 371), ["colours"]).endswith("No part of the model stands out.")


def test_a_gain_is_told_image_by_image_where_that_was_measured() -> None:
    score = Score((TaskResult("colours", "Colours", "target", 200, 400),), "test")
    better = replace(score, tasks=(replace(score.tasks[0], correct=210),))
    count = TaskCount("tiny-clip", score, score, (Table2Row("sum", 0.2, score, 0.3, 0.3, better),))
    right = {**RIGHT, "alpha": 210}
    known, least, _ = OutsideRules((rule_set(right),)).lines_gain(count, "sum")
    unknown, lowest, _ = OutsideRules().lines_gain(count, "sum")
    assert known == pytest.approx(unknown) == pytest.approx(0.025)
    assert least > 0 > lowest


def test_the_default_is_judged_on_validation() -> None:
    one, other = rule_set(), replace(rule_set({**RIGHT, "finetuned": 300}), model="tiny-clip-20")
    assert best_rules(OutsideRules((one, other))) == {"sum": ["depth", "finetuned"]}
    assert default_verdict(OutsideRules((one, other))).endswith("so the paper's stays.")
    assert default_verdict(OutsideRules((one,))).endswith("always “By depth”, not the paper's.")


def test_what_ships_is_read_as_it_was_written_and_shown(tmp_path: Path) -> None:
    shipped = read_outside_rules(ROOT / "assets" / "report" / FILE)
    save_outside_rules(tmp_path / FILE, shipped)
    assert read_outside_rules(tmp_path / FILE) == shipped
    assert read_outside_rules(tmp_path / "absent.json") == OutsideRules()
    assert [one.tasks for one in shipped.sets] == [8, 14, 20]
    assert task_count_table(TaskCounts(), shipped) == ""
