"""The recipe of an edit in the form that mergekit reads."""

from collections.abc import Sequence

from evaluators.export.edit_sources import BaseModel, SourceCheckpoint
from evaluators.export.escaping import number, one_line, quoted
from evaluators.export.export_layouts import WEIGHTS_FILE, ExportLayout
from evaluators.specs.edit_spec import EditSpec, Scales
from lines_core.merging import METHODS

LINEAR = ("sum", "average")
"""Methods whose merged residual is a weighted sum of the residuals, as mergekit's task arithmetic is."""


def recipe(
    spec: EditSpec, scales: Scales, base: BaseModel, sources: Sequence[SourceCheckpoint], layout: ExportLayout
) -> str:
    """YAML with base model, models, method, and a coefficient for every block.

    A coefficient is bound to the parameters whose name contains a filter; the first that does wins, and the
    last, without one, is for what is left: the parameters before block 1. What mergekit can do with it
    stands at the top.

    Source: mergekit 0.1.5, config.py and scripts/merge_raw_pytorch.py. Its ``mergekit-pytorch`` was run on
        recipes of the embedded lab: no weight is further than 6e-8 from that of `edited_weights`.
    """
    linear = spec.merge is None or spec.merge.method in LINEAR
    share = 1.0 / len(sources) if spec.merge is not None and spec.merge.method == "average" else 1.0
    lines = [*_head(spec, base, sources, layout, linear), ""]
    lines.append(f"merge_method: {'task_arithmetic' if linear else _method(spec)}")
    lines.append(f"base_model: {quoted(base.file)}")
    lines.append("models:")
    for source in sources:
        lines.append(f"  - model: {quoted(source.origin)}  # {one_line(source.title)}")
        if linear:
            lines += ["    parameters:", "      weight:"]
            lines += [f"        {row}" for row in _coefficients(scales, layout, share)]
    if not linear:
        lines += ["parameters:", *_settings(spec), "  lambda:"]
        lines += [f"    {row}" for row in _coefficients(scales, layout, share)]
    elif len(sources) > 1:
        lines += ["parameters:", "  normalize: false  # the weights are meant as they are"]
    return "\n".join([*lines, "dtype: float32", ""])


def _head(
    spec: EditSpec, base: BaseModel, sources: Sequence[SourceCheckpoint], layout: ExportLayout, linear: bool
) -> list[str]:
    """What the file is, and whether mergekit can run it, as comments."""
    lines = ["This describes, in mergekit's form, how the weights beside it were made by the LiNeS Explorer."]
    if not linear:
        lines += [
            "mergekit cannot run it: merge_method and its parameters are those of the LiNeS Explorer.",
            "mergekit has methods of similar names with other rules: it trims every tensor by itself,",
            "not all of them together. lambda is the factor on the merged residual.",
        ]
    elif layout.key == "open_clip" and not base.on_hub and all(source.open_clip for source in sources):
        lines += [
            "mergekit 0.1.5 can run it with its command for any PyTorch weights, in a checkout of the",
            "LiNeS Explorer, where the paths below lead: mergekit-pytorch recipe.yaml out",
            f"The result is {WEIGHTS_FILE} up to float32 rounding. mergekit-yaml has no CLIP.",
        ]
    else:
        lines += [
            "mergekit cannot run it as it stands: base_model and models say where the weights came from,",
            "where they may have other names or another form. mergekit-pytorch (0.1.5) can, once all of them",
            f"are local files of whole weights with the names of {layout.title},",
            "which the filters below speak of. mergekit-yaml has no CLIP.",
        ]
    lines += [
        "A filter is a part of a parameter's name. The first that fits decides; the entry without one is",
        "for the rest, what comes before block 1. Values are factors on fine-tuned minus pre-trained.",
        f"spec: {spec.key()}",
    ]
    return [f"# {line}" for line in lines]


def _coefficients(scales: Scales, layout: ExportLayout, share: float) -> list[str]:
    rows = [(layout.block.format(index), scale) for index, scale in enumerate(scales.blocks)]
    rows += [(beginning, scales.after) for beginning in layout.after]
    listed = [f"- {{filter: {quoted(name)}, value: {number(share * scale)}}}" for name, scale in rows]
    return [*listed, f"- {{value: {number(share * scales.before)}}}"]


def _method(spec: EditSpec) -> str:
    assert spec.merge is not None
    return f"{spec.merge.method}  # {METHODS[spec.merge.method].title}"


def _settings(spec: EditSpec) -> list[str]:
    assert spec.merge is not None
    task = [f"  task: {quoted(spec.merge.task)}"] if spec.merge.task else []
    return [*(f"  {name}: {number(value)}" for name, value in spec.merge.settings), *task]
