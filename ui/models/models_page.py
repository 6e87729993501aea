"""Tab "Real CLIP": load a public encoder with its checkpoints and tasks, check it, and add one's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from evaluators.errors import SpecError
from evaluators.hub.loader import IMAGES, LoadRequest
from evaluators.hub.published_check import AccuracyCheck, self_test
from evaluators.service.load_jobs import LoadJob
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.zoo import BENCHMARKS, ENCODERS, FAMILIES, TASKS
from ui.explore.explore_controls import images_of
from ui.explore.explore_page import Explore
from ui.live.visitors import Visitors, session_of
from ui.models import load_progress as loading
from ui.shell import text
from ui.shell.error_messages import message_of, told

LOOK = 0.4
"""Seconds between two images of a load's progress."""
ALL = 0


def models_tab(studio: Studio, explore: Explore, uploads: bool) -> None:
    """The tab. A load runs in the background, and whoever looks on sees it.

    Args:
        uploads: whether visitors may bring checkpoints of their own.
    """
    with gr.Tab(text.TABS["models"]) as tab:
        gr.Markdown(text.MODELS, elem_classes="lx-lead")
        encoder = gr.Radio(
            [(one.title, key) for key, one in ENCODERS.items()],
            value=next(iter(ENCODERS)),
            label=text.MODEL_CHOICE["encoder"],
            elem_id="lx-load-encoder",
        )
        family = gr.Radio(
            [(one.title, key) for key, one in FAMILIES.items()],
            value=next(iter(FAMILIES)),
            label=text.MODEL_CHOICE["family"],
            elem_id="lx-load-family",
        )
        with gr.Row():
            tasks = gr.Dropdown(
                _titled(FAMILIES[_START[1]].suite),
                value=list(BENCHMARKS[8]),
                multiselect=True,
                label=text.MODEL_CHOICE["tasks"],
                elem_id="lx-load-tasks",
                scale=3,
                min_width=300,
            )
            images = gr.Dropdown(
                [("64", 64), ("256", IMAGES), ("1,000", 1000), (text.MODEL_CHOICE["all"], ALL)],
                value=IMAGES,
                label=text.MODEL_CHOICE["images"],
                elem_id="lx-load-images",
                scale=1,
            )
        members = gr.Dropdown(
            multiselect=True, visible=False, label=text.MODEL_CHOICE["members"], elem_id="lx-load-members"
        )
        size = gr.HTML(_size(*_START), elem_classes="lx-status", apply_default_css=False)
        with gr.Row(elem_classes="lx-tools"):
            load = gr.Button(text.MODEL_CHOICE["load"], size="sm", variant="primary", elem_id="lx-load")
            stop = gr.Button(text.SWEEP["cancel"], size="sm", interactive=False, elem_id="lx-load-stop")
            check = gr.Button(text.MODEL_CHOICE["check"], size="sm", elem_id="lx-load-check")
        progress = gr.HTML("", elem_id="lx-load-progress", apply_default_css=False)
        checks = gr.HTML("", elem_id="lx-load-checks", apply_default_css=False)
        if uploads:
            _own(studio, encoder, explore)
        else:
            gr.Markdown(text.OWN["off"], elem_classes="lx-small")

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    wished = [encoder, family, tasks, images, members]
    shown = [progress, load, stop, explore.model, explore.checkpoint]
    family.change(_offered, family, [tasks, members], queue=False, **private)
    changes = [one.change for one in wished]  # type: ignore[attr-defined]
    gr.on(changes, _size, wished, size, queue=False, trigger_mode="multiple", **private)
    looks = Visitors()

    def begin(
        request: gr.Request, model: str, family: str, tasks: list[str], images: int, members: list[str]
    ) -> Iterator[tuple[Any, ...]]:
        try:
            load_request = LoadRequest(model, family, tuple(tasks), int(images), tuple(members or ()))
            job = studio.seen_by(session_of(request)).load(load_request)
        except SpecError as problem:
            said = f'<p class="lx-notice" role="alert">{escape(message_of(problem))}</p>'
            yield said, *_buttons(False), gr.skip(), gr.skip()
            return
        yield from _follow(studio.seen_by(session_of(request)), job, looks, session_of(request), go=True)

    def look(request: gr.Request, model: str) -> Iterator[tuple[Any, ...]]:
        job = studio.loading(model)
        if job is None:
            looks.arrive(session_of(request), model)  # ends the look at another encoder's load
            yield "", *_buttons(False), _models(studio), gr.skip()
        else:
            yield from _follow(studio.seen_by(session_of(request)), job, looks, session_of(request))

    def halt(request: gr.Request, model: str) -> None:
        if not studio.seen_by(session_of(request)).stop_loading(model):
            gr.Info(text.LOADED_BY_OTHERS)

    queued: dict[str, Any] = {"concurrency_id": "loads", "concurrency_limit": None, **private}
    load.click(begin, wished, shown, **queued)
    gr.on([tab.select, encoder.change], look, encoder, shown, trigger_mode="multiple", **queued)
    stop.click(halt, encoder, None, queue=False, **private)
    check.click(_checked(studio), [encoder], checks, concurrency_limit=None, **private)


_START: tuple[Any, ...] = (next(iter(ENCODERS)), next(iter(FAMILIES)), list(BENCHMARKS[8]), IMAGES, [])
FEW = 3
"""Members that are offered ticked."""


def _titled(suite: str) -> list[tuple[str, str]]:
    """The tasks of a suite, for a drop-down."""
    return [(one.title, key) for key, one in TASKS.items() if one.suite == suite]


