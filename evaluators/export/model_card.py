"""The model card of an edited model: what it is, how it was made, what it scored, how to load it.

Every number in it is computed from the spec or counted in an `Evaluation`; none is typed in.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from evaluators.data.task_list import Task
from evaluators.errors import EvaluationError
from evaluators.export.card_frame import DescribedTower, framed_card
from evaluators.export.card_tables import accuracy_cell, markdown_table, mean_cell
from evaluators.export.edit_sources import BaseModel, SourceCheckpoint, residual_key
from evaluators.export.escaping import code, quoted
from evaluators.export.export_layouts import ExportLayout
from evaluators.export.export_names import said_keys, said_spec
from evaluators.specs.edit_spec import FREE, EditSpec, Scales
from evaluators.specs.evaluation import CONTROL, TARGET, Evaluation, task_role
from lines_core.editing import OUTSIDE_RULES
from lines_core.merging import METHODS
from lines_core.schedules import SHAPES

FORMULA = "theta = theta_0 + c(l) * tau, c(l) = mix * lambda(l) in block l = 1..L"
THIS = "this model"
EDITED = (
    "The image tower of a CLIP, edited with the LiNeS Explorer after",
    "[arXiv:2410.17146](https://arxiv.org/abs/2410.17146): the pre-trained weights and, block by block,",
    "a share of what fine-tuning changed.",
)
HOW = (
    "Zero-shot: class names in prompts, encoded by the base model's text tower, are the classifier of",
    "every task. Images are a seeded subset balanced by class. The interval of a task is Wilson's;",
    "that of a mean is for these tasks and other images. `test` is a split to report, `val` one to",
    "choose by.",
)
OWN_HEADS = (
    "Fine-tuning changed a classification head too. Tasks of ImageNet's classes were measured with it,",
    "edited along with the tower by the coefficient after the last block; it is not in the file.",
)
ADDED = (
    "Tasks that were added, with class names in the order of the labels, and prompts. Their images do not",
    "come with the LiNeS Explorer.",
)


def card(
    spec: EditSpec,
    scales: Scales,
    base: BaseModel,
    sources: Sequence[SourceCheckpoint],
    layout: ExportLayout,
    size: tuple[int, int],
    activation: str,
    evaluations: Sequence[Evaluation],
    whole: bool = False,
    added: Sequence[Task] = (),
) -> str:
    """Markdown with the header that the Hub reads.

    Args:
        size: parameters of the tower, and tensors of the file.
        activation: of the tower, in transformers' words.
        evaluations: of this edit, and of what to compare it with: other edits of the same residual, the
            pre-trained model, the fine-tuned ones.
        whole: the file holds the text tower too.
        added: tasks that are not built in; those that were measured are listed with classes and prompts.
    Raises: EvaluationError if one is partial, or of a model that has nothing to do with this one.
    """
    titles = {task.key: task.title for task in added}
    single = f"fine-tuned on {code(sources[0].title)}"
    made = single if spec.merge is None else f"{len(sources)} fine-tuned models merged"
    sections = (
        _edit(spec, scales, titles),
        _accuracy(spec, sources, evaluations, len(scales.blocks), said_keys(spec, titles))
        + _added(evaluations, added),
    )
    tower = DescribedTower(base, sources, layout, size, activation, whole)
    return framed_card(tower, f"{made} and edited", EDITED, sections)


def in_words(spec: EditSpec, num_blocks: int) -> str:
    """The edit as sentences.

    >>> in_words(EditSpec(shape="flat", alpha=0.5, outside="pretrained"), 12)
    'Every block alike: λ = 0.5, which is task arithmetic. Parameters in no block stay pre-trained.'
    """
    said = []
    single = spec.merge is None and spec.shape == "linear"
    if single and math.isclose(spec.alpha + spec.beta, 1.0, abs_tol=1e-9):
        said.append(f"Single-task LiNeS with γ = {spec.alpha:.10g}.")
    if spec.shape == FREE:
        said.append("A coefficient of its own for every block, given by hand.")
    elif spec.shape == "flat":
        said.append(f"Every block alike: λ = {spec.alpha:.10g}, which is task arithmetic.")
    else:
        shape, ends = SHAPES[spec.shape], replace(spec, mix=1.0).scales(num_blocks).blocks
        said.append(
            f"{shape.title} scaling function, {shape.formula} with x = (ℓ − 1)/(L − 1), "
            f"α = {spec.alpha:.10g} and β = {spec.beta:.10g}: "
            f"{ends[0]:.6g} in block 1, {ends[-1]:.6g} in block {num_blocks}."
        )
    said.append(OUTSIDE_RULES[spec.outside].help)
    if spec.mix != 1.0:
        said.append(f"Every coefficient is multiplied by the WiSE-FT mix {spec.mix:.10g}.")
    return " ".join(said)


def _edit(spec: EditSpec, scales: Scales, titles: Mapping[str, str]) -> str:
    tau = "theta_t - theta_0, what fine-tuning changed"
    if spec.merge is not None:
        settings = ", ".join(f"{name} {value:.10g}" for name, value in spec.merge.settings)
        method = METHODS[spec.merge.method].title + (f" ({settings})" if settings else "")
        tau = f"what {len(spec.merge.checkpoints)} fine-tunings changed, merged by {method}"
        if spec.merge.weights:
            weights = zip(spec.merge.weights, said_keys(spec, titles).values(), strict=True)
            tau += f", weighted {', '.join(f'{weight:.10g} ({key})' for weight, key in weights)}"
    rows = [("before block 1", f"{scales.before:.6g}")]
    rows += [(f"block {index}", f"{scale:.6g}") for index, scale in enumerate(scales.blocks, start=1)]
    rows += [(f"after block {len(scales.blocks)}", f"{scales.after:.6g}")]
    lines = [
        "## The edit",
        "",
        f"    {FORMULA}",
        f"    tau: {tau}",
        "",
        in_words(spec, len(scales.blocks)),
        "",
        *markdown_table(("parameters", "coefficient c"), rows),
        "",
        "The same as the spec that the LiNeS Explorer takes; it is in the file's metadata too:",
        "",
        f"```json\n{json.dumps(said_spec(spec, titles), indent=2)}\n```",
    ]
    return "\n".join(lines)


def _accuracy(
    spec: EditSpec,
    sources: Sequence[SourceCheckpoint],
    evaluations: Sequence[Evaluation],
    num_blocks: int,
    said: Mapping[str, str],
) -> str:
    if not evaluations:
        return "## Accuracy\n\nNot measured."
    labels = [_label(spec, evaluation, num_blocks, said) for evaluation in evaluations]
    columns = [{task.key: task for task in evaluation.tasks} for evaluation in evaluations]
    titles = {key: task.title for column in columns for key, task in column.items()}
    head = [f"{label}, {one.spec.split}" for label, one in zip(labels, evaluations, strict=True)]
    rows = [
        (code(title), task_role(key, spec), *(accuracy_cell(column.get(key)) for column in columns))
        for key, title in titles.items()
    ]
    for role in (TARGET, CONTROL):
        of_role = [key for key in titles if task_role(key, spec) == role]
        if len(of_role) > 1:
            means = (mean_cell([column[key] for key in of_role if key in column]) for column in columns)
            rows.append((f"mean of {len(of_role)}", role, *means))
    notes = [
        f"- {label}, {one.spec.split} split: {_evidence(one)}"
        for label, one in zip(labels, evaluations, strict=True)
    ]
    lines = [
        "## Accuracy",
        "",
        *(
            []
            if THIS in labels
            else ["This model itself was not measured; those it is compared with were.", ""]
        ),
        "Top-1 in percent with its 95 % interval, then correct answers of all images asked.",
        "",
        *markdown_table(("task", "role", *head), rows),
        "",
        *HOW,
        *(OWN_HEADS if any(source.head for source in sources) else ()),
        "",
        *notes,
    ]
    return "\n".join(lines)


def _added(evaluations: Sequence[Evaluation], added: Sequence[Task]) -> str:
    """Classes and prompts of the added tasks that were measured, as JSON; a backtick in them is escaped."""
    measured = {task.key for evaluation in evaluations for task in evaluation.tasks}
    parts = []
    for task in (one for one in added if one.key in measured):
        lists = {"classes": task.classes, "prompts": task.prompts}
        rows = (f'  "{name}": [{", ".join(map(quoted, texts))}]' for name, texts in lists.items())
        said = ",\n".join(rows).replace("`", "\\u0060")
        parts.append(f"{code(task.title)}\n\n```json\n{{\n{said}\n}}\n```")
    return "\n\n".join(["", "\n".join(ADDED), *parts]) if parts else ""


def _label(spec: EditSpec, evaluation: Evaluation, num_blocks: int, said: Mapping[str, str]) -> str:
    """What an evaluation is of, seen from the edit. Raises: EvaluationError as `card`."""
    other = evaluation.spec
    if not evaluation.complete:
        raise EvaluationError("A model card is made of complete evaluations, got a partial one: let it end.")
    if other.model == spec.model:
        scales = other.scales(num_blocks)
        coefficients = {*scales.blocks, scales.before, scales.after}
        same = residual_key(other) == residual_key(spec)
        if same and scales == spec.scales(num_blocks):
            return THIS
        if coefficients == {0.0}:
            return "pre-trained"
        if other.merge is None and coefficients == {1.0} and other.checkpoint in spec.sources:
            return "fine-tuned" if same else f"fine-tuned ({said[other.checkpoint]})"
        if same:
            mix = f", mix {other.mix:.10g}" if other.mix != 1.0 else ""
            beta = f", β {other.beta:.10g}" if other.shape != "flat" else ""
            return f"{other.shape}, α {other.alpha:.10g}{beta}{mix}"
    raise EvaluationError(
        f"An evaluation of {other.model}, {residual_key(other)!r}, says nothing of an edit of {spec.model}, "
        f"{residual_key(spec)!r}: give those of its residual, or of the pre-trained model."
    )


def _evidence(evaluation: Evaluation) -> str:
    asked = sorted({task.n for task in evaluation.tasks})
    images = f"{asked[0]}" if len(asked) == 1 else f"{asked[0]} to {asked[-1]}"
    origin = "shipped with the LiNeS Explorer" if evaluation.precomputed else "measured where it was exported"
    narrow = "" if evaluation.dtype == "float32" else ", to which the float32 weights were rounded"
    return (
        f"{images} images per task, {evaluation.dtype} on {evaluation.device}{narrow}, "
        f"{evaluation.seconds:.1f} s; {origin}."
    )
