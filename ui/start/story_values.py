"""Numbers of the story: measured on the embedded lab's test images, as fractions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.sweeps import gamma_sweep, reference_specs, wise_ft_sweep
from evaluators.service.studio import Studio
from evaluators.specs.comparison import compared
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation

TASK = "street_numbers"
"""Fine-tuning on it forgets much, on handwritten digits little."""
MIDDLE = 0.4
"""Gamma of the steps that shrink early or late layers."""
RELATED = "digits"
"""Task that gains by the same fine-tuning."""
KEPT = 0.95
"""Share of the fine-tuned target accuracy that the exercise asks for."""
CLOSE = 0.99
"""Share at which LiNeS is compared with WiSE-FT."""

NEAR = 0.005
"""How far from the best control the exercise still takes for found."""

Values = dict[str, Any]


def story_values(studio: Studio) -> Values | None:
    """What the story says, by name; None if the lab lacks the task or a number is not in the result cache.

    Accuracies are fractions; ``grid`` lists (gamma, target, control) of the sweep, ``kept`` is ``KEPT``,
    ``not_ahead`` titles of tasks where WiSE-FT's best control at ``CLOSE`` is no lower than that of LiNeS.
    """
    if TASK not in {checkpoint.key for checkpoint in studio.checkpoints()}:
        return None
    pretrained, finetuned = _known(studio, reference_specs(TASK)) or (None, None)
    lines, reverse = (_known(studio, gamma_sweep(TASK, shape=shape)) for shape in ("linear", "reverse"))
    tuned = GammaSearch(TASK).known(studio)
    wise = _known(studio, wise_ft_sweep(TASK))
    if pretrained is None or finetuned is None or not (lines and reverse and wise) or tuned is None:
        return None
    middle, deep = (next(p for p in curve if p.spec.alpha == MIDDLE) for curve in (lines, reverse))
    chosen = next(p for p in lines if p.spec.alpha == tuned)
    best_lines, best_wise = (_best(curve, finetuned, CLOSE) for curve in (lines, wise))
    low, high = middle.control_interval
    related = [next(task for task in one.tasks if task.key == RELATED) for one in (pretrained, finetuned)]
    classes = next(task.classes for task in studio.tasks() if task.key == TASK)
    return {
        "blocks": studio.models()[0].num_blocks,
        "chance": 1 / len(classes),
        "digits_pre": related[0].accuracy,
        "digits_ft": related[1].accuracy,
        "pre_target": pretrained.target,
        "pre_control": pretrained.control,
        "ft_target": finetuned.target,
        "ft_control": finetuned.control,
        "mid_target": middle.target,
        "mid_control": middle.control,
        "mid_control_low": low,
        "mid_control_high": high,
        "rev_target": deep.target,
        "rev_control": deep.control,
        "lines_99": best_lines.control,
        "wise_99": best_wise.control,
        "wise_measurable": compared(best_wise, best_lines).control > 0,
        "images": sum(task.n for task in middle.control_tasks),
        "tuned": f"{tuned:g}",
        "tuned_target": chosen.target,
        "tuned_control": chosen.control,
        "not_ahead": _not_ahead(studio),
        "grid": [(p.spec.alpha, p.target, p.control) for p in lines],
        "kept": KEPT,
        "needed": KEPT * finetuned.target,
        "near": NEAR,
    }


def _known(studio: Studio, specs: Sequence[EditSpec]) -> list[Evaluation] | None:
    found = [studio.cached(spec) for spec in specs]
    known = [point for point in found if point is not None]
    return known if len(known) == len(found) else None


def _best(curve: Sequence[Evaluation], finetuned: Evaluation, kept: float) -> Evaluation:
    """The most control among the points that keep so much of the fine-tuned target accuracy."""
    keeping = [point for point in curve if point.target >= kept * finetuned.target]
    return max(keeping, key=lambda point: point.control)


def _not_ahead(studio: Studio) -> list[str]:
    titles = []
    suite = next(one.suite for one in studio.checkpoints() if one.key == TASK)
    for checkpoint in studio.checkpoints():
        references = _known(studio, reference_specs(checkpoint.key))
        lines, wise = (_known(studio, sweep(checkpoint.key)) for sweep in (gamma_sweep, wise_ft_sweep))
        if checkpoint.suite != suite or not (references and lines and wise):
            continue
        ours, theirs = (_best(curve, references[1], CLOSE) for curve in (lines, wise))
        if theirs.control >= ours.control:
            titles.append(checkpoint.title)
    return titles
