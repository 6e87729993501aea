"""Form for a visitor's own checkpoint: a file or an address on the Hub, and the task it was fine-tuned on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from evaluators.errors import SpecError
from evaluators.hub.transfer.parallel_calls import in_thread
from evaluators.labs.lab import CheckpointInfo
from evaluators.service.studio import Studio
from lines_core.errors import ChoiceError
from ui.explore.explore_page import Explore
from ui.live.session_key import KEEP_TOKEN, session_key
from ui.models import load_progress as loading
from ui.models import models_text as words
from ui.models.candidate_choice import candidate_radio, offer_candidates, offered
from ui.models.checkpoint_upload import checkpoint_upload
from ui.models.file_origin import edit_in, origin_note, suggested_task
from ui.models.model_choice import choose_model
from ui.shell import text
from ui.shell.error_messages import message_of

REFRESH = 0.4
"""Seconds between two updates of the progress."""
SESSIONS_KEPT = 256
"""Sessions whose last import is remembered."""
COMPLETE = """(task, address, file) => {
    return { __type__: "update", interactive: Boolean(task && (address.trim() || file)) };
}"""
"""Whether there is something to add."""
FORGETS_UPLOAD = """(file) => {
    if (!file) document.querySelector("#lx-own-upload [data-said]").textContent = "";
    return [];
}"""
"""What was said of an upload is over once its file has been added or taken away."""
NEXT_STEP = """(task) => {
    const said = document.querySelector("#lx-own-upload [data-said]");
    const next = task ? "add it." : "choose its task and add it.";
    said.textContent = said.textContent.replace(/(?<= is uploaded: ).*$/, next);
    return [];
}"""
"""What is still to be done with an upload."""


def own_checkpoint_form(studio: Studio, explore: Explore) -> tuple[gr.Dropdown, gr.Dropdown]:
    """Lay out the form. Each import runs in a thread of its own; its download ends when the page closes.

    Returns: the model that the checkpoint was fine-tuned from, of those that are loaded, and its task.
    """
    models = [(info.title, info.key) for info in studio.models()]
    with gr.Accordion(words.OWN["title"], open=False, elem_id="lx-own"):
        stays = text.counted_here(studio, "your checkpoints stay")
        gr.Markdown(words.OWN["help"] + stays, elem_classes="lx-small")
        with gr.Row():
            model = gr.Dropdown(
                models, value=models[0][1], label=words.OWN["model"], filterable=False, elem_id="lx-own-model"
            )
            task = gr.Dropdown(
                _tasks(studio, models[0][1]), value=None, label=words.OWN["task"], elem_id="lx-own-task"
            )
            address = gr.Textbox(
                label=words.OWN["address"], placeholder="owner/name", elem_id="lx-own-address"
            )
        file = checkpoint_upload(studio)
        choice = candidate_radio()
        note = gr.HTML("", elem_id="lx-own-note", apply_default_css=False)
        add = gr.Button(words.OWN["add"], size="sm", interactive=False, elem_id="lx-own-add")
        status = gr.HTML("", elem_id="lx-own-said", apply_default_css=False)
        token = gr.Textbox("", visible=False)

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    at_once: dict[str, Any] = {"queue": False, "trigger_mode": "multiple", **private}
    explore.model.change(_model_listener(studio), explore.model, model, **at_once)
    model.change(_task_listener(studio), model, task, **at_once)
    given = [task, address, file]
    changes = [task.change, address.change, file.change]
    gr.on(changes, None, given, add, js=COMPLETE, **at_once)
    file.change(None, file, None, js=FORGETS_UPLOAD, **at_once)
    gr.on([task.change, file.change], None, task, None, js=NEXT_STEP, **at_once)
    file.change(offer_candidates, file, choice, **at_once)
    address.input(lambda: offered(()), None, choice, **at_once)
    file.change(_suggest_listener(studio), [model, task, file], task, **at_once)
    gr.on([task.change, file.change], _note_listener(studio), [model, task, file], note, **at_once)
    added = add.click(
        import_listener(studio),
        [model, *given, choice],
        [status, explore.model, explore.checkpoint, address, file, token, choice],
        concurrency_limit=None,
        **private,
    )
    added.then(None, token, None, js=KEEP_TOKEN, **at_once)
    return model, task


def _tasks(studio: Studio, model: str) -> list[tuple[str, str]]:
    return [(task.title, task.key) for task in studio.target_tasks(model)]


def _model_listener(studio: Studio) -> Callable[[str], Any]:
    """The listener that takes over the model that is chosen in Explore."""

    def follow(model: str) -> Any:
        models = [(info.title, info.key) for info in studio.models()]
        there = any(key == model for _, key in models)
        return gr.update(choices=models, value=model) if there else gr.skip()

    return follow


def _task_listener(studio: Studio) -> Callable[[gr.Request, str], Any]:
    """The listener that offers the tasks of a model, the visitor's own too."""

    def offer(request: gr.Request, model: str) -> Any:
        return gr.update(choices=_tasks(studio.seen_by(session_key(request)), model), value=None)

    return offer


