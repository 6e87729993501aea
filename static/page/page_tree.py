"""The Gradio page as a tree of plain values: its layout, and the listeners that run in the browser alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class Part:
    """A component or a container of the page.

    Args:
        id: its number in the Gradio page.
        kind: "slider", "column", "html" ...
        props: as Gradio sends them to its own front end.
        inside: parts in reading order.
    """

    id: int
    kind: str
    props: Mapping[str, Any]
    inside: tuple[Part, ...] = ()

    @property
    def name(self) -> str:
        """Its id in the document, empty for none."""
        return self.props.get("elem_id") or ""

    @property
    def choices(self) -> list[tuple[str, Any]]:
        """(title, value) of a list to choose from."""
        return [(str(title), value) for title, value in self.props.get("choices") or []]

    def walk(self) -> Iterator[Part]:
        """It and all parts inside it."""
        yield self
        for part in self.inside:
            yield from part.walk()


@dataclass(frozen=True)
class Listener:
    """A listener that is a JavaScript function: of its inputs' values, to its outputs' values or updates.

    Args:
        targets: (number of a part, event).
        inputs, outputs: numbers of parts.
        after: position among the listeners of the one that it follows, None for the targets' events.
        script: the function.
    """

    targets: tuple[tuple[int, str], ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    script: str
    after: int | None = None


@dataclass(frozen=True)
class PageTree:
    """The page: its parts, and those of its listeners that need no server, in Gradio's order."""

    parts: tuple[Part, ...]
    listeners: tuple[Listener, ...] = field(default=())

    def walk(self) -> Iterator[Part]:
        """All parts in reading order."""
        for part in self.parts:
            yield from part.walk()

    def part(self, name: str) -> Part:
        """The part with an id in the document. Raises: KeyError."""
        for part in self.walk():
            if part.name == name:
                return part
        raise KeyError(name)


COARSER = {"lx-text-gamma": 0.1}
"""Steps of sliders that the server counts at more positions than ship with an answer."""


def page_tree(blocks: gr.Blocks) -> PageTree:
    """The tree of a page that Gradio has laid out."""
    config: dict[str, Any] = dict(blocks.get_config_file())
    components = {one["id"]: one for one in config["components"]}
    parts = tuple(_part(node, components) for node in config["layout"]["children"])
    dependencies = [one for one in config["dependencies"] if one["js"] and not one["backend_fn"]]
    place = {one["id"]: position for position, one in enumerate(dependencies)}
    listeners = [
        Listener(
            targets=tuple((target, event) for target, event in one["targets"] if target in components),
            inputs=tuple(one["inputs"]),
            outputs=tuple(one["outputs"]),
            script=one["js"],
            after=place.get(one.get("trigger_after")),
        )
        for one in dependencies
    ]
    return PageTree(parts, tuple(listeners))


def _part(node: Mapping[str, Any], components: Mapping[int, Mapping[str, Any]]) -> Part:
    component = components[node["id"]]
    children: Sequence[Mapping[str, Any]] = node.get("children") or ()
    inside = tuple(_part(child, components) for child in children)
    props = component["props"]
    if (step := COARSER.get(props.get("elem_id", ""))) is not None:
        props = {**props, "step": step}
    return Part(node["id"], component["type"], props, inside)
