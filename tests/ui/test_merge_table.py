"""The table of merging methods: its words follow the intervals, and what ships is what the page shows."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from evaluators.experiments.level_control import FILE as LEVELS_FILE
from evaluators.experiments.level_control import LevelControl, LevelFactor, read_levels, verdict
from evaluators.experiments.merge_search import Score
from evaluators.experiments.merge_starts import MASK_ALPHA, start_coefficients, start_origin
from evaluators.experiments.outside_rules import OutsideRules
from evaluators.experiments.reviewer_questions import read_questions
from evaluators.experiments.table2 import FILE, TABLE_FILES, Table2Row, read_table2
from evaluators.experiments.task_counts import FILE as COUNTS_FILE
from evaluators.experiments.task_counts import read_task_counts
from evaluators.labs.embedded_lab import TINY_CLIP, TINY_CLIP_14, TINY_CONVNEXT
from evaluators.service.studio import Studio
from evaluators.specs.evaluation import TaskResult
from evaluators.specs.paired_counts import PairedCounts
from lines_core.merging import METHODS
from ui.merge.depth_words import depth_verdicts, mean_alone
from ui.merge.merge_answers import MergeAnswers
from ui.merge.merge_controls import METHOD, SHAPE, MergeControls, parameter_rows
from ui.merge.merge_table import changed_words, merge_table, paired_gain
from ui.merge.merge_text import NOT_PAIRED, UNTOLD
from ui.shell.difference_words import difference_words
from ui.shell.text import percent

SHIPPED = Path(__file__).parents[2] / "assets" / "report" / FILE


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(SHIPPED.parents[1], None)


def scored(correct: int) -> Score:
    return Score(tuple(TaskResult(key, key.title(), "target", correct, 400) for key in ("a", "b")), "test")


def test_words_follow_the_intervals() -> None:
    better = Table2Row("sum", 0.3, scored(200), 0.125, 0.3, scored(300))
    same, worse = replace(better, method="ties", lines=scored(202)), replace(better, lines=scored(100))
    shown = merge_table([better, same, replace(worse, method="pcb")], {})
    assert f"The best merge of Tiny CLIP is Task arithmetic with LiNeS, {percent(0.75)}." in shown
    assert "LiNeS measurably helps Task arithmetic." in shown
    assert "LiNeS measurably harms PCB merging." in shown
    assert "No clear change: TIES." in shown
    assert "no measurable difference from plain" in shown
    assert "69.7 → 74.2 (the LiNeS paper, Tables 2 and 6)" in shown
    masks = merge_table(
        [better, replace(better, method="tall-masks", alpha=0.75, beta=0.25, lines=scored(390))], {}
    )
    assert "The best merge of Tiny CLIP is Task arithmetic" in masks, "masks are one model a task"
    assert ", α\u00a00.75, β\u00a00.25<" in masks
    assert merge_table([], {}) == ""
    assert "One factor for all layers" not in shown


def controlled(method: str, gain: int, depth: int, tuned: int | None = None) -> LevelControl:
    """Images gained of 800: LiNeS on plain, on a level factor as strong, and on a better one."""

    def pairs(gained: int) -> tuple[PairedCounts, ...]:
        return tuple(PairedCounts(max(gained, 0), max(-gained, 0), 400) for _ in range(2))

    def level(depth: int) -> LevelFactor:
        return LevelFactor(1.5, scored(300 - depth), pairs(gain - depth), pairs(depth))

    return LevelControl(method, pairs(gain), level(depth), None if tuned is None else level(tuned))


def test_the_verdict_tells_depth_from_strength() -> None:
    """Model Stock topped the list of what LiNeS helps, by 9.3 points of which a level factor gives 9.1."""
    row = Table2Row("sum", 0.3, scored(200), 0.125, 0.3, scored(300))
    controls = {
        one.method: one
        for one in (
            controlled("sum", gain=60, depth=50),
            controlled("average", gain=60, depth=20, tuned=-20),
            controlled("model-stock", gain=60, depth=0),
            controlled("tall-masks", gain=0, depth=0),
            controlled("magnitude-masks", gain=-60, depth=0),
        )
    }
    rows = [replace(row, method=method) for method in controls]
    shown = unescape(merge_table([*rows, replace(row, method="ties")], controls))
    assert "LiNeS helps, and the same factor on all layers does measurably worse: Task " in shown
    assert (
        "It helps, but the same factor on all layers is not measurably worse: Average, Model Stock." in shown
    )
    assert "No measurable difference: TALL masks." in shown
    assert "LiNeS measurably harms Magnitude masks." in shown
    assert ", λ\u00a01.5</td><td>+12.5 points (" in shown
    assert "</td><td>−5.0 points (" in shown, "of Average the level factor that validation chose"
    assert "</td><td>no measurable difference (" in shown
    assert shown.count("<td>–</td><td>–</td>") == 1, "TIES has no control"
    assert "With LiNeS's own mean factor on all layers: Average (factor 1.5): +10.0 points (" in shown
    assert depth_verdicts({}) == mean_alone({}) == ""


def test_methods_whose_gain_seeds_blur_are_those_of_the_question_below() -> None:
    """The headline counted TSV-M as helped, the question on seeds tells no difference."""
    asked = next(one for one in read_questions(SHIPPED.parents[1]) if "seed" in one.question)
    blurred = re.findall(r"(?:: |; )([^;:]+?) no measurable difference", asked.answer)
    assert blurred == list(UNTOLD)
    shown = merge_table(read_table2(SHIPPED), read_levels(SHIPPED.parent / LEVELS_FILE))
    assert "LiNeS makes no measurable difference to TIES, TSV-M." in shown
    assert "the same factor on all layers is not measurably worse: Average, Model Stock." in shown


def test_the_column_and_the_verdict_compare_image_by_image() -> None:
    """TIES, Breadcrumbs and PCB read "no measurable difference" beside "helps by depth"."""
    rows, controls = read_table2(SHIPPED), read_levels(SHIPPED.parent / LEVELS_FILE)
    by_method = {row.method: row for row in rows}
    for method, said in (
        ("ties", "+1.0 points against plain (0.2 to 1.9)"),
        ("breadcrumbs", "+1.3 points against plain (0.4 to 2.2)"),
        ("pcb", "+1.4 points against plain (0.5 to 2.3)"),
    ):
        assert changed_words(by_method[method], controls) == said
        assert f"<td>{said}</td>" in merge_table(rows, controls)
    for row in rows:
        helps = verdict(controls[row.method]) in ("depth", "strength")
        assert changed_words(row, controls).startswith("+") == helps, row.method
    ties = by_method["ties"]
    first, *others = ties.lines.tasks
    other = replace(ties.lines, tasks=(replace(first, correct=first.correct - 1), *others))
    assert changed_words(replace(ties, lines=other), controls) == NOT_PAIRED, "another merge than was paired"
    assert changed_words(replace(ties, method="slerp"), controls) == NOT_PAIRED


def test_the_sentence_under_a_move_compares_as_the_table_does(studio: Studio) -> None:
    """It told no difference for TIES and pointed to the table below, whose verdict is that LiNeS helps."""
    rows, controls = read_table2(SHIPPED), read_levels(SHIPPED.parent / LEVELS_FILE)
    answers = MergeAnswers(studio, {TINY_CLIP: rows}, paired_gain(controls, OutsideRules()))
    (row,) = (row for row in rows if row.method == "ties")
    keys, usual = tuple(task.key for task in row.lines.tasks), tuple(p.default for _, p in parameter_rows())
    start = MergeControls(TINY_CLIP, keys, "ties", usual, "", True, SHAPE, 0.0, row.beta, row.scale)
    assert sentence_of(answers, start).endswith(f"{changed_words(row, controls)}.")
    assert paired_gain(controls, OutsideRules())(TINY_CONVNEXT, row) is None, "of another model"


def test_the_page_and_the_table_say_the_same_of_one_merge(studio: Studio) -> None:
    """They used to: a move counts 200 images a task and told no difference, the table 400 and told one."""
    rows = read_table2(SHIPPED)
    answers = MergeAnswers(studio, {TINY_CLIP: rows})
    keys = tuple(task.key for task in rows[0].lines.tasks)
    beta, plain = start_coefficients(METHOD)
    usual = tuple(parameter.default for _, parameter in parameter_rows())
    start = MergeControls(TINY_CLIP, keys, METHOD, usual, "", True, SHAPE, 0.0, beta, plain)
    said = sentence_of(answers, start)
    (row,) = (row for row in rows if row.method == METHOD)
    assert "1,600 images of 8 tasks" in said
    assert f"On all 3,222, with λ = {plain:g} and β = {beta:g} from validation, as in the table" in said
    assert said.endswith(f"{difference_words(row.plain.tasks, row.lines.tasks, 'plain')}.")
    cheaper = replace(start, method="sum")
    assert "On all 3,222, with λ = 0.3 and β = 0.3" in sentence_of(answers, cheaper)
    for other in (
        replace(cheaper, checkpoints=keys[1:]),
        replace(cheaper, weights="faces 0.5"),
        replace(cheaper, shape="sqrt"),
    ):
        assert "On all" not in sentence_of(answers, other)


def test_each_model_starts_where_its_own_validation_says() -> None:
    """ConvNeXt, 14 and 20 tasks used to open with Tiny CLIP's, and masks with those of sums."""
    tables = {model: read_table2(SHIPPED.parent / file) for model, file in TABLE_FILES.items()}
    counts = read_task_counts(SHIPPED.parent / COUNTS_FILE)
    for model, rows in ({count.model: count.rows for count in counts.sets} | tables).items():
        for row in rows:
            assert (row.beta, row.scale) == start_coefficients(row.method, model), (model, row.method)
            assert not METHODS[row.method].per_task or row.alpha == MASK_ALPHA
            assert start_origin(row.method, model)