def _suggest_listener(studio: Studio) -> Callable[[gr.Request, str, str | None, str | None], Any]:
    """The listener that chooses the task that an exported file names, unless one is chosen."""

    def suggest(request: gr.Request, model: str, task: str | None, path: str | None) -> Any:
        session = studio.seen_by(session_key(request))
        return gr.skip() if task else suggested_task(session, model, edit_in(path)) or gr.skip()

    return suggest


def _note_listener(studio: Studio) -> Callable[[gr.Request, str, str | None, str | None], str]:
    """The listener that says what an exported file holds, and warns if another task is chosen."""

    def note(request: gr.Request, model: str, task: str | None, path: str | None) -> str:
        return origin_note(studio.seen_by(session_key(request)), model, edit_in(path), task)

    return note


class _Imports:
    """The last import of each session: a second click joins it, since its file may be gone by then."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._last: OrderedDict[str, tuple[Any, Future[CheckpointInfo]]] = OrderedDict()

    def start(
        self, studio: Studio, session: str, what: tuple[Any, ...], run: Callable[[], CheckpointInfo]
    ) -> Future[CheckpointInfo]:
        """Begin an import, or join the same one if it runs or its checkpoint is there."""
        with self._mutex:
            before = self._last.get(session)
            if before is not None and before[0] == what and _goes_on(studio, what[0], before[1]):
                return before[1]
            future = in_thread(run, "import checkpoint")
            self._last[session] = what, future
            self._last.move_to_end(session)
            while len(self._last) > SESSIONS_KEPT:
                self._last.popitem(last=False)
            return future


def _goes_on(studio: Studio, model: str, future: Future[CheckpointInfo]) -> bool:
    """Whether an import still runs, or has ended well and its checkpoint has not been deleted since."""
    if not future.done():
        return True
    return future.exception() is None and future.result() in studio.checkpoints(model)


def import_listener(studio: Studio) -> Any:
    """The listener that imports a checkpoint and shows how far it is, for any number of visitors at once."""
    imports = _Imports()

    def add(
        request: gr.Request,
        model: str,
        task: str | None,
        address: str,
        path: str | None,
        choose: str | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        key = session_key(request)
        session = studio.seen_by(key)
        note = origin_note(session, model, edit_in(path), task)
        done, total = 0, 0

        def progress(now_done: int, now_total: int) -> None:
            nonlocal done, total
            done, total = now_done, now_total

        def run() -> CheckpointInfo:
            if not task or not (address or path):
                raise SpecError(words.OWN["missing"])
            if path:
                info = session.take_file(model, task, Path(path), Path(path).name, choose)
                Path(path).unlink(missing_ok=True)  # its residual is kept in the session's folder
                return info
            return session.take_address(model, task, address, progress, choose)

        future = imports.start(session, key, (model, task, address, path, choose), run)
        unchanged = [gr.skip()] * 6
        while not future.done():
            yield loading.import_status(done, total), *unchanged
            wait([future], REFRESH)
        try:
            info = future.result()
        except Exception as problem:  # noqa: BLE001 -- the status below the button says what went wrong
            notice = f'<p class="lx-notice" role="alert">{escape(message_of(problem))}</p>'
            choice = offered(problem.candidates) if isinstance(problem, ChoiceError) else gr.skip()
            yield notice, *unchanged[1:], choice
            return
        status = f'<p class="lx-status" role="status">{escape(words.added(info.title))}</p>'
        chosen = choose_model(session, model, info.key)
        yield status + note, *chosen, "", None, session.token(), offered(())

    return add
