"""Words on the weights in no block: what shrinking them costs, and what LiNeS changes under each rule."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.experiments.outside_rules import AFTER, BEFORE, PAPER_RULE, OutsideRules, RuleSet
from evaluators.experiments.task_counts import SHRUNK
from evaluators.specs.paired_counts import Change
from lines_core.editing import OUTSIDE_RULES
from lines_core.merging import METHODS
from ui.shell import markup
from ui.shell.difference_words import change_words
from ui.shell.text import points, signed

PARTS = {
    BEFORE: "the weights before block 1 (embeddings, ln_pre)",
    "linear.finetuned": "the blocks, by LiNeS",
    AFTER: "the weights after the last block (ln_post, proj)",
}
"""Edit of a single model -> the only weights that it shrinks."""
OUTSIDE_WEIGHTS = (
    "the weights outside the blocks (the embeddings and ln_pre before them, ln_post and proj after them)"
)
RULE_WORDS = {
    "alpha": "get α, as in the paper",
    "depth": "get the factor of the nearest block (α before block 1, α + β after the last)",
    "pretrained": "stay pre-trained",
    "finetuned": "keep the whole merged change",
}


def cause(rules: OutsideRules, keys: Sequence[str]) -> str:
    """Which weights of their own models some tasks lose by, if those alone are shrunk."""
    changes = {part: rules.own_change(edit, keys) for edit, part in PARTS.items()}
    said = "; ".join(f"{part}: {change_words(change)}" for part, change in changes.items())
    worst = min(changes, key=lambda part: changes[part][0])
    others = [low for part, (_, low, _) in changes.items() if part != worst]
    stands_out = changes[worst][2] < min(0.0, *others)
    verdict = f"Most is lost by {worst}" if stands_out else "No part of the model stands out"
    return (
        "Why the added questions lose, told by their own models, of which only one part is shrunk "
        f"(γ = {SHRUNK:g}): {said}. {verdict}."
    )


def helped(rules: RuleSet, rule: str) -> dict[str, Change]:
    """Method -> what LiNeS changes under a rule, where it measurably helps."""
    gains = {method: rules.gain(method, rule) for method in rules.methods}
    return {method: gain for method, gain in gains.items() if gain[1] > 0}


def rule_verdict(rules: RuleSet) -> str:
    """Which methods LiNeS helps under each rule: whether the rule changes the verdict."""
    said = "; ".join(f"{RULE_WORDS[rule]}: {_helped_words(rules, rule)}" for rule in OUTSIDE_RULES)
    return (
        f"With {rules.tasks} tasks, told image by image, LiNeS measurably helps if {OUTSIDE_WEIGHTS} {said}."
    )


def rule_table(rules: RuleSet, usual: Sequence[str], questions: Sequence[str]) -> str:
    """Which methods LiNeS helps under each rule, and what it changes about two kinds of tasks."""
    method = max(rules.methods, key=lambda one: rules.merge(one, lines=False).validated)
    title = METHODS[method].title
    head = (
        "Rule",
        "LiNeS measurably helps",
        f"{title}: the usual {len(usual)} tasks",
        f"{title}: the added questions",
    )
    rows = [
        (
            f"{OUTSIDE_RULES[rule].title}: they {RULE_WORDS[rule]}",
            _helped_words(rules, rule),
            change_words(rules.gain(method, rule, usual)),
            change_words(rules.gain(method, rule, questions)),
        )
        for rule in OUTSIDE_RULES
    ]
    caption = f"{rules.tasks} tasks, what LiNeS changes by the rule for {OUTSIDE_WEIGHTS}, image by image"
    return markup.plain_table(caption, head, rows, shown=True)


def _helped_words(rules: RuleSet, rule: str) -> str:
    names = [f"{METHODS[one].title} {change_words(gain)}" for one, gain in helped(rules, rule).items()]
    return ", ".join(names) or "no method"


def kinds(rules: RuleSet, usual: Sequence[str], questions: Sequence[str]) -> str:
    """What LiNeS changes about two kinds of tasks under each rule, merged by the best plain method."""
    method = max(rules.methods, key=lambda one: rules.merge(one, lines=False).validated)
    said = "; ".join(
        f"{signed(rules.gain(method, rule, usual)[0])} and "
        f"{points(rules.gain(method, rule, questions)[0])} (“{OUTSIDE_RULES[rule].title}”)"
        for rule in OUTSIDE_RULES
    )
    return (
        f"Merged by {METHODS[method].title}, the usual {len(usual)} and the added questions change by {said}."
    )


def best_rules(rules: OutsideRules) -> dict[str, list[str]]:
    """Method -> the rule with the best normalised accuracy of LiNeS on validation, set by set."""
    return {
        method: [
            max(OUTSIDE_RULES, key=lambda rule: one.merge(method, rule=rule).validated) for one in rules.sets
        ]
        for method in rules.sets[0].methods
    }


def default_verdict(rules: OutsideRules) -> str:
    """Whether another rule than the paper's is best on validation for every method and number of tasks."""
    best = best_rules(rules)
    every = {rule for found in best.values() for rule in found}
    if len(every) == 1:
        (rule,) = every
        same = "" if rule == PAPER_RULE else ", not the paper's"
        return f"On validation the best rule is always “{OUTSIDE_RULES[rule].title}”{same}."
    counts = " / ".join(str(one.tasks) for one in rules.sets)
    said = "; ".join(
        f"{METHODS[method].title}: {' / '.join(f'“{OUTSIDE_RULES[rule].title}”' for rule in found)}"
        for method, found in best.items()
    )
    return f"On validation no rule is best throughout (with {counts} tasks: {said}), so the paper's stays."
