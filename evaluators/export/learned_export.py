"""A merge with learned coefficients as files: weights, a card and a recipe that name every coefficient."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch

from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.experiments.coefficient_learning import LEARNERS
from evaluators.experiments.learned_merge import LearnedMerge
from evaluators.experiments.learning_run import GRAIN
from evaluators.export.card_frame import DescribedTower, framed_card
from evaluators.export.card_tables import accuracy_cell, markdown_table, mean_cell
from evaluators.export.escaping import code
from evaluators.export.export_error import ExportError
from evaluators.export.export_files import CARD_FILE, RECIPE_FILE, Exported, ExportPlan, planned, written
from evaluators.export.export_layouts import ExportLayout, activation
from evaluators.export.export_names import DIGEST, said_keys
from evaluators.export.mergekit_recipe import learned_recipe
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.labs.lab import Lab
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from lines_core.learned_coefficients import CoefficientGroups, WeightedMerge

FORMULA = "theta = theta_0 + sum_t c[t, g] * tau_t[g] for every parameter g and fine-tuned model t"
LEARNED = (
    "The image tower of a CLIP, merged with the LiNeS Explorer: the pre-trained weights and, parameter by",
    "parameter, a learned share of what each fine-tuning changed.",
)
FROM = {"val": "validation images", "test": "the very test images that it is scored on"}


def export_learned(
    lab: Lab,
    run: LearnedMerge,
    layout: str,
    folder: Path,
    extras: Collection[str] = (),
) -> Exported:
    """A learned merge as files that other programs read, in place of an earlier export in the folder.

    Args:
        run: with its coefficients, counted.
        layout, folder, extras: as `export` takes them.
    Raises: ExportError if the coefficients are absent, or not those of the lab's encoder; as `export`.
    Lock: none; the live model goes on serving.
    Cost: as `export`, with a pass over each fine-tuned model.
    """
    encoder = lab.encoder
    groups = CoefficientGroups.of(encoder.layout, GRAIN)
    if not run.coefficients or any(len(task) != len(groups) for task in run.coefficients):
        raise ExportError(
            f"Expected {len(groups)} coefficients for each model, got "
            f"{[len(task) for task in run.coefficients]}: learn them again for {lab.info.title}."
        )
    spec = EditSpec.merged(MergeSpec(run.checkpoints), 1.0, model=lab.info.key)
    plan = planned(lab, spec, layout, folder, extras)
    residuals = [encoder.residual(key) for key in run.checkpoints]
    merge = WeightedMerge(encoder.layout, encoder.flat_pretrained, residuals, groups)
    weights = plan.names.rename(encoder.layout.unflatten(merge.weights(torch.tensor(run.coefficients))))
    said = said_keys(spec, plan.titles)
    how = {
        "learner": run.learner,
        "split": run.split,
        "seed": run.seed,
        "steps": run.steps,
        "checkpoints": [*said.values()],
    }
    of_model = dict(zip(run.checkpoints, run.coefficients, strict=True))
    ordered = [of_model[key] for key in said]  # as in the plan, where a run may have another order
    by_name = coefficients_by_name(encoder, plan.names, ordered)
    visual = encoder.loaded.clip.visual
    size = (encoder.layout.numel, len(weights))
    tower = DescribedTower(plan.base, plan.sources, plan.names, size, activation(visual), plan.whole)
    recipe = learned_recipe(
        f"learned: {json.dumps(how)}", by_name, plan.base, plan.sources, plan.names, plan.models
    )
    texts = {CARD_FILE: _card(plan, run, tower), RECIPE_FILE: recipe}
    metadata = {"learned": json.dumps(how, sort_keys=True), "formula": FORMULA}
    return written(plan, weights, texts, metadata, learned_name(run, lab.info.key, layout))


def learned_name(run: LearnedMerge, model: str, layout: str = "open_clip") -> str:
    """Name of its files, without an ending; other coefficients have another one."""
    known = hashlib.sha256(json.dumps([run.checkpoints, run.coefficients]).encode()).hexdigest()[:DIGEST]
    parts = [] if model == TINY_CLIP else [model]
    parts += ["merge", run.learner, f"{len(run.checkpoints)}-models", f"{run.steps}-steps"]
    return "-".join([*parts, *([] if layout == "open_clip" else [layout]), known])


def coefficients_by_name(
    encoder: LiveEncoder, names: ExportLayout, coefficients: Sequence[Sequence[float]]
) -> Mapping[str, tuple[float, ...]]:
    """The coefficients of every model, by the whole name of a parameter in the file.

    A layout may divide a parameter or turn it, so the number of its group goes through the renaming in its
    place.
    """
    layout = encoder.layout
    groups = CoefficientGroups.of(layout, GRAIN).of_tensor
    numbered = {
        name: torch.tensor(float(group)).expand(shape)
        for name, shape, group in zip(layout.names, layout.shapes, groups, strict=True)
    }
    renamed = names.rename(numbered)
    return {
        name: tuple(task[int(value[(0,) * value.ndim])] for task in coefficients)
        for name, value in renamed.items()
    }


def _card(plan: ExportPlan, run: LearnedMerge, tower: DescribedTower) -> str:
    learner = LEARNERS[run.learner]
    profile = run.mean_profile()
    blocks = len(next(iter(profile.values())))
    parts = [part or "block" for part in profile]
    rows = [
        (f"block {index + 1}", *(f"{values[index]:.4f}" for values in profile.values()))
        for index in range(blocks)
    ]
    labels = f"{run.cost.labels:,} labels" if learner.labels else "no labels"
    steps = f"{run.steps} steps on {FROM[run.split]}, {labels}, seed {run.seed}"
    edit = [
        "## The edit",
        "",
        f"    {FORMULA}",
        f"    c: learned by {learner.title}, {steps}",
        "",
        f"After {learner.source.split(';')[0]}. Every coefficient of every model is in `{RECIPE_FILE}`; here",
        "their means over the models and the parameters of each half of a block, weighted by size:",
        "",
        *markdown_table(("parameters", *parts), rows),
    ]
    accuracy = ["## Accuracy", "", "Not measured."]
    if run.tasks:
        accuracy = [
            "## Accuracy",
            "",
            "Top-1 in percent on test images with its 95 % interval, then correct answers of all images.",
            "",
            *markdown_table(
                ("task", "this model"),
                [
                    *((code(task.title), accuracy_cell(task)) for task in run.tasks),
                    (f"mean of {len(run.tasks)}", mean_cell(run.tasks)),
                ],
            ),
            "",
            "Zero-shot: class names in prompts, encoded by the base model's text tower, are the classifier.",
        ]
    return framed_card(
        tower,
        f"{len(plan.sources)} fine-tuned models merged by {learner.title}",
        LEARNED,
        ("\n".join(edit), "\n".join(accuracy)),
    )