def test_the_page_says_where_coefficients_come_from_that_this_merge_did_not_choose(
    studio: Studio,
) -> None:
    rows = read_task_counts(SHIPPED.parent / COUNTS_FILE).sets[1].rows
    (row,) = (row for row in rows if row.method == METHOD)
    keys, usual = tuple(task.key for task in row.lines.tasks), tuple(p.default for _, p in parameter_rows())
    start = MergeControls(TINY_CLIP_14, keys, METHOD, usual, "", True, SHAPE, 0.0, row.beta, row.scale)
    answers = MergeAnswers(studio, {TINY_CLIP_14: rows})
    assert "with λ = 0.8 and β = 1.3 from validation, as in the table below" in sentence_of(answers, start)
    assert "start" not in sentence_of(answers, start, "alpha")
    fewer = replace(start, checkpoints=("digits", "faces"))
    said = "β and λ start where validation images of all tasks of {} put them with this method"
    assert said.format("Tiny CLIP (14 tasks)") in sentence_of(answers, fewer, "alpha")
    assert "start" not in sentence_of(answers, replace(fewer, beta=0.7), "alpha")
    beta, plain = start_coefficients("tall-masks", TINY_CLIP_14)
    masks = replace(fewer, method="tall-masks", beta=beta, plain=plain)
    told = sentence_of(answers, masks, "alpha")
    assert "α = 0.75, from validation: Eq. 2 is for one merged model." in told
    assert said.format("Tiny CLIP") in told
    slerp = replace(fewer, method="slerp", beta=0.3, plain=0.3)
    assert "β and λ start at the paper's for task arithmetic." in sentence_of(answers, slerp, "alpha")


