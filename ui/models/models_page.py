"""Page "Models": load a public encoder with checkpoints and tasks, check it, add a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from html import escape
from typing import Any

import gradio as gr

from evaluators.errors import SpecError, Superseded
from evaluators.experiments.load_check import check_load
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.hub.load_request import IMAGES, LoadRequest
from evaluators.hub.published_check import AccuracyCheck
from evaluators.service.load_jobs import LoadJob
from evaluators.service.studio import Studio
from evaluators.zoo import BENCHMARKS, ENCODERS, FAMILIES, TASKS
from ui.address.address_bar import AddressBar
from ui.explore.explore_page import Explore
from ui.live.session_key import session_key
from ui.models import load_progress as loading
from ui.models import models_text as words
from ui.models.model_choice import choose_model, list_models
from ui.models.own_checkpoint import own_checkpoint_form
from ui.shell import text
from ui.shell.error_messages import as_toast, message_of

PROGRESS, CHECK = "load progress", "check"
"""Names of the tickets of requests that follow a load, and of self-tests."""
REFRESH = 0.4
"""Seconds between two updates of the progress."""


def models_page(studio: Studio, address: AddressBar, explore: Explore, uploads: bool) -> None:
    """Lay out the page. A load runs in the background, and every visitor sees its progress.

    Args:
        uploads: whether visitors may add checkpoints.
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
    checks = gr.HTML("", elem_id="lx-load-checks", apply_default_css=False)
    loaded = gr.State("")
    if uploads:
        own_checkpoint_form(studio, encoder, explore)
    else:
        gr.Markdown(words.OWN["off"], elem_classes="lx-small")

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    choices = [encoder, family, tasks, images, members]
    outputs = [progress, load, stop, explore.model, explore.checkpoint]
    family.change(_choices_of, family, [tasks, members], queue=False, **private)
    changes = [control.change for control in choices]  # type: ignore[attr-defined]
    gr.on(changes, _size, choices, size, queue=False, trigger_mode="multiple", **private)

    def start_load(
        request: gr.Request, model: str, family: str, tasks: list[str], images: int, members: list[str]
    ) -> Iterator[tuple[Any, ...]]:
        """Load, and name the model at the end if there is something to check."""
        seen = studio.seen_by(session_key(request))
        try:
            job = seen.load(LoadRequest(model, family, tuple(tasks), int(images), tuple(members or ())))
        except SpecError as problem:
            notice = f'<p class="lx-notice" role="alert">{escape(message_of(problem))}</p>'
            yield notice, *_buttons(False), gr.skip(), gr.skip(), ""
            return
        for update in _follow(seen, job, go=True):
            yield *update, model if job.done and not job.problem else ""

    def show_load(request: gr.Request, model: str) -> Iterator[tuple[Any, ...]]:
        seen = studio.seen_by(session_key(request))
        job = seen.loading(model)
        if job is None:
            seen.ticket(PROGRESS)  # supersedes the progress of another encoder's load
            yield "", *_buttons(False), list_models(studio), gr.skip()
        else:
            yield from _follow(seen, job)

    queued: dict[str, Any] = {"concurrency_id": "loads", "concurrency_limit": None, **private}
    shows_on = [address.opened("models"), encoder.change]
    gr.on(shows_on, show_load, encoder, outputs, trigger_mode="multiple", **queued)
    stop.click(stop_listener(studio), encoder, None, queue=False, **private)
    checking: dict[str, Any] = {"concurrency_id": "checks", "concurrency_limit": None, **private}
    run_check = check_listener(studio)
    load.click(start_load, choices, [*outputs, loaded], **queued).then(
        run_check, loaded, [checks, stop], **checking
    )
    check.click(run_check, encoder, [checks, stop], **checking)


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


def _follow(studio: Studio, job: LoadJob, go: bool = False) -> Iterator[tuple[Any, ...]]:
    """The job's progress until it ends or the visitor follows another one; then the loaded models.

    Args:
        go: choose the model once it is loaded.
    """
    ticket = studio.ticket(PROGRESS)
    while not job.done:
        if ticket.superseded:
            return
        yield loading.steps_table(job), *_buttons(True), gr.skip(), gr.skip()
        job.wait(REFRESH)
    if go and not job.problem:
        models = choose_model(studio, job.request.model)
    else:
        models = list_models(studio), gr.skip()
    yield loading.steps_table(job), *_buttons(False), *models


def _buttons(busy: bool) -> tuple[Any, Any]:
    return gr.update(interactive=not busy), gr.update(interactive=busy)


def stop_listener(studio: Studio) -> Any:
    """The listener that stops a visitor's self-test, and the load unless others wait for it too."""

    def stop(request: gr.Request, model: str) -> None:
        seen = studio.seen_by(session_key(request))
        seen.ticket(CHECK)  # supersedes the self-test
        job = seen.loading(model)
        if job is not None and not job.done and not seen.stop_loading(model):
            gr.Info(words.LOADED_BY_OTHERS)

    return stop


def check_listener(studio: Studio) -> Any:
    """The listener that runs the self-test of a loaded model, and shows it checkpoint by checkpoint.

    Yields: the table, and the update of the Stop button.
    """

    def check(request: gr.Request, model: str) -> Iterator[tuple[Any, Any]]:
        if not model:  # the load before it has failed or was stopped
            yield gr.skip(), gr.skip()
            return
        seen = studio.seen_by(session_key(request))
        checks: list[AccuracyCheck] = []
        with as_toast(), suppress(Superseded):  # by Stop, or another self-test of this page
            if model not in [info.key for info in seen.models()]:
                raise SpecError(words.load_first(ENCODERS[model].title))
            for progress in check_load(seen, model, seen.ticket(CHECK)):
                checks += progress.checks
                yield (
                    loading.checks_table(checks) + loading.check_status(progress),
                    gr.update(interactive=True),
                )
        yield loading.checks_table(checks), gr.update(interactive=False)

    return check
