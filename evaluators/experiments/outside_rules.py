"""Rules for the weights in no block, compared on merges and on single models: hits that ship."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.experiments.task_counts import TaskCount, change_on
from evaluators.specs.image_hits import TaskHits, change, plain_hits, read_hits
from evaluators.specs.paired_counts import Change
from lines_core.atomic_write import atomic_write

FILE = "outside_rules.json"
PAPER_RULE = "alpha"
FINETUNED, BEFORE, AFTER = "fine-tuned", "before", "after"
"""Edits of a single model: none, and only the weights before or after the blocks shrunk."""


@dataclass(frozen=True)
class RuleMerge:
    """A merge under one rule, its coefficient chosen on validation.

    Args:
        method: a key of ``METHODS``.
        lines: with LiNeS; else the plain merge.
        rule: a key of ``OUTSIDE_RULES``.
        alpha, beta: of LiNeS; of the plain merge lambda and 0.
        validated: normalised accuracy on validation.
        hits: on test images.
    """

    method: str
    lines: bool
    rule: str
    alpha: float
    beta: float
    validated: float
    hits: TaskHits


@dataclass(frozen=True)
class RuleSet:
    """The merges of some tasks.

    Args:
        model: key of the embedded model.
        merges: by method, plain and with LiNeS, by rule.
    """

    model: str
    merges: tuple[RuleMerge, ...]

    @property
    def tasks(self) -> int:
        """How many are merged."""
        return len(self.merges[0].hits)

    @property
    def methods(self) -> tuple[str, ...]:
        """Their keys, in order."""
        return tuple(dict.fromkeys(merge.method for merge in self.merges))

    def merge(self, method: str, lines: bool = True, rule: str = PAPER_RULE) -> RuleMerge:
        """One of them. Raises: StopIteration if it was not measured."""
        return next(one for one in self.merges if (one.method, one.lines, one.rule) == (method, lines, rule))

    def change(self, before: RuleMerge, after: RuleMerge, keys: Sequence[str] = ()) -> Change:
        """Of the mean accuracy of some tasks, of all if none is named, image by image."""
        return change(before.hits, after.hits, keys)

    def gain(self, method: str, rule: str = PAPER_RULE, keys: Sequence[str] = ()) -> Change:
        """What LiNeS under a rule changes about the plain merge, whose weights all have the same factor."""
        return self.change(self.merge(method, lines=False), self.merge(method, rule=rule), keys)


@dataclass(frozen=True)
class OutsideRules:
    """What ships.

    Args:
        sets: of 8, 14 and 20 tasks.
        own: split -> edit -> hits of each task's own model on its task. Edits are ``FINETUNED``, ``BEFORE``,
            ``AFTER``, and ``shape.rule`` for a schedule.
    """

    sets: tuple[RuleSet, ...] = ()
    own: Mapping[str, Mapping[str, TaskHits]] | None = None

    def lines_gain(self, count: TaskCount, method: str, keys: Sequence[str] = ()) -> Change:
        """What LiNeS changes about some tasks of a plain merge, of all if none is named.

        Image by image where that was measured, else with the images of both as independent.
        """
        for one in self.sets:
            if one.model == count.model and method in one.methods:
                return one.gain(method, keys=keys)
        row = count.row(method)
        return change_on(keys or [task.key for task in row.plain.tasks], row.plain, row.lines)

    def own_change(self, edit: str, keys: Sequence[str], split: str = "test") -> Change:
        """What an edit changes about some tasks' own models, image by image. They must be measured."""
        assert self.own is not None
        return change(self.own[split][FINETUNED], self.own[split][edit], keys)


def save_outside_rules(path: Path, rules: OutsideRules) -> None:
    """Write them as JSON."""
    sets = [
        {"model": one.model, "merges": [{**vars(row), "hits": plain_hits(row.hits)} for row in one.merges]}
        for one in rules.sets
    ]
    own = {
        split: {edit: plain_hits(hits) for edit, hits in edits.items()}
        for split, edits in (rules.own or {}).items()
    }
    text = json.dumps({"sets": sets, "own": own or None}, separators=(",", ":")) + "\n"
    atomic_write(path, lambda part: part.write_text(text, "utf-8"))


def read_outside_rules(path: Path) -> OutsideRules:
    """What ``save_outside_rules`` wrote; nothing if there is no file."""
    if not path.exists():
        return OutsideRules()
    plain = json.loads(path.read_text("utf-8"))
    own = plain["own"] and {
        split: {edit: read_hits(hits) for edit, hits in edits.items()}
        for split, edits in plain["own"].items()
    }
    return OutsideRules(tuple(RuleSet(one["model"], _merges(one["merges"])) for one in plain["sets"]), own)


def _merges(plain: Sequence[Mapping[str, Any]]) -> tuple[RuleMerge, ...]:
    return tuple(RuleMerge(**{**one, "hits": read_hits(one["hits"])}) for one in plain)