def test_convnext_says_what_all_images_say(studio: Studio) -> None:
    rows = read_table2(SHIPPED.parent / TABLE_FILES[TINY_CONVNEXT])
    (row,) = (row for row in rows if row.method == METHOD)
    keys, usual = tuple(task.key for task in row.lines.tasks), tuple(p.default for _, p in parameter_rows())
    start = MergeControls(TINY_CONVNEXT, keys, METHOD, usual, "", True, SHAPE, 0.0, row.beta, row.scale)
    said = sentence_of(MergeAnswers(studio, {TINY_CONVNEXT: rows}), start)
    assert "On all 3,222, with λ = 1.3 and β = 1.7 from validation: no measurable difference" in said


def sentence_of(answers: MergeAnswers, controls: MergeControls, slot: str = "sentence") -> str:
    """What the page says of a merge, without its markup."""
    told = answers.settle("visitor", controls)
    found = next(value for value in told if slot in value["slots"])
    return unescape(re.sub(r"<[^>]+>", " ", found["slots"][slot])).strip()


def test_the_page_opens_with_the_best_plain_method_that_ships() -> None:
    """TSV-M stays ten points ahead of what the page opened with before, and starts at its best values."""
    rows = {row.method: row for row in read_table2(SHIPPED) if not METHODS[row.method].per_task}
    best = max(rows.values(), key=lambda row: row.plain.mean)
    assert best.method == METHOD
    assert best.plain.mean > rows["sum"].plain.mean + 0.1
    for method, row in rows.items():
        assert (row.beta, row.scale) == start_coefficients(method), method


def test_every_method_that_merges_eight_has_a_row() -> None:
    shipped = [row.method for row in read_table2(SHIPPED)]
    assert sorted(shipped) == sorted(key for key, method in METHODS.items() if method.count in (0, 8))
