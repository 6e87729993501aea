"""Page "Models": load a public encoder with checkpoints and tasks, check it, add a checkpoint or a task."""

from __future__ import annotations

from typing import Any

import gradio as gr

from evaluators.errors import SpecError
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.hub.load_request import IMAGES, LoadRequest
from evaluators.service.studio import Studio
from evaluators.zoo import BENCHMARKS, ENCODERS, FAMILIES, TASKS
from ui.address.address_bar import AddressBar
from ui.explore.explore_page import Explore
from ui.models import load_listeners as listeners
from ui.models import load_progress as loading
from ui.models import models_text as words
from ui.models.own_checkpoint import own_checkpoint_form
from ui.models.own_images import own_images_form
from ui.models.own_reports import report_section
from ui.shell import text
from ui.shell.error_messages import message_of


def models_page(studio: Studio, address: AddressBar, explore: Explore, uploads: bool) -> None:
    """Lay out the page. A load runs in the background, and every visitor sees its progress.

    Args:
        uploads: whether visitors may add checkpoints and tasks.
    """
    gr.Markdown(words.MODELS, elem_classes="lx-lead")
    encoder = gr.Radio(
        [(row.title, key) for key, row in ENCODERS.items()],
        value=next(iter(ENCODERS)),
        label=words.MODEL_CHOICE["encoder"],
        elem_id="lx-load-encoder",
    )
    family = gr.Radio(
        [(row.title, key) for key, row in FAMILIES.items()],
        value=next(iter(FAMILIES)),
        label=words.MODEL_CHOICE["family"],
        elem_id="lx-load-family",
    )
    with gr.Row():
        tasks = gr.Dropdown(
            _titles(FAMILIES[_START[1]].suite),
            value=list(BENCHMARKS[8]),
            multiselect=True,
            label=words.MODEL_CHOICE["tasks"],
            elem_id="lx-load-tasks",
            scale=3,
            min_width=300,
        )
        images = gr.Dropdown(
            [("64", 64), ("256", IMAGES), ("1,000", 1000), (words.MODEL_CHOICE["all"], ALL_IMAGES)],
            value=IMAGES,
            label=words.MODEL_CHOICE["images"],
            elem_id="lx-load-images",
            scale=1,
        )
    members = gr.Dropdown(
        multiselect=True,
        visible=False,
        label=words.MODEL_CHOICE["members"],
        elem_id="lx-load-members",
    )
    size = gr.HTML(_size(*_START), elem_classes="lx-status", apply_default_css=False)
    with gr.Row(elem_classes="lx-tools"):
        load = gr.Button(words.MODEL_CHOICE["load"], size="sm", variant="primary", elem_id="lx-load")
        stop = gr.Button(text.SWEEP["cancel"], size="sm", interactive=False, elem_id="lx-load-stop")
        check = gr.Button(words.MODEL_CHOICE["check"], size="sm", elem_id="lx-load-check")
    progress = gr.HTML("", elem_id="lx-load-progress", apply_default_css=False)
    with gr.Row(elem_classes="lx-tools"):
        there = {info.key for info in studio.models()}
        opens = {
            key: gr.Button(
                words.opens(row.title),
                size="sm",
                variant="primary",
                visible=key in there,
                elem_id=f"lx-open-{key}",
            )
            for key, row in ENCODERS.items()
        }
    checks = gr.HTML("", elem_id="lx-load-checks", apply_default_css=False)
    loaded = gr.State("")
    lists = [explore.model]
    if uploads:
        of, target = own_checkpoint_form(studio, explore)
        yours = own_images_form(studio, address, explore, target, of)
        lists.append(of)
        report_section(studio, address, explore, yours)
    else:
        gr.Markdown(words.OWN["off"], elem_classes="lx-small")

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    at_once: dict[str, Any] = {"queue": False, **private}
    choices = [encoder, family, tasks, images, members]
    shown = [progress, stop, *opens.values(), *lists]
    family.change(_choices_of, family, [tasks, members], **at_once)
    changes = [control.change for control in choices]  # type: ignore[attr-defined]
    gr.on(changes, _size, choices, size, trigger_mode="multiple", **at_once)

    queued: dict[str, Any] = {
        "concurrency_id": "loads",
        "concurrency_limit": None,
        "trigger_mode": "multiple",
        **private,
    }
    address.opened("models")(listeners.follow_listener(studio, len(lists)), None, shown, **queued)
    stop.click(listeners.stop_listener(studio), encoder, None, **at_once)
    checking: dict[str, Any] = {"concurrency_id": "checks", "concurrency_limit": None, **private}
    run_check = listeners.check_listener(studio)
    load.click(listeners.load_listener(studio, len(lists)), choices, [*shown, loaded], **queued).then(
        run_check, loaded, [checks, stop], **checking
    )
    check.click(run_check, encoder, [checks, stop], **checking)
    for key, button in opens.items():
        chosen = [explore.model, explore.checkpoint]
        opened = button.click(listeners.open_listener(studio, key), None, chosen, **at_once)
        opened.then(None, None, None, js=listeners.GO_TO_EXPLORE, **at_once)


_START: tuple[Any, ...] = (next(iter(ENCODERS)), next(iter(FAMILIES)), list(BENCHMARKS[8]), IMAGES, [])
SELECTED_MEMBERS = 3
"""Members of a soup that are selected at first."""


def _titles(suite: str) -> list[tuple[str, str]]:
    """The tasks of a suite, for a drop-down."""
    return [(row.title, key) for key, row in TASKS.items() if row.suite == suite]


def _choices_of(family: str) -> tuple[Any, Any]:
    """Updates of the drop-downs for a family: tasks of its suite, and members if it has several of a task."""
    row = FAMILIES[family]
    suited = [key for _, key in _titles(row.suite)]
    selected = [key for key in BENCHMARKS[8] if key in suited] or suited
    others = [member for member in row.members if member not in row.suggested]
    return (
        gr.update(choices=_titles(row.suite), value=selected),
        gr.update(
            choices=[*row.suggested, *others],
            value=list(row.suggested[:SELECTED_MEMBERS]),
            visible=bool(row.members),
        ),
    )


def _size(model: str, family: str, tasks: list[str], images: int, members: list[str]) -> str:
    try:
        return loading.size_of(LoadRequest(model, family, tuple(tasks), int(images), tuple(members or ())))
    except SpecError as problem:
        return message_of(problem)
