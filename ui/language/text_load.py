"""Choice of the text model on the page Text, and the form that loads one from the Hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from typing import Any, NamedTuple

import gradio as gr

from evaluators.errors import SpecError
from evaluators.hub.texts.text_request import QUESTIONS, TextLoadRequest
from evaluators.labs.text_lab import TextLab
from evaluators.labs.tiny_text_lab import TINY_T5
from evaluators.service.load_jobs import LoadJob
from evaluators.service.studio import Studio
from evaluators.zoo.public_texts import GLUE_TASKS, TEXT_MODELS
from ui.address.address_bar import AddressBar
from ui.language import language_text as words
from ui.live.session_key import session_key
from ui.models import load_listeners as listeners
from ui.models.load_progress import load_section
from ui.models.models_text import MODEL_CHOICE
from ui.shell import text
from ui.shell.error_messages import message_of

FORM = "lx-text-load-form"
ASKED = (16, 32, QUESTIONS, 128)
"""Questions per task that are offered; RTE's halves have about 138."""


class TextChoice(NamedTuple):
    """The model of the page.

    Attributes:
        model: the control.
        ended: register a listener for when a load has ended, of this visitor or of another.
    """

    model: gr.Radio
    ended: tuple[Callable[..., Any], ...]


def text_model_choice(studio: Studio, address: AddressBar) -> TextChoice:
    """Lay out the choice and the form, where there is a server."""
    with gr.Column(elem_classes="lx-served"):
        model = gr.Radio(
            [(words.MODELS[TINY_T5], TINY_T5), *((words.MODELS[key], key) for key in TEXT_MODELS)],
            value=TINY_T5,
            label=words.MODEL[0],
            info=words.MODEL[1],
            elem_id="lx-text-model",
            interactive=True,
        )
        with gr.Column(visible=False, elem_id=FORM) as form:
            gr.Markdown(words.LOAD, elem_classes="lx-small")
            with gr.Row():
                tasks = gr.Dropdown(
                    [(task.title, key) for key, task in GLUE_TASKS.items()],
                    value=list(GLUE_TASKS),
                    multiselect=True,
                    label=words.LOAD_TASKS,
                    elem_id="lx-text-load-tasks",
                    scale=3,
                    min_width=300,
                )
                questions = gr.Dropdown(
                    [(str(count), count) for count in ASKED],
                    value=QUESTIONS,
                    label=words.LOAD_QUESTIONS,
                    elem_id="lx-text-load-questions",
                    scale=1,
                )
            size = gr.HTML(
                _size(next(iter(TEXT_MODELS)), list(GLUE_TASKS), QUESTIONS),
                elem_classes="lx-status",
                apply_default_css=False,
            )
            with gr.Row(elem_classes="lx-tools"):
                load = gr.Button(MODEL_CHOICE["load"], size="sm", variant="primary", elem_id="lx-text-load")
                stop = gr.Button(
                    text.SWEEP["cancel"], size="sm", interactive=False, elem_id="lx-text-load-stop"
                )
                check = gr.Button(MODEL_CHOICE["check"], size="sm", elem_id="lx-text-load-check")
            progress = gr.HTML("", elem_id="lx-text-load-progress", apply_default_css=False)
            checks = gr.HTML("", elem_id="lx-text-load-checks", apply_default_css=False)

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    at_once: dict[str, Any] = {"queue": False, **private}
    queued: dict[str, Any] = {"concurrency_id": "loads", "concurrency_limit": None, **private}
    choices, shown = [model, tasks, questions], [progress, stop]
    address.places([model])  # before its other listeners, as for all that the address says
    model.change(lambda key: gr.update(visible=key in TEXT_MODELS), model, form, **at_once)
    gr.on([tasks.change, questions.change], _size, choices, size, trigger_mode="multiple", **at_once)
    stop.click(listeners.stop_listener(studio), model, None, **at_once)
    followed = address.opened("text")(
        _follow_listener(studio), None, shown, trigger_mode="multiple", **queued
    )
    check.click(
        listeners.check_listener(studio),
        model,
        [checks, stop],
        concurrency_id="checks",
        concurrency_limit=None,
        **private,
    )
    loaded = load.click(_load_listener(studio), choices, shown, trigger_mode="multiple", **queued)
    return TextChoice(model, (loaded.then, followed.then))