def _offered(family: str) -> tuple[Any, Any]:
    """What can be loaded with a family: tasks of its suite, and members if it has several of one task."""
    one = FAMILIES[family]
    suited = [key for _, key in _titled(one.suite)]
    ticked = [key for key in BENCHMARKS[8] if key in suited] or suited
    others = [member for member in one.members if member not in one.suggested]
    return (
        gr.update(choices=_titled(one.suite), value=ticked),
        gr.update(
            choices=[*one.suggested, *others], value=list(one.suggested[:FEW]), visible=bool(one.members)
        ),
    )


def _size(model: str, family: str, tasks: list[str], images: int, members: list[str]) -> str:
    try:
        return loading.size_of(LoadRequest(model, family, tuple(tasks), int(images), tuple(members or ())))
    except SpecError as problem:
        return message_of(problem)


def _follow(
    studio: Studio, job: LoadJob, looks: Visitors, visitor: str, go: bool = False
) -> Iterator[tuple[Any, ...]]:
    """The job's progress until it ends or the visitor looks elsewhere; then the models there are.

    Args:
        go: whoever asked for the load is taken to the model once it is there.
    """
    mine = looks.arrive(visitor, job.load_request.model)
    while not job.done:
        if not looks.is_latest(visitor, mine):
            return
        yield loading.steps_table(job), *_buttons(True), gr.skip(), gr.skip()
        job.wait(LOOK)
    there = _at(studio, job.load_request.model) if go and not job.problem else (_models(studio), gr.skip())
    yield loading.steps_table(job), *_buttons(False), *there


def _buttons(busy: bool) -> tuple[Any, Any]:
    return gr.update(interactive=not busy), gr.update(interactive=busy)


def _at(studio: Studio, model: str, checkpoint: str = "") -> tuple[Any, Any]:
    """The two drop-downs at the top of the page, at a model and one of its checkpoints."""
    found = [(one.title, one.key) for one in studio.checkpoints(model)]
    return _models(studio) | {"value": model}, gr.update(choices=found, value=checkpoint or found[0][1])


def _models(studio: Studio) -> Any:
    return gr.update(choices=[(one.title, one.key) for one in studio.models()])


def _checked(studio: Studio) -> Any:
    """The listener that measures what is needed for the self-test, checkpoint by checkpoint."""

    def checked(request: gr.Request, model: str) -> Iterator[str]:
        with told():
            session = session_of(request)
            seen = studio.seen_by(session)
            if model not in [one.key for one in seen.models()]:
                raise SpecError(text.load_first(ENCODERS[model].title))
            found = list(seen.checkpoints(model))
            specs = [EditSpec.pretrained(found[0].key), *(EditSpec.finetuned(one.key) for one in found)]
            checks: list[AccuracyCheck] = []
            for number, spec in enumerate(specs):
                waiting = f'<p class="lx-status" role="status">{text.CHECKING} {number} of {len(specs)}</p>'
                yield loading.checks_table(checks) + waiting
                asked = replace(spec, model=model, images=images_of(model))
                checks += self_test(seen.evaluate(asked, f"{session}:check", background=True))
            yield loading.checks_table(checks)

    return checked


def _own(studio: Studio, encoder: gr.Radio, explore: Explore) -> None:
    """A checkpoint of one's own: a file or an address on the Hub, and the task it was fine-tuned on."""
    with gr.Accordion(text.OWN["title"], open=False, elem_id="lx-own"):
        gr.Markdown(text.OWN["help"], elem_classes="lx-small")
        with gr.Row():
            task = gr.Dropdown(
                [(one.title, key) for key, one in TASKS.items()],
                label=text.OWN["task"],
                elem_id="lx-own-task",
            )
            address = gr.Textbox(
                label=text.OWN["address"], placeholder="owner/name", elem_id="lx-own-address"
            )
        file = gr.File(
            label=text.OWN["file"],
            file_types=[".safetensors", ".pt", ".pth", ".bin"],
            type="filepath",
            elem_id="lx-own-file",
        )
        add = gr.Button(text.OWN["add"], size="sm", elem_id="lx-own-add")
        said = gr.HTML("", elem_id="lx-own-said", apply_default_css=False)

    def take(
        request: gr.Request, model: str, task: str | None, address: str, path: str | None
    ) -> tuple[str, Any, Any, Any]:
        seen = studio.seen_by(session_of(request))
        try:
            if not task or not (address or path):
                raise SpecError(text.OWN["missing"])
            if model not in [one.key for one in seen.models()]:
                raise SpecError(text.load_first(ENCODERS[model].title))
            if path:
                info = seen.take_file(model, task, Path(path), Path(path).name)
            else:
                info = seen.take_address(model, task, address)
        except Exception as problem:  # noqa: BLE001 -- the place below the button says what went wrong
            return (
                f'<p class="lx-notice" role="alert">{escape(message_of(problem))}</p>',
                gr.skip(),
                gr.skip(),
                gr.skip(),
            )
        if path:
            Path(path).unlink(missing_ok=True)  # what is kept of it lies in the session's room
        done = f'<p class="lx-status" role="status">{text.OWN["done"]}</p>'
        return done, *_at(seen, model, info.key), None

    add.click(
        take,
        [encoder, task, address, file],
        [said, explore.model, explore.checkpoint, file],
        concurrency_id="own",
        show_progress="minimal",
        api_visibility="private",
    )
