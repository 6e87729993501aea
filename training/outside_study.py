"""Rules for the weights in no block, on merges of 8, 14 and 20 tasks and on each task's own model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evaluators import EditSpec, Studio
from evaluators.experiments.merge_search import Coefficients, MergeConfig, MergeSearch
from evaluators.experiments.outside_rules import (
    AFTER,
    BEFORE,
    FILE,
    FINETUNED,
    PAPER_RULE,
    OutsideRules,
    RuleMerge,
    RuleSet,
    read_outside_rules,
    save_outside_rules,
)
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.experiments.task_counts import FILE as COUNTS
from evaluators.experiments.task_counts import SHRUNK, TaskCount, read_task_counts
from evaluators.labs.embedded_lab import TINY_CLIP, TINY_CLIP_20
from evaluators.specs.image_hits import TaskHits
from lines_core.editing import OUTSIDE_RULES
from training.shared_images import SharedImages
from training.task_count_study import Counter

PLAIN_RULES = (PAPER_RULE, "finetuned")
"""Of a plain merge, whose blocks are all alike, "depth" is the paper's rule."""
PATIENCE = 2
"""How many candidates that are no better end a search."""
LEVEL = round((1 + SHRUNK) / 2, 9)
"""The mean over the blocks of LiNeS's factors."""


def measure_outside_rules(assets: Path) -> Iterator[str]:
    """Write ``report/outside_rules.json``, set by set."""
    path = assets / "report" / FILE
    studio = Studio(assets, None)
    for count in read_task_counts(assets / "report" / COUNTS).sets:
        known = read_outside_rules(path)
        if count.model in {one.model for one in known.sets}:
            continue
        counter = Counter.of(studio, count.model)
        if count.model == TINY_CLIP:  # whose coefficients were chosen on all validation images
            counter = replace(counter, val=_images(studio, TINY_CLIP, "val"))
        merges = tuple(rule_merges(studio, counter, count))
        save_outside_rules(path, replace(known, sets=(*known.sets, RuleSet(count.model, merges))))
        yield f"outside rules, {count.tasks} tasks: {len(merges)} merges"
    known = read_outside_rules(path)
    if known.own is None and known.sets:
        keys = tuple(known.sets[-1].merges[0].hits)
        images = {split: _images(studio, TINY_CLIP_20, split) for split in ("val", "test")}
        own = {split: own_models(one, split, keys) for split, one in images.items()}
        save_outside_rules(path, OutsideRules(known.sets, own))
        yield f"outside rules, each task's own model: {len(own['test'])} edits"


def _images(studio: Studio, model: str, split: str) -> SharedImages:
    lab = studio.embedded(model)
    assert lab is not None
    return SharedImages(lab, split)


def rule_merges(studio: Studio, counter: Counter, count: TaskCount) -> Iterator[RuleMerge]:
    """The merges of some tasks under each rule; those of Table 2 keep their coefficients."""
    keys = tuple(task.key for task in count.finetuned.tasks)
    finetuned = counter.finetuned(count.model, keys, "val")
    for row in count.rows:
        config = MergeConfig(tuple(sorted(keys)), row.method, model=count.model)
        search = MergeSearch(config, row.alpha)
        for lines, rules, grid, start in (
            (False, PLAIN_RULES, search.plain, (row.scale, 0.0)),
            (True, tuple(OUTSIDE_RULES), search.lines, (row.alpha, row.beta)),
        ):
            for rule in rules:

                def validated(one: Coefficients, under: str = rule, of: MergeConfig = config) -> float:
                    (spec,) = of.specs(*one, split="val", images=ALL_IMAGES)
                    return counter.val.score(replace(spec, outside=under), keys).normalised(finetuned)

                if rule == PAPER_RULE:
                    best, reached = start, validated(start)
                else:
                    best, reached = walked(validated, grid.coefficients, start)
                (spec,) = config.specs(*best, images=ALL_IMAGES)
                hits = counter.test.hits(replace(spec, outside=rule), keys)
                yield RuleMerge(row.method, lines, rule, *best, round(reached, 9), hits)


def walked(
    measure: Callable[[Coefficients], float], candidates: Sequence[Coefficients], start: Coefficients
) -> tuple[Coefficients, float]:
    """The best candidate that is found from ``start`` on, up and down, and what was measured of it.

    A walk ends after ``PATIENCE`` candidates that are no better.
    """
    first = candidates.index(start)
    best, reached = first, measure(start)
    for step in (1, -1):
        place, worse = first + step, 0
        while 0 <= place < len(candidates) and worse < PATIENCE:
            found = measure(candidates[place])
            worse += 1
            if found > reached:
                best, reached, worse = place, found, 0
            place += step
    return candidates[best], reached


def own_edits() -> Mapping[str, tuple[EditSpec, Mapping[str, float]]]:
    """Edits of a single model, with factors of the weights in no block that no rule gives."""
    whole = EditSpec.finetuned()
    found: dict[str, tuple[EditSpec, Mapping[str, float]]] = {
        FINETUNED: (whole, {}),
        BEFORE: (whole, {"before": SHRUNK}),
        AFTER: (whole, {"after": SHRUNK}),
    }
    for shape in ("linear", "reverse"):
        for rule in OUTSIDE_RULES:
            found[f"{shape}.{rule}"] = (EditSpec.lines(gamma=SHRUNK, shape=shape, outside=rule), {})
    for rule in (PAPER_RULE, "finetuned"):
        found[f"flat.{rule}"] = (EditSpec(shape="flat", alpha=LEVEL, outside=rule), {})
    return found


def own_models(images: SharedImages, split: str, keys: Sequence[str]) -> Mapping[str, TaskHits]:
    """Each task's own model on it, under each edit."""
    return {
        name: {
            key: images.hits(
                replace(spec, model=TINY_CLIP_20, checkpoint=key, split=split), [key], **outside
            )[key]
            for key in keys
        }
        for name, (spec, outside) in own_edits().items()
    }
