"""Form for a visitor's own checkpoint: a file or an address on the Hub, and the task it was fine-tuned on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import wait
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from evaluators.errors import SpecError
from evaluators.hub.transfer.parallel_calls import in_thread
from evaluators.labs.lab import CheckpointInfo
from evaluators.service.studio import Studio
from evaluators.zoo import ENCODERS, TASKS
from ui.explore.explore_page import Explore
from ui.live.session_key import session_key
from ui.models import load_progress as loading
from ui.models import models_text as words
from ui.models.model_choice import choose_model
from ui.shell.error_messages import message_of

REFRESH = 0.4
"""Seconds between two updates of the progress."""


def own_checkpoint_form(studio: Studio, encoder: gr.Radio, explore: Explore) -> None:
    """Lay out the form. Each import runs in a thread of its own; its download ends when the page closes."""
    with gr.Accordion(words.OWN["title"], open=False, elem_id="lx-own"):
        gr.Markdown(words.OWN["help"], elem_classes="lx-small")
        with gr.Row():
            task = gr.Dropdown(
                [(row.title, key) for key, row in TASKS.items()],
                label=words.OWN["task"],
                elem_id="lx-own-task",
            )
            address = gr.Textbox(
                label=words.OWN["address"], placeholder="owner/name", elem_id="lx-own-address"
            )
        file = gr.File(
            label=words.OWN["file"],
            file_types=[".safetensors", ".pt", ".pth", ".bin"],
            type="filepath",
            elem_id="lx-own-file",
        )
        add = gr.Button(words.OWN["add"], size="sm", elem_id="lx-own-add")
        status = gr.HTML("", elem_id="lx-own-said", apply_default_css=False)

    add.click(
        import_listener(studio),
        [encoder, task, address, file],
        [status, explore.model, explore.checkpoint, file],
        concurrency_limit=None,
        show_progress="hidden",
        api_visibility="private",
    )


def import_listener(studio: Studio) -> Any:
    """The listener that imports a checkpoint and shows how far it is, for any number of visitors at once."""

    def add(
        request: gr.Request, model: str, task: str | None, address: str, path: str | None
    ) -> Iterator[tuple[str, Any, Any, Any]]:
        session = studio.seen_by(session_key(request))
        done, total = 0, 0

        def progress(now_done: int, now_total: int) -> None:
            nonlocal done, total
            done, total = now_done, now_total

        def run() -> CheckpointInfo:
            if not task or not (address or path):
                raise SpecError(words.OWN["missing"])
            if model not in [info.key for info in session.models()]:
                raise SpecError(words.load_first(ENCODERS[model].title))
            if path:
                info = session.take_file(model, task, Path(path), Path(path).name)
                Path(path).unlink(missing_ok=True)  # its residual is kept in the session's folder
                return info
            return session.take_address(model, task, address, progress)

        future = in_thread(run, "import checkpoint")
        while not future.done():
            yield loading.import_status(done, total), gr.skip(), gr.skip(), gr.skip()
            wait([future], REFRESH)
        try:
            info = future.result()
        except Exception as problem:  # noqa: BLE001 -- the status below the button says what went wrong
            notice = f'<p class="lx-notice" role="alert">{escape(message_of(problem))}</p>'
            yield notice, gr.skip(), gr.skip(), gr.skip()
            return
        status = f'<p class="lx-status" role="status">{words.OWN["done"]}</p>'
        yield status, *choose_model(session, model, info.key), None

    return add
