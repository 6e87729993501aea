"""The strip of test images on the page, and what its dialog asks for: probabilities, and confusions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from evaluators.errors import SpecError, Superseded
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from ui.address.address_bar import AddressBar
from ui.live.live_panel import NOTHING, packed
from ui.live.session_key import session_key
from ui.live.subject import asked
from ui.pictures.picture_answers import MODELS, forgotten_as
from ui.pictures.picture_words import PICTURE_WORDS, strip_settings
from ui.pictures.sprites import EACH, sprite_folder
from ui.shell.error_messages import message_of

HERE = Path(__file__).parent
SCRIPTS = (
    "../live/charts/elements.js",
    "../live/subject.js",
    "picture_strip.js",
    "picture_dialog.js",
    "strip_panel.js",
)
GAMMAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
TOP = 5
PATIENCE = 5.0
SUBJECT = 2
"""The first settings decide whose answers these are: model and checkpoint."""
Wanted = Callable[[Studio, Sequence[Any]], tuple[EditSpec, Sequence[EditSpec]]]
Answer = Callable[[Studio, Sequence[EditSpec], Any], dict[str, Any]]


def strip_panel(
    studio: Studio, address: AddressBar, settings: Sequence[gr.components.Component], wanted: Wanted
) -> None:
    """Lay the strip out in the current Blocks and wire its dialog.

    Args:
        settings: components of the page whose values are passed to ``wanted``, model and checkpoint first.
        wanted: (studio as the visitor sees it, settings) -> the edit, and the two models beside it.
    """
    gr.set_static_paths([sprite_folder()])
    fixed = strip_settings() | {"subject": address.places(settings[:SUBJECT])}
    strip = scripted("lx-pictures", "lx-strip-root", SCRIPTS, fixed)
    answering(studio, strip.look, strip, settings, wanted, dialog_json, "linesPictures.tell")


def scripted(elem_id: str, root: str, scripts: Sequence[str], fixed: Any) -> gr.HTML:
    """A component that scripts of this folder fill. Args: ``root`` is the class of its node."""
    return gr.HTML(
        value="",
        html_template=f'<div class="{root}"></div>',
        js_on_load="".join((HERE / name).read_text(encoding="utf-8") for name in scripts),
        apply_default_css=False,
        elem_id=elem_id,
        fixed=packed(fixed),
    )


def answering(
    studio: Studio,
    event: Callable[..., Any],
    asks: gr.HTML,
    settings: Sequence[gr.components.Component],
    wanted: Wanted,
    answer: Answer,
    tells: str,
) -> None:
    """Answer what a component asks for, with the page's settings; never raises.

    The answer has the question's `number`, and in `asked` the settings that say whose it is.

    Args:
        event: of the component, whose value is the question as JSON.
        answer: (studio, pre-trained, fine-tuned and edited model, question) -> JSON values.
        tells: function of the browser's window that is called with the answer, or with {error}.
    """
    said = gr.HTML(
        value="",
        html_template="<span></span>",
        js_on_load="watch('value', () => { const said = JSON.parse(props.value); "
        f"if (!said.state) window.{tells}(said); }});",
        apply_default_css=False,
        elem_classes="lx-relay",
    )

    def listener(request: gr.Request, sent: str, *values: Any) -> str:
        seen = studio.seen_by(session_key(request))
        number = None  # with it no two answers are equal, which would be one to the browser
        try:
            question = _read(sent)
            number = question.get("number")
            spec, anchors = wanted(seen, values)
            found = answer(seen, (*anchors, spec), question)
        except Superseded:
            return NOTHING
        except Exception as problem:  # noqa: BLE001 -- a live listener answers, whatever happened
            found = {"error": message_of(problem)}
        return packed(asked({**found, "number": number}, values[:SUBJECT]))

    event(
        listener,
        [asks, *settings],
        said,
        queue=False,
        trigger_mode="always_last",
        api_visibility="private",
        preprocess=False,
        show_progress="hidden",
    )


def dialog_json(studio: Studio, models: Sequence[EditSpec], question: Any) -> dict[str, Any]:
    """What the dialog shows of one image, or the confusions of a task.

    Args:
        models: pre-trained, fine-tuned and edited.
        question: {"at": [task, image]} by position, or {"confuse": key of a task}.
    Raises: SpecError for anything else; as ``Studio.classify``.
    """
    if isinstance(question.get("confuse"), str):
        return _confusions(studio, models, question["confuse"])
    at = question.get("at")
    tasks = studio.images_of(models[-1], EACH)
    try:
        task, image = (int(position) for position in at)
        shown = tasks[task]
        pixels, truth = shown.pixels[image], shown.labels[image]
        if min(task, image) < 0:
            raise IndexError
    except (TypeError, ValueError, IndexError) as error:
        raise SpecError("There is no such image: choose one of the strip.") from error
    edit = models[-1]
    rest = {"model": edit.model, "split": edit.split, "images": edit.images}
    path = [EditSpec.lines(edit.checkpoint, gamma, **rest) for gamma in GAMMAS]
    ticket = studio.ticket("picture")
    found = studio.classify((*models, *path), pixels, shown.key, ticket, PATIENCE)
    tops = [
        sorted(zip(found.classes, row, strict=True), key=lambda entry: -entry[1])[:TOP]
        for row in found.models[: len(models)]
    ]
    return {
        "at": [task, image],
        "models": [
            {"name": name, "top": [[title, round(value, 4)] for title, value in top]}
            for name, top in zip(MODELS, tops, strict=True)
        ],
        "curve": [
            [gamma, round(row[truth], 4)]
            for gamma, row in zip(GAMMAS, found.models[len(models) :], strict=True)
        ],
    }


def _confusions(studio: Studio, models: Sequence[EditSpec], key: str) -> dict[str, Any]:
    every = 10**6
    evaluations = [studio.pictured(model, every, studio.ticket("confusions"), PATIENCE) for model in models]
    for position, task in enumerate(studio.images_of(models[-1], max(one.n for one in evaluations[0].tasks))):
        if task.key == key:
            pairs = forgotten_as(task.classes, task.labels, evaluations, position)
            title = f"{task.title}: {PICTURE_WORDS['confusion']}"
            return {"title": title, "confusion": [list(pair) for pair in pairs[:20]]}
    raise SpecError("There is no such task: choose one of the list.")


def _read(sent: str) -> Any:
    try:
        question = json.loads(sent)
    except (ValueError, TypeError) as error:
        raise SpecError("The page sent no question: reload it, and try again.") from error
    if not isinstance(question, dict):
        raise SpecError("The page sent no question: reload it, and try again.")
    return question
