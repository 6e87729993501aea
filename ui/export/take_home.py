"""Download form: the edited model as files, with its model card and recipe."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

from evaluators.export import LAYOUTS, export
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from ui.export import export_text as words
from ui.live.session_key import session_key
from ui.shell.error_messages import as_toast


@cache
def _folders() -> Path:
    """Parent of one folder per session with its last export, deleted by the next export and when it ends."""
    folders = Path(tempfile.mkdtemp(prefix="lines-exports-"))
    atexit.register(shutil.rmtree, folders, ignore_errors=True)
    return folders


def exported(
    studio: Studio, visitor: str, spec: EditSpec, beside: Sequence[EditSpec], layout: str
) -> list[str]:
    """Paths of the bundle and the weights of a spec, measured first if it is not yet.

    Args:
        visitor: whose folder it goes to.
        beside: models the card compares it with, as far as they are measured.
    Raises: LinesError as ``Studio.evaluate`` and ``export``.
    """
    known = (studio.cached(other) for other in beside)
    evaluation = studio.evaluate(spec, studio.ticket("take-home"))
    evaluations: list[Evaluation] = [evaluation, *(found for found in known if found is not None)]
    folder = _folder(visitor)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files = export(studio.lab_of(spec.model), spec, layout, folder, evaluations)
    return [str(files.bundle), str(files.weights)]


def forget(visitor: str) -> None:
    """Delete what a visitor exported."""
    shutil.rmtree(_folder(visitor), ignore_errors=True)


def forget_all() -> None:
    """Delete what all visitors exported; for the end of the process."""
    shutil.rmtree(_folders(), ignore_errors=True)


def _folder(visitor: str) -> Path:
    return _folders() / "".join(character for character in visitor if character.isalnum())


def take_home(
    studio: Studio,
    name: str,
    settings: Sequence[gr.components.Component],
    wanted: Callable[[Studio, Sequence[Any]], tuple[EditSpec, Sequence[EditSpec]]],
) -> None:
    """Lay the form out in the current Blocks and wire its button.

    Args:
        name: for ids in the page.
        settings: components of the page whose values are passed to ``wanted``.
        wanted: (studio as the visitor sees it, settings) -> the spec to export, and those that its card
            compares it with.
    """
    with gr.Accordion(words.TAKE_HOME["title"], open=False, elem_id=f"lx-{name}-home"):
        gr.Markdown(words.TAKE_HOME["help"], elem_classes="lx-small")
        layout = gr.Radio(
            [(row.title, key) for key, row in LAYOUTS.items()],
            value=next(iter(LAYOUTS)),
            label=words.TAKE_HOME["layout"],
            elem_id=f"lx-{name}-layout",
        )
        go = gr.Button(words.TAKE_HOME["go"], size="sm", elem_id=f"lx-{name}-export")
        files = gr.File(
            label=words.TAKE_HOME["files"],
            file_count="multiple",
            interactive=False,
            visible=False,
            elem_id=f"lx-{name}-files",
        )

    def run(request: gr.Request, chosen: str, *values: Any) -> Any:
        session = session_key(request)
        seen = studio.seen_by(session)
        with as_toast():
            spec, beside = wanted(seen, values)
            paths = exported(seen, session, spec, beside, chosen)
        return gr.update(value=paths, visible=True)

    go.click(
        run,
        [layout, *settings],
        files,
        concurrency_id="exports",
        concurrency_limit=1,
        api_visibility="private",
        preprocess=False,
        show_progress="full",
    )
