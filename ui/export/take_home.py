"""Download form: the edited model as files, with its model card and recipe."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from evaluators.export import EXTRAS, LAYOUTS, MODELS, Exported, export, layouts_of
from evaluators.service.studio import Studio
from evaluators.service.temporary_folder import temporary_folder
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from ui.address.address_bar import AddressBar
from ui.export import export_text as words
from ui.live.listeners import RAW
from ui.live.session_key import session_key
from ui.shell.error_messages import as_toast

Wanted = Callable[[Studio, Sequence[Any]], tuple[EditSpec, Sequence[EditSpec]]]
"""(studio as the visitor sees it, settings) -> the spec to export, and those to compare it with."""
Make = Callable[[Studio, str, Sequence[Any], str, Sequence[str]], list[str]]
"""(studio as the visitor sees it, visitor, settings, layout, extras) -> paths of what was exported."""
KEPT = 2
"""Exports of a session that are there at the same time."""
MARK = (Path(__file__).parent / "stale_export.js").read_text(encoding="utf-8")


@cache
def _folders() -> Path:
    """Parent of one folder per session with its last exports, deleted when it ends."""
    return temporary_folder("exports")


def exported(
    studio: Studio,
    visitor: str,
    spec: EditSpec,
    beside: Sequence[EditSpec],
    layout: str,
    extras: Sequence[str] = (),
) -> list[str]:
    """Paths of the bundle and the weights of a spec, measured first if it is not yet.

    Args:
        visitor: as `kept_files` takes it.
        beside: models the card compares it with, as far as they are measured.
        layout, extras: as ``export`` takes them.
    Raises: LinesError as ``Studio.evaluate`` and ``export``.
    """
    known = (studio.cached(other) for other in beside)
    evaluation = studio.evaluate(spec, studio.ticket("take-home"))
    evaluations: list[Evaluation] = [evaluation, *(found for found in known if found is not None)]
    lab = studio.lab_of(spec.model)
    return kept_files(visitor, lambda folder: export(lab, spec, layout, folder, evaluations, extras))


def kept_files(visitor: str, write: Callable[[Path], Exported]) -> list[str]:
    """Paths of the bundle and the weights of an export, which is written to a folder of its own.

    Those of the last `KEPT` stay: one may still be on its way to the visitor when the next is made. Older
    ones make room before it is.

    Args:
        visitor: whose folder it goes to.
        write: exports to a folder.
    Raises: as ``write``.
    """
    home = _folder(visitor)
    home.mkdir(parents=True, exist_ok=True)
    for older in sorted(home.iterdir())[: 1 - KEPT]:
        shutil.rmtree(older, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{time.monotonic_ns():020d}-", dir=home))
    try:
        files = write(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder / MODELS, ignore_errors=True)  # they are in the bundle
    weights = files.weights.rename(files.bundle.with_suffix(files.weights.suffix))
    return [str(files.bundle), str(weights)]


def forget(visitor: str) -> None:
    """Delete what a visitor exported."""
    shutil.rmtree(_folder(visitor), ignore_errors=True)


def forget_all() -> None:
    """Delete what all visitors exported; for the end of the process."""
    shutil.rmtree(_folders(), ignore_errors=True)


def _folder(visitor: str) -> Path:
    return _folders() / "".join(character for character in visitor if character.isalnum())


def made_of_spec(wanted: Wanted) -> Make:
    """`take_home`'s ``make`` for an edited model: a spec, and those that its card compares it with."""

    def make(
        studio: Studio, visitor: str, values: Sequence[Any], layout: str, extras: Sequence[str]
    ) -> list[str]:
        spec, beside = wanted(studio, values)
        return exported(studio, visitor, spec, beside, layout, extras)

    return make


def take_home(
    studio: Studio,
    address: AddressBar,
    name: str,
    settings: Sequence[gr.components.Component],
    make: Make,
    about: str = words.TAKE_HOME["help"],
) -> None:
    """Lay the form out in the current Blocks and wire its button.

    Args:
        name: for ids in the page.
        settings: components of the page whose values are passed to ``make``; the first one is the model's.
        make: writes the files and returns their paths.
        about: what is in them.
    """
    with gr.Accordion(words.TAKE_HOME["title"], open=False, elem_id=f"lx-{name}-home"):
        gr.Markdown(about, elem_classes="lx-small")
        layout = gr.Radio(
            [(row.title, key) for key, row in LAYOUTS.items()],
            value=next(iter(LAYOUTS)),
            label=words.TAKE_HOME["layout"],
            elem_id=f"lx-{name}-layout",
        )
        extras = gr.CheckboxGroup(
            [(title, key) for key, title in EXTRAS.items()],
            value=[],
            label=words.TAKE_HOME["extras"],
            elem_id=f"lx-{name}-extras",
        )
        go = gr.Button(words.TAKE_HOME["go"], size="sm", elem_id=f"lx-{name}-export")
        files = gr.File(
            label=words.TAKE_HOME["files"],
            file_count="multiple",
            interactive=False,
            visible=False,
            elem_id=f"lx-{name}-files",
            elem_classes="lx-files",
        )
        given = [layout, extras, *settings]
        script = f"const places = {address.places(given)};\n{MARK}"
        stale = gr.HTML("", js_on_load=script, elem_id=f"lx-{name}-stale", apply_default_css=False)

    def run(request: gr.Request, chosen: str, added: list[str], *values: Any) -> Any:
        session = session_key(request)
        seen = studio.seen_by(session)
        with as_toast():
            paths = make(seen, session, values, chosen, added)
        notice = stale_notice(Path(paths[0]).stem, [chosen, added, *values])
        return gr.update(value=paths, visible=True), notice

    def offer(request: gr.Request, model: str, chosen: str) -> Any:
        """Only names that the model can be written under."""
        seen = studio.seen_by(session_key(request))
        if model not in {info.key for info in seen.models()}:
            return gr.skip()
        there = layouts_of(seen.lab_of(model))
        choices = [(LAYOUTS[key].title, key) for key in there]
        return gr.update(choices=choices, value=chosen if chosen in there else there[0])

    settings[0].change(  # type: ignore[attr-defined]
        offer,
        [settings[0], layout],
        layout,
        queue=False,
        show_progress="hidden",
        trigger_mode="multiple",
        **RAW,
    )
    go.click(
        run,
        given,
        [files, stale],
        concurrency_id="exports",
        concurrency_limit=1,
        api_visibility="private",
        preprocess=False,
        show_progress="full",
    )


def stale_notice(name: str, values: Sequence[Any]) -> str:
    """What is shown once the settings differ from those that the files were made with; hidden until then.

    Args:
        name: of the files.
        values: the settings as the browser sent them.
    """
    made = escape(json.dumps(values), quote=True)
    said = escape(words.stale(name))
    return f'<p class="lx-notice" role="status" data-made="{made}" hidden>{said}</p>'
