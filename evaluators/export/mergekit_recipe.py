"""The recipe of an edit in the form that mergekit reads."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from evaluators.export.edit_sources import BaseModel, SourceCheckpoint
from evaluators.export.escaping import number, one_line, quoted
from evaluators.export.export_layouts import ExportLayout
from evaluators.export.loading_snippets import WEIGHTS_FILE
from evaluators.specs.edit_spec import EditSpec, Scales
from lines_core.merging import METHODS

LINEAR = ("sum", "average")
"""Methods whose merged residual is a weighted sum of the residuals, as mergekit's task arithmetic is."""
AS_THEY_ARE = ("parameters:", "  normalize: false  # the weights are meant as they are")


def recipe(
    spec: EditSpec,
    scales: Scales,
    base: BaseModel,
    sources: Sequence[SourceCheckpoint],
    layout: ExportLayout,
    models: Sequence[str] = (),
    said: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """YAML with base model, models, method, and a coefficient for every parameter.

    A coefficient is bound to the parameters whose name contains a filter; the first that does wins. There is
    none without a filter: mergekit stops at a name that has no coefficient, where it would otherwise merge
    files with other names in silence. What mergekit can do with it stands at the top.

    Args:
        models: folders, seen from the recipe, of the pre-trained model and of each source, in the layout's
            form; empty to name where the weights came from.
        said: what checkpoints are called instead of their keys.
    Source: mergekit 0.1.5, config.py and scripts/merge_raw_pytorch.py. Both of its programs run such recipes
        in the tests: no weight is further than 6e-8 from that of `edited_weights`.
    """
    linear = spec.merge is None or spec.merge.method in LINEAR
    rules = () if linear else _own_rules(spec)
    share = 1.0 / len(sources) if spec.merge is not None and spec.merge.method == "average" else 1.0
    theta, *taus = _paths(models, layout) or (base.file, *(source.origin for source in sources))
    lines = [*_head(f"spec: {spec.key()}", base, sources, layout, rules, bool(models)), ""]
    lines.append(f"merge_method: {'task_arithmetic' if linear else _method(spec)}")
    lines.append(f"base_model: {quoted(theta)}")
    lines.append("models:")
    factors = (1.0,) if spec.merge is None else spec.merge.factors
    for path, source, factor in zip(taus, sources, factors, strict=True):
        lines.append(f"  - model: {quoted(path)}  # {one_line(source.title)}")
        if linear:
            lines += ["    parameters:", "      weight:"]
            lines += [f"        {row}" for row in _coefficients(scales, layout, share * factor)]
        elif factor != 1.0:
            lines += ["    parameters:", f"      weight: {number(factor)}"]
    if not linear:
        lines += ["parameters:", *_settings(spec, said), "  lambda:"]
        lines += [f"    {row}" for row in _coefficients(scales, layout, share)]
    elif len(sources) > 1:
        lines += AS_THEY_ARE
    return "\n".join([*lines, "dtype: float32", ""])


def learned_recipe(
    made: str,
    coefficients: Mapping[str, Sequence[float]],
    base: BaseModel,
    sources: Sequence[SourceCheckpoint],
    layout: ExportLayout,
    models: Sequence[str] = (),
) -> str:
    """YAML of a merge with a coefficient of its own for every parameter and model: task arithmetic.

    Args:
        made: how they were found, in one line.
        coefficients: of each source, by the whole name of a parameter in the file.
        models: as in `recipe`.
    """
    theta, *taus = _paths(models, layout) or (base.file, *(source.origin for source in sources))
    lines = [*_head(made, base, sources, layout, (), bool(models)), ""]
    lines += ["merge_method: task_arithmetic", f"base_model: {quoted(theta)}", "models:"]
    for index, (path, source) in enumerate(zip(taus, sources, strict=True)):
        lines += [
            f"  - model: {quoted(path)}  # {one_line(source.title)}",
            "    parameters:",
            "      weight:",
        ]
        lines += [f"        {_row(name, values[index])}" for name, values in coefficients.items()]
    return "\n".join([*lines, *AS_THEY_ARE, "dtype: float32", ""])


def _paths(models: Sequence[str], layout: ExportLayout) -> list[str]:
    """What mergekit is given: folders with a configuration, files of weights otherwise."""
    return [f"./{model}" if layout.config else f"{model}/{WEIGHTS_FILE}" for model in models]


def _head(
    made: str,
    base: BaseModel,
    sources: Sequence[SourceCheckpoint],
    layout: ExportLayout,
    rules: Sequence[str],
    complete: bool,
) -> list[str]:
    """What the file is, and whether mergekit can run it, as comments; ``rules`` says why it cannot."""
    lines = ["This describes, in mergekit's form, how the weights beside it were made by the LiNeS Explorer."]
    if rules:
        lines += rules
    elif complete:
        command = "mergekit-yaml recipe.yaml merged --no-copy-tokenizer"
        lines += [
            "mergekit 0.1.5 runs it as it stands, in this folder:",
            f"  {command if layout.config else 'mergekit-pytorch recipe.yaml merged'}",
            f"The result is the image tower of {WEIGHTS_FILE} up to float32 rounding.",
        ]
    elif layout.config is None and not base.on_hub and all(source.open_clip for source in sources):
        lines += [
            "mergekit 0.1.5 runs it in a checkout of the LiNeS Explorer, where the paths below lead:",
            "  mergekit-pytorch recipe.yaml merged",
            f"The result is the image tower of {WEIGHTS_FILE} up to float32 rounding.",
        ]
    else:
        lines += [
            "mergekit 0.1.5 runs it once base_model and models are local, with the names of",
            f"{layout.title}: as they are below, they say where the weights came",
            "from. An export together with the models it was made of has both.",
        ]
    lines += [
        "A filter is a part of a parameter's name. The first that fits decides; where none fits, mergekit",
        "stops. Values are factors on fine-tuned minus pre-trained.",
        made,
    ]
    return [f"# {line}" for line in lines]


def _own_rules(spec: EditSpec) -> tuple[str, ...]:
    """That mergekit cannot run it, and how its method of a similar name differs, if it has one."""
    assert spec.merge is not None
    cannot = "mergekit cannot run it: merge_method and its parameters are those of the LiNeS Explorer."
    head = "mergekit has methods of similar names with other rules: it"
    other: tuple[str, ...] = ()
    if spec.merge.method == "slerp":
        other = f"{head} interpolates the models,", "not what fine-tuning changed."
    elif not METHODS[spec.merge.method].by_tensor:
        other = f"{head} trims every tensor by itself,", "not all of them together."
    return cannot, *other, "lambda is the factor on the merged residual."


def _coefficients(scales: Scales, layout: ExportLayout, share: float) -> list[str]:
    rows = [(part, scales.blocks[block]) for part, block in layout.blocks(len(scales.blocks))]
    rows += [(part, scales.after) for part in layout.after]
    rows += [(part, scales.before) for part in layout.before]
    return [_row(name, share * scale) for name, scale in rows]


def _row(name: str, value: float) -> str:
    return f"- {{filter: {quoted(name)}, value: {number(value)}}}"


def _method(spec: EditSpec) -> str:
    assert spec.merge is not None
    return f"{spec.merge.method}  # {METHODS[spec.merge.method].title}"


def _settings(spec: EditSpec, said: Mapping[str, str]) -> list[str]:
    assert spec.merge is not None
    key = spec.merge.task
    task = [f"  task: {quoted(said.get(key, key))}"] if key else []
    return [*(f"  {name}: {number(value)}" for name, value in spec.merge.settings), *task]