def tasks_of(studio: Studio, model: str, task: object = None) -> Any:
    """An update of the choice of checkpoints for a model; none while it is not loaded.

    Args:
        task: that stays chosen if it is one of them.
    """
    lab = studio.text_labs().get(model)
    known = [] if lab is None else [(one.title, one.key) for one in lab.checkpoints()]
    keys = [key for _, key in known]
    return gr.update(choices=known, value=task if task in keys else next(iter(keys), None))


def question_words(lab: TextLab | None) -> tuple[str, str, str]:
    """Help for one's own question, and an example of it with its answers."""
    if lab is None or not lab.words:
        return words.ASK_ANYTHING, *words.ASK_START_ANYTHING
    return words.ASK.format(words=", ".join(sorted(lab.words & SOME_WORDS))), *words.ASK_START


def follow_model(studio: Studio, choice: TextChoice, task: gr.Dropdown, asks: list[Any]) -> None:
    """Let the page follow the choice of a model, and the end of a load.

    Args:
        task: the choice of checkpoints; what is drawn follows it.
        asks: what `question_words` are for.
    """

    def tasks(request: gr.Request, model: str, chosen: Any) -> Any:
        return tasks_of(studio.seen_by(session_key(request)), model, chosen)

    def question(model: str) -> list[Any]:
        return [gr.update(value=value) for value in question_words(studio.text_labs().get(model))]

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}
    at_once: dict[str, Any] = {"queue": False, **private}
    for event in (choice.model.input, *choice.ended):
        event(tasks, [choice.model, task], task, **at_once)
    choice.model.change(question, choice.model, asks, **at_once)


SOME_WORDS = frozenset(
    "mira tobin cup harp mill cave kitchen knife apple hungry tired red gave is where who".split()
)
"""Words that the page names as examples."""


def _size(model: str, tasks: list[str], questions: int) -> str:
    try:
        request = TextLoadRequest(
            model if model in TEXT_MODELS else next(iter(TEXT_MODELS)), tuple(tasks or ()), int(questions)
        )
    except SpecError as problem:
        return message_of(problem)
    row = TEXT_MODELS[request.model]
    return words.LOAD_SIZE.format(
        gigabytes=(1 + len(request.tasks)) * row.megabytes / 1000, each=row.megabytes
    )


def _shown(jobs: list[LoadJob]) -> tuple[str, Any]:
    """The progress of loads, and the Stop button."""
    return "".join(map(load_section, jobs)), gr.update(interactive=any(not job.done for job in jobs))


def _text_jobs(studio: Studio) -> list[LoadJob]:
    return [job for job in studio.loads() if isinstance(job.request, TextLoadRequest)]


def _load_listener(studio: Studio) -> Callable[..., Iterator[tuple[str, Any]]]:
    """The listener that loads."""

    def load(request: gr.Request, model: str, tasks: list[str], questions: int) -> Iterator[tuple[str, Any]]:
        seen = studio.seen_by(session_key(request))
        try:
            job = seen.load(TextLoadRequest(model, tuple(tasks or ()), int(questions)))
        except SpecError as problem:
            yield f'<p class="lx-notice" role="alert">{escape(message_of(problem))}</p>', gr.skip()
            return
        while not job.done:
            yield _shown(_text_jobs(seen))
            job.wait(listeners.REFRESH)
        yield _shown(_text_jobs(seen))

    return load


def _follow_listener(studio: Studio) -> Callable[..., Iterator[tuple[str, Any]]]:
    """The listener that shows loads under way, also other visitors', until they have ended."""

    def follow(request: gr.Request) -> Iterator[tuple[str, Any]]:
        seen = studio.seen_by(session_key(request))
        ticket = seen.ticket("text load progress")
        while running := [job for job in _text_jobs(seen) if not job.done]:
            if ticket.superseded:
                return
            yield _shown(_text_jobs(seen))
            running[0].wait(listeners.REFRESH)
        yield _shown(_text_jobs(seen))

    return follow
