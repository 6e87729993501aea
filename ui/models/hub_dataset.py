"""Fields for a data set of the Hub: its address, and what was found there to choose from."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import wait
from dataclasses import dataclass
from typing import Any

import gradio as gr

from evaluators.data.own_images.task_names import LONGEST_TITLE, proposed
from evaluators.hub.transfer.parallel_calls import in_thread
from evaluators.hub.visitor_dataset import FoundDataset, look_up
from ui.models import own_images_text as words
from ui.shell.error_messages import message_of

REFRESH = 0.4
"""Seconds between two looks whether the Hub has answered."""


@dataclass(frozen=True)
class DatasetFields:
    """The fields.

    Args:
        found: what was looked up, a FoundDataset or None.
        choices: the row of the four drop-downs, hidden until something is found.
    """

    address: gr.Textbox
    button: gr.Button
    found: gr.State
    choices: gr.Row
    config: gr.Dropdown
    split: gr.Dropdown
    image: gr.Dropdown
    label: gr.Dropdown

    @property
    def drop_downs(self) -> list[gr.Dropdown]:
        """In the order of ``offers``."""
        return [self.config, self.split, self.image, self.label]


def dataset_fields() -> DatasetFields:
    """Lay the fields out."""
    with gr.Row():
        address = gr.Textbox(
            label=words.FORM["address"], placeholder="owner/name", elem_id="lx-task-address", scale=3
        )
        button = gr.Button(words.FORM["look_up"], size="sm", elem_id="lx-task-look-up", min_width=120)
    found = gr.State(None)
    with gr.Row(visible=False) as row:
        drop_downs = [
            gr.Dropdown([], label=words.FORM[name], min_width=140, elem_id=f"lx-task-{name}")
            for name in ("config", "split", "image", "label")
        ]
    return DatasetFields(address, button, found, row, *drop_downs)


def offers(found: FoundDataset | None) -> list[Any]:
    """Updates of row and drop-downs."""
    if found is None:
        return [gr.update(visible=False), *[gr.update(choices=[], value=None)] * 4]
    columns = [(found.configs, found.config), (found.splits, found.split)]
    columns += [(found.images, found.images[0]), (tuple(found.labels), next(iter(found.labels)))]
    return [
        gr.update(visible=True),
        *(gr.update(choices=list(choices), value=value) for choices, value in columns),
    ]


def find(address: str, config: str | None = None, split: str | None = None) -> Iterator[tuple[Any, ...]]:
    """The listener that looks a data set up: said, name, classes, file, found, and ``offers``."""
    future = in_thread(lambda: look_up(address, config, split), "look up data set")
    unchanged = [gr.skip()] * 9
    while not future.done():
        yield words.ASKING, *unchanged
        wait([future], REFRESH)
    try:
        found = future.result()
    except Exception as problem:  # noqa: BLE001 -- the line below says what went wrong
        yield words.refused(message_of(problem)), gr.skip(), "", gr.skip(), None, *offers(None)
        return
    classes = next(iter(found.labels.values()))
    title = found.repo.partition("/")[2].replace("_", " ").replace("-", " ")[:LONGEST_TITLE]
    said = words.found_dataset(found.repo, len(classes))
    yield said, title, proposed(classes), None, found, *offers(found)


def classes_of(found: FoundDataset | None, label: str | None) -> Any:
    """The listener that proposes the classes of another column."""
    classes = None if found is None or label is None else found.labels.get(label)
    return gr.skip() if classes is None else proposed(classes)
