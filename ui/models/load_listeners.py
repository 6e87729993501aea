"""Listeners of the buttons of the page Models: load, stop, self-test, open what is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from html import escape
from typing import Any

import gradio as gr

from evaluators.errors import SpecError, Superseded
from evaluators.experiments.load_check import check_load
from evaluators.hub.load_request import LoadRequest
from evaluators.hub.published_check import AccuracyCheck
from evaluators.service.studio import Studio
from evaluators.zoo import ENCODERS
from evaluators.zoo.public_texts import TEXT_MODELS
from ui.live.session_key import session_key
from ui.models import load_progress as loading
from ui.models import models_text as words
from ui.models.model_choice import choose_model, list_models
from ui.shell.error_messages import as_toast, message_of

PROGRESS, CHECK = "load progress", "check"
"""Names of the tickets of requests that follow the loads, and of self-tests."""
REFRESH = 0.4
"""Seconds between two updates of the progress."""
GO_TO_EXPLORE = """() => {
    const tabs = [...document.querySelectorAll("[role=tab]")];
    tabs.find((tab) => tab.textContent.trim() === "Explore")?.click();
    window.scrollTo({ top: 0 });
    return [];
}"""


def loads_shown(studio: Studio, lists: int, notice: str = "") -> tuple[Any, ...]:
    """Updates of the progress, the Stop button, the button to open each encoder, and lists of loaded models.

    Every load is shown under the name of its encoder, whichever one is chosen in the form.
    """
    jobs = [job for job in studio.loads() if isinstance(job.request, LoadRequest)]
    there = {info.key for info in studio.models()}
    return (
        notice + "".join(map(loading.load_section, jobs)),
        gr.update(interactive=any(not job.done for job in jobs)),
        *(gr.update(visible=key in there) for key in ENCODERS),
        *[list_models(studio)] * lists,
    )


def load_listener(studio: Studio, lists: int) -> Callable[..., Iterator[tuple[Any, ...]]]:
    """The listener that loads, and names the model at the end if there is something to check."""

    def load(
        request: gr.Request, model: str, family: str, tasks: list[str], images: int, members: list[str]
    ) -> Iterator[tuple[Any, ...]]:
        seen = studio.seen_by(session_key(request))
        try:
            job = seen.load(LoadRequest(model, family, tuple(tasks), int(images), tuple(members or ())))
        except SpecError as problem:
            notice = f'<p class="lx-notice" role="alert">{escape(message_of(problem))}</p>'
            yield *loads_shown(seen, lists, notice), ""
            return
        while not job.done:
            yield *loads_shown(seen, lists), gr.skip()
            job.wait(REFRESH)
        yield *loads_shown(seen, lists), "" if job.problem else model

    return load


def follow_listener(studio: Studio, lists: int) -> Callable[..., Iterator[tuple[Any, ...]]]:
    """The listener that shows the loads of this visitor and those under way, until they have ended."""

    def follow(request: gr.Request) -> Iterator[tuple[Any, ...]]:
        seen = studio.seen_by(session_key(request))
        ticket = seen.ticket(PROGRESS)  # one follower a page
        while running := [job for job in seen.loads() if not job.done]:
            if ticket.superseded:
                return
            yield loads_shown(seen, lists)
            running[0].wait(REFRESH)
        yield loads_shown(seen, lists)

    return follow


def stop_listener(studio: Studio) -> Callable[[gr.Request, str], None]:
    """The listener that stops a visitor's self-test, and the load unless others wait for it too."""

    def stop(request: gr.Request, model: str) -> None:
        seen = studio.seen_by(session_key(request))
        seen.ticket(CHECK)  # supersedes the self-test
        job = seen.loading(model)
        if job is not None and not job.done:
            if not seen.stop_loading(model):
                gr.Info(words.LOADED_BY_OTHERS)
        elif any(not job.done for job in seen.loads()):
            gr.Info(words.not_loading(_title(model)))

    return stop


def check_listener(studio: Studio) -> Callable[[gr.Request, str], Iterator[tuple[Any, Any]]]:
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
            if model not in {info.key for info in seen.models()} | seen.text_labs().keys():
                raise SpecError(words.load_first(_title(model)))
            for progress in check_load(seen, model, seen.ticket(CHECK)):
                checks += progress.checks
                yield (
                    loading.checks_table(checks) + loading.check_status(progress),
                    gr.update(interactive=True),
                )
        yield loading.checks_table(checks), gr.update(interactive=False)

    return check


def _title(model: str) -> str:
    """Of a public model. Raises: SpecError for any other."""
    if model in TEXT_MODELS:
        return TEXT_MODELS[model].title
    if model not in ENCODERS:
        raise SpecError("This model is not loaded from the Hub: choose another.")
    return ENCODERS[model].title


def open_listener(studio: Studio, model: str) -> Callable[[gr.Request], tuple[Any, Any]]:
    """The listener that chooses a loaded model in Explore."""

    def choose(request: gr.Request) -> tuple[Any, Any]:
        with as_toast():
            return choose_model(studio.seen_by(session_key(request)), model)

    return choose
