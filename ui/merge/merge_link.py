"""The link of the page Merge: what is merged, how, and the coefficients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from evaluators.errors import SpecError
from evaluators.experiments.merge_search import OFFERED_SHAPES
from evaluators.experiments.merge_starts import MODEL_STARTS, PAPER_ALPHA, start_coefficients
from evaluators.service.studio import Studio
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import METHODS, Parameter
from ui.address.page_link import LinkReader, LinkRow, PageLink
from ui.merge import merge_text as words
from ui.merge.merge_controls import ALPHA_TOP, BETA_TOP, METHOD, SHAPE, offered, parameter_rows
from ui.merge.weight_text import read_weights


def merge_link(settings: Sequence[Component], help_text: gr.Markdown) -> PageLink:
    """What the link says of the page's settings.

    Args:
        settings: in the order of ``MergeControls``.
        help_text: follows the method.
    """
    model, tasks, method, *rest = settings
    count = len(parameter_rows())
    parameters, (weights, auto, shape, alpha, beta, plain) = rest[:count], rest[count:]
    rows = [LinkRow("tasks", tasks), LinkRow("method", method, METHOD)]
    rows += [
        LinkRow(parameter.key, control, parameter.default, (method, row.key))
        for (row, parameter), control in zip(parameter_rows(), parameters, strict=True)
    ]
    rows += [
        LinkRow("weights", weights, ""),
        LinkRow("alpha", alpha, None, (auto, False)),
    ]
    rows += [
        LinkRow(
            name,
            control,
            start_coefficients(key)[place],
            (method, key),
            (model, {of: start_coefficients(key, of)[place] for of in MODEL_STARTS}),
        )
        for key in METHODS
        for place, (name, control) in enumerate((("beta", beta), ("plain", plain)))
    ]
    rows.append(LinkRow("shape", shape, SHAPE))
    return PageLink("merge", rows, [*settings[1:], help_text], read_merge)


def read_merge(
    studio: Studio, query: Mapping[str, str], model: str, checkpoint: str
) -> tuple[list[Any], list[str]]:
    """Updates of the settings after the model, of the method's help, and complaints."""
    reader = LinkReader(query)
    choices = offered(studio, model)
    keys = [key for _, key in choices]
    titles = {key: title for title, key in choices}
    tasks = reader.some_of("tasks", keys, keys)
    method = reader.one_of("method", list(METHODS), METHOD)
    parameters = [
        gr.update(
            value=_number(reader, parameter) if row.key == method else parameter.default,
            visible=row.key == method,
        )
        for row, parameter in parameter_rows()
    ]
    beta, plain = start_coefficients(method, model)
    alpha = reader.number("alpha", 0.0, ALPHA_TOP, math.nan)
    auto = math.isnan(alpha)
    found = [
        gr.update(choices=choices, value=tasks),
        method,
        *parameters,
        _weights(reader, tasks, titles),
        auto,
        reader.one_of("shape", list(OFFERED_SHAPES), SHAPE),
        gr.update(value=PAPER_ALPHA if auto else alpha, visible="hidden" if auto else True),
        reader.number("beta", 0.0, BETA_TOP, beta),
        reader.number("plain", 0.0, BETA_TOP, plain),
        words.method_help(method),
    ]
    return found, reader.complaints


def _weights(reader: LinkReader, tasks: list[str], titles: Mapping[str, str]) -> str:
    text = reader.query.get("weights", "")
    try:
        weights = read_weights(text, tasks, titles)
        if tasks:
            MergeSpec(tuple(tasks), weights=weights)
    except SpecError as error:
        reader.complaints.append(f"The link's weights: {error}")
        return ""
    return text


def _number(reader: LinkReader, parameter: Parameter) -> float:
    if not parameter.choices:
        if parameter.step == 1.0:
            whole = (round(bound) for bound in (parameter.low, parameter.high, parameter.default))
            return reader.whole(parameter.key, *whole)
        return reader.number(parameter.key, parameter.low, parameter.high, parameter.default)
    known = {f"{value:g}": value for value in parameter.choices}
    return known[reader.one_of(parameter.key, list(known), f"{parameter.default:g}")]
