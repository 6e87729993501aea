"""The report on rules for the weights in no block: merges of 8, 14 and 20 tasks, and single models."""

from collections.abc import Iterator, Sequence

from evaluators.experiments.outside_rules import (
    AFTER,
    BEFORE,
    FINETUNED,
    OutsideRules,
    RuleMerge,
    RuleSet,
)
from evaluators.experiments.task_counts import SHRUNK
from evaluators.specs.image_hits import accuracy
from lines_core.editing import OUTSIDE_RULES
from lines_core.merging import METHODS
from training.outside_study import LEVEL, PATIENCE, PLAIN_RULES
from training.report_change import change_cell
from training.report_tables import markdown, pct
from training.task_count_study import CHOSEN_ON
from ui.merge.outside_words import cause, default_verdict, kinds, rule_verdict

SHAPES = {"linear": f"LiNeS, γ = {SHRUNK:g}", "reverse": f"Reverse, γ = {SHRUNK:g}", "flat": f"all {LEVEL:g}"}


def outside_section(rules: OutsideRules, usual: Sequence[str], questions: Sequence[str]) -> Iterator[str]:
    """The lines of the section; none if nothing was measured."""
    if not rules.sets or rules.own is None:
        return
    yield from ("### Weights in no block", "")
    yield (
        "The paper scales what lies outside of the blocks by α (Appendix A), gives no reason and compares no "
        f"other rule. {cause(rules, questions)} Changes are image by image, with 95 % intervals, "
        "each task's own model on it:"
    )
    yield ""
    header = ["what keeps how much", "outside the blocks"]
    header += ["questions, validation (%)", "questions, test (%)", "change, validation", "change, test"]
    yield from markdown([*header, "usual eight, change, test"], [*_own(rules, usual, questions)])
    yield ""
    yield (
        "Merges with LiNeS under each rule, against the plain merge (all weights times λ), image by image "
        "(tasks on the same images taken as independent). α is that of Eq. 2; β was chosen on validation for "
        f"each rule: from that of the table above on, up and down the grid until {PATIENCE} values in a row "
        f"are no better, on all validation images for eight tasks, else on {CHOSEN_ON} of each data set. "
        "“validation” is normalised accuracy there."
    )
    yield ""
    columns = [f"{one.tasks} tasks" for one in rules.sets]
    yield from markdown(["method", "outside the blocks", *columns], [*_merges(rules)])
    yield ""
    last = kinds(rules.sets[-1], usual, questions)
    yield from (f"- {said}" for said in (*map(rule_verdict, rules.sets), last, default_verdict(rules)))
    yield ""


def _own(rules: OutsideRules, usual: Sequence[str], questions: Sequence[str]) -> Iterator[list[str]]:
    assert rules.own is not None
    for edit in rules.own["test"]:
        means = [pct(accuracy(rules.own[split][edit], questions).mean) for split in ("val", "test")]
        changes = [
            "" if edit == FINETUNED else change_cell(rules.own_change(edit, keys, split))
            for keys, split in ((questions, "val"), (questions, "test"), (usual, "test"))
        ]
        yield [*_edit_words(edit), *means, *changes]


def _edit_words(edit: str) -> tuple[str, str]:
    if edit in (BEFORE, AFTER):
        where = "before block 1" if edit == BEFORE else "after the last block"
        return "blocks fine-tuned", f"{SHRUNK:g} {where}, else fine-tuned"
    if edit == FINETUNED:
        return "fine-tuned", ""
    shape, rule = edit.split(".")
    return SHAPES[shape], OUTSIDE_RULES[rule].title


def _merges(rules: OutsideRules) -> Iterator[list[str]]:
    for method in rules.sets[0].methods:
        for lines, known in ((False, PLAIN_RULES), (True, tuple(OUTSIDE_RULES))):
            for rule in known:
                title = METHODS[method].title + (" + LiNeS" if lines else "")
                cells = [_merge(one, one.merge(method, lines, rule)) for one in rules.sets]
                yield [
                    title,
                    "like the blocks" if (lines, rule) == (False, "alpha") else _title(rule),
                    *cells,
                ]


def _title(rule: str) -> str:
    return OUTSIDE_RULES[rule].title


def _merge(rules: RuleSet, merge: RuleMerge) -> str:
    chosen = f"β {merge.beta:g}" if merge.lines else f"λ {merge.alpha:g}"
    first = rules.merge(merge.method, lines=False)
    change = "" if merge == first else f", {change_cell(rules.change(first, merge))}"
    return f"{pct(accuracy(merge.hits).mean)}{change}, validation {pct(merge.validated)}, {chosen}"
