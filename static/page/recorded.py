"""Answers of the server's listeners to what a page without a server can be set to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from inspect import isgeneratorfunction
from itertools import product
from typing import Any

import gradio as gr

from static.errors import StaticError
from static.page.page_tree import PageTree, Part

PANELS = (
    "forgetting",
    "tune",
    "robust",
    "merge-live",
    "merge-search",
    "learned",
    "soup",
    "rewarded",
    "text",
    "text-here",
    "text-merge",
    "compared",
)
"""HTML components whose answers are recorded, by their names without "lx-"."""
VARIED = (
    "lx-checkpoint",
    "lx-soup-which",
    "lx-rewarded-w",
    "lx-rewarded-lines",
    "lx-text-task",
    "lx-text-part",
    "lx-text-gamma",
)
"""Controls that a visitor of the static page may set, of those that the answers depend on."""
VISITOR = "static page"


def recorded(blocks: gr.Blocks, tree: PageTree) -> Iterator[tuple[dict[str, Any], dict[str, list[Any]]]]:
    """A listener of each panel, and its answers by JSON of its inputs' values.

    Raises: StaticError if a panel has no answer.
    Yields: {targets, inputs, outputs}, as numbers of parts, and the values of the outputs; None for one that
        is no panel.
    """
    parts = {part.id: part for part in tree.walk()}
    panels = {part.id for part in tree.walk() if part.name in {f"lx-{name}" for name in PANELS}}
    request = gr.Request(session_hash=VISITOR)
    next_of = {one.trigger_after: one for one in blocks.fns.values() if one.trigger_after is not None}
    for listener in blocks.fns.values():
        outputs = [one._id for one in listener.outputs]
        targets = [(target, event) for target, event in listener.targets if target is not None]
        opens = any(event.startswith("open_") for _, event in targets)
        if listener.fn is None or not opens or not panels & set(outputs):
            continue
        inputs = [one._id for one in listener.inputs]
        answers = {}
        for values in product(*(settings_of(parts.get(number)) for number in inputs)):
            answer = listener.fn(request, *values)
            more = next_of.get(listener._id)
            if more is not None and isgeneratorfunction(more.fn):  # counts on, up to the complete answer
                for answer in more.fn(request, *values):
                    _check(answer)
            found = answer if isinstance(answer, tuple) else (answer,)
            answers[key_of(values)] = [
                value if output in panels else None for output, value in zip(outputs, found, strict=True)
            ]
        moved = [(number, "change") for number in inputs if _varies(parts.get(number))]
        targets += [one for one in moved if one not in targets]
        yield {"targets": targets, "inputs": inputs, "outputs": outputs}, answers


def key_of(values: Sequence[Any]) -> str:
    """Values of controls as JavaScript's ``JSON.stringify`` writes them, 2.0 as 2."""
    plain = [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False)


def _check(answer: Any) -> None:
    """Raises: StaticError if a live panel could not answer."""
    value = json.loads(answer)
    if value["state"] == "error":
        raise StaticError(f"A panel has no answer: {value['slots']['sentence']}")


def _varies(part: Part | None) -> bool:
    return part is not None and part.name in VARIED


def settings_of(part: Part | None) -> Sequence[Any]:
    """What a control can be set to on the static page; only its start value for most."""
    if part is None:
        return [None]
    if part.name not in VARIED:
        return [part.props.get("value")]
    if part.kind == "checkbox":
        return [True, False]
    if part.kind == "slider":
        low, high, step = (part.props[name] for name in ("minimum", "maximum", "step"))
        return [round(low + step * place, 9) for place in range(round((high - low) / step) + 1)]
    return [value for _, value in part.choices]
