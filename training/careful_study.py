"""Why careful fine-tuning is above LiNeS in the lab (Table 10): compared image by image, and cut afterwards.

LastFT and HalfFT never train the shallow blocks. ``CUT`` takes these blocks' change out of the usual
fine-tuning afterwards: what that costs, the usual fine-tuning had put into blocks that did not need it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import mean

from evaluators import EditSpec, Studio
from evaluators.experiments.reviewer_questions import ReviewerQuestion
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.specs.edit_spec import FREE
from evaluators.specs.image_hits import TaskHits, accuracy, plain_hits, read_hits
from lines_core.atomic_write import atomic_write
from training.hits import change_over_models, task_hits
from training.repeated_study import measured
from training.report_change import change_cell, change_words
from training.world.catalogue import TASKS

FILE = "careful.json"
LINES, USUAL = "LiNeS", "fine-tuned"
CAREFUL = {"linlr": "LinLR", "explr": "ExpLR", "halfft": "HalfFT", "lastft": "LastFT"}
CUT = {"first 6 blocks put back": 6, "first 11 blocks put back": 11}
"""Blocks whose change is taken out of the usual fine-tuning, shallowest first, with what lies before them."""

Models = Mapping[str, TaskHits]
"""Hits on all tasks, by the task that a checkpoint was fine-tuned on."""


def compared_specs(studio: Studio, task: str) -> dict[str, EditSpec]:
    """The models of one task on all test images; LiNeS with the shipped gamma, by C.1."""
    blocks = studio.models()[0].num_blocks
    cut = {
        name: EditSpec(
            checkpoint=task,
            shape=FREE,
            free_form=(0.0,) * taken + (1.0,) * (blocks - taken),
            outside="depth",
            images=ALL_IMAGES,
        )
        for name, taken in CUT.items()
    }
    return {
        USUAL: EditSpec.finetuned(task, images=ALL_IMAGES),
        LINES: EditSpec.lines(task, studio.lab.tuned_gammas()[task], images=ALL_IMAGES),
        **{name: EditSpec.finetuned(f"{key}.{task}", images=ALL_IMAGES) for key, name in CAREFUL.items()},
        **cut,
    }


def measure_careful(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``report/careful.json``."""
    studio = Studio(assets, cache)
    found: dict[str, dict[str, object]] = {}
    for task in TASKS:
        specs = compared_specs(studio, task)
        for name, evaluation in zip(specs, measured(studio, list(specs.values()), fresh=True), strict=True):
            found.setdefault(name, {})[task] = plain_hits(task_hits(studio, evaluation))
        yield f"{task}: {len(specs)} models"
    studio.close()
    text = json.dumps(found, separators=(",", ":")) + "\n"
    atomic_write(assets / "report" / FILE, lambda part: part.write_text(text, encoding="utf-8"))


def read_careful(path: Path) -> dict[str, dict[str, TaskHits]]:
    """What ``measure_careful`` wrote: models by name."""
    plain = json.loads(path.read_text(encoding="utf-8"))
    return {name: {task: read_hits(hits) for task, hits in models.items()} for name, models in plain.items()}


def _means(models: Models) -> tuple[str, str]:
    """Target and control in percent."""
    target = mean(accuracy(hits, [task]).mean for task, hits in models.items())
    control = mean(
        accuracy(hits, [other for other in hits if other != task]).mean for task, hits in models.items()
    )
    return f"{100 * target:.1f}", f"{100 * control:.1f}"


def careful_question(found: Mapping[str, Models]) -> ReviewerQuestion:
    """Whether careful fine-tuning is measurably above LiNeS, and what cutting afterwards costs."""
    usual, lines = found[USUAL], found[LINES]
    both = [
        name
        for name in CAREFUL.values()
        if min(change_over_models(lines, found[name], control)[1] for control in (False, True)) > 0
    ]
    above = ", ".join(both) if both else f"none of {', '.join(CAREFUL.values())}"
    costs = "; ".join(
        f"{name}, {change_words(change_over_models(usual, found[name], control=False))}" for name in CUT
    )
    rows = [
        (
            name,
            *_means(models),
            *(
                "" if name == LINES else change_cell(change_over_models(lines, models, control))
                for control in (False, True)
            ),
        )
        for name, models in found.items()
    ]
    return ReviewerQuestion(
        question="Why is careful fine-tuning as good as LiNeS here (Table 10)?",
        answer=f"Measurably above LiNeS in both accuracies: {above}. What usual fine-tuning did to the "
        f"shallow blocks, undone afterwards, changes its target accuracy: {costs}. Trained alone, the last "
        f"block reaches {_means(found[CAREFUL['lastft']])[0]} %.",
        how="Means over the eight checkpoints on all test images (%), γ by C.1 on validation; differences "
        "to LiNeS in points, image by image, images that checkpoints share counted once, with 95 % "
        "intervals.",
        header=("model", "target", "control", "target − LiNeS", "control − LiNeS"),
        rows=tuple(rows),
    )
