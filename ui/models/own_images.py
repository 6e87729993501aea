"""Form for a visitor's own images: zip file or data set of the Hub, class names, and the tasks added."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import gradio as gr

from evaluators.data.own_images.image_source import said_skipped
from evaluators.data.own_images.label_table import find_images
from evaluators.data.own_images.task_names import DEFAULT_PROMPT, LONGEST_TITLE, TaskNames, proposed
from evaluators.data.own_images.zip_images import ZipImages
from evaluators.errors import TaskError
from evaluators.hub.transfer.parallel_calls import in_thread
from evaluators.hub.visitor_checkpoint import OWN
from evaluators.hub.visitor_dataset import FoundDataset
from evaluators.labs.task_import import ImportedTask
from evaluators.service.studio import Studio
from ui.address.address_bar import AddressBar
from ui.explore.explore_controls import images_of
from ui.explore.explore_page import Explore
from ui.live.listeners import RAW
from ui.live.session_key import KEEP_TOKEN, session_key
from ui.live.subject import model_title
from ui.models import own_images_text as words
from ui.models.hub_dataset import classes_of, dataset_fields, find, offers
from ui.shell import text
from ui.shell.error_messages import message_of

REFRESH = 0.4
"""Seconds between two updates of the progress."""
COMPLETE = """(file, image, classes) => {
    return { __type__: "update", interactive: Boolean((file || image) && classes.trim()) };
}"""
"""Whether there is something to add."""


def own_images_form(
    studio: Studio, address: AddressBar, explore: Explore, targets: gr.Dropdown, of: gr.Dropdown
) -> gr.Radio:
    """Lay out the form. Each import runs in a thread of its own, and ends when the page closes.

    Args:
        targets, of: the tasks that an own checkpoint may be of, and the model that they are offered for.
    Returns: what the visitor has added for the model, to be removed.
    """
    models = [(info.title, info.key) for info in studio.models()]
    with gr.Accordion(words.FORM["title"], open=False, elem_id="lx-task"):
        stays = text.counted_here(studio, "your images stay")
        gr.Markdown(words.FORM["help"] + stays, elem_classes="lx-small")
        model = gr.Dropdown(
            models,
            value=models[0][1],
            label=words.FORM["model"],
            filterable=False,
            elem_id="lx-task-model",
        )
        file = gr.File(
            label=words.FORM["file"],
            file_types=[".zip"],
            type="filepath",
            elem_id="lx-task-file",
            elem_classes="lx-files",
        )
        hub = dataset_fields()
        looked = gr.HTML("", elem_id="lx-task-found", apply_default_css=False)
        name = gr.Textbox(
            label=words.FORM["name"],
            info=words.FORM["name_info"].format(most=LONGEST_TITLE),
            elem_id="lx-task-name",
        )
        with gr.Row():
            classes = gr.Textbox(
                label=words.FORM["classes"],
                info=words.FORM["classes_info"],
                lines=4,
                max_lines=12,
                min_width=260,
                elem_id="lx-task-classes",
            )
            prompts = gr.Textbox(
                DEFAULT_PROMPT,
                label=words.FORM["prompts"],
                info=words.FORM["prompts_info"],
                lines=4,
                max_lines=12,
                min_width=260,
                elem_id="lx-task-prompts",
            )
        add = gr.Button(words.FORM["add"], size="sm", interactive=False, elem_id="lx-task-add")
        status = gr.HTML("", elem_id="lx-task-said", apply_default_css=False)
        token = gr.Textbox("", visible=False)
    with gr.Row(elem_classes="lx-tools"):
        yours = gr.Radio([], label=words.yours(models[0][0]), visible=False, elem_id="lx-task-yours")
        remove = gr.Button(words.FORM["remove"], size="sm", visible=False, elem_id="lx-task-remove")
    gone = gr.HTML("", elem_id="lx-task-removed", apply_default_css=False)

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    at_once: dict[str, Any] = {"queue": False, "trigger_mode": "multiple", **private}
    lists = [yours, remove, targets]
    explore.model.change(_model_listener(studio), [explore.model, of], [model, *lists], **at_once)
    for event in (model.change, address.opened("models"), explore.checkpoint.change):
        event(lists_listener(studio), [model, of, yours], lists, **at_once | RAW)
    chosen = [hub.found, hub.choices, *hub.drop_downs]
    file.change(look, [file, hub.found], [looked, name, classes, *chosen], **at_once)
    # an address that is corrected while another one is looked up is looked up next
    sought: dict[str, Any] = {"concurrency_limit": None, "trigger_mode": "always_last", **private}
    asked, answers = [hub.address, hub.config, hub.split], [looked, name, classes, file, *chosen]
    gr.on([hub.button.click, hub.address.submit], find, hub.address, answers, **sought)
    hub.config.input(find, asked[:2], answers, **sought)
    hub.split.input(find, asked, answers, **sought)
    hub.label.input(classes_of, [hub.found, hub.label], classes, **at_once)
    complete = [file.change, hub.image.change, classes.change]
    gr.on(complete, None, [file, hub.image, classes], add, js=COMPLETE, **at_once)
    added = add.click(
        import_listener(studio),
        [model, of, file, name, classes, prompts, hub.found, hub.image, hub.label],
        [status, file, token, *lists, classes, *chosen],
        concurrency_limit=None,
        **private,
    )
    added.then(None, token, None, js=KEEP_TOKEN, **at_once)
    remove.click(
        remove_listener(studio),
        [model, of, yours, explore.model, explore.checkpoint],
        [gone, *lists, explore.checkpoint],
        **private | RAW,  # an own checkpoint may be newer than the list that Gradio checks a choice with
    )
    return yours


def look(path: str | None, found: FoundDataset | None) -> tuple[Any, ...]:
    """The listener that says what a file holds, and proposes a name and class names."""
    if path is None:  # taken away, or a data set was looked up in its place
        return (gr.skip(),) * 9 if found is not None else ("", "", "", *[gr.skip()] * 6)
    nothing = None, *offers(None)
    try:
        with ZipImages(Path(path), Path(path).name) as files:
            images = find_images(files)
    except Exception as problem:  # noqa: BLE001 -- the line below the file says what went wrong
        return words.refused(message_of(problem)), gr.skip(), "", *nothing
    said = words.found(list(zip(images.classes, images.counts, strict=True)), said_skipped(images.skipped))
    title = " ".join(Path(path).stem.replace("_", " ").split())[:LONGEST_TITLE]
    return said, title, proposed(images.classes), *nothing


def import_listener(studio: Studio) -> Any:
    """The listener that adds a task and shows how far it is."""

    def add(
        request: gr.Request,
        model: str,
        of: str,
        path: str | None,
        name: str,
        classes: str,
        prompts: str,
        found: FoundDataset | None,
        image: str | None,
        label: str | None,
    ) -> Iterator[tuple[Any, ...]]:
        session = studio.seen_by(session_key(request))
        done, total = 0, 0

        def progress(now_done: int, now_total: int) -> None:
            nonlocal done, total
            done, total = now_done, now_total

        def run() -> ImportedTask:
            if found is not None and image and label and label in found.labels:
                names = TaskNames.read(name, classes, prompts, found.labels[label])
                return session.take_dataset(model, found, image, label, names, progress)
            if not path:
                raise TaskError(words.FORM["missing"])
            with ZipImages(Path(path), Path(path).name) as files:
                images = find_images(files)
                names = TaskNames.read(name, classes, prompts, images.classes)
                return session.take_task(model, files, images, names, progress)

        future = in_thread(run, "import images")
        unchanged = [gr.skip()] * 12
        while not future.done():
            yield words.reading(done, total), *unchanged
            wait([future], REFRESH)
        try:
            imported = future.result()
        except Exception as problem:  # noqa: BLE001 -- the status below the button says what went wrong
            yield words.refused(message_of(problem)), *unchanged
            return
        if path:
            Path(path).unlink(missing_ok=True)  # its images are kept in the session's folder
        most, notes = images_of(model), imported.notes
        if 0 < most < imported.task.test:
            notes = *notes, words.counted(most)
        said = words.added(imported.task.task.title, notes)
        yield said, None, session.token(), *_lists(session, model, of), "", None, *offers(None)

    return add


def remove_listener(studio: Studio) -> Any:
    """The listener that deletes the chosen checkpoint, or task with the checkpoints of it.

    Explore keeps its checkpoint if that is still there.
    """

    def remove(
        request: gr.Request, model: str, of: str, key: str | None, shown: str, checkpoint: str
    ) -> tuple[Any, ...]:
        session = studio.seen_by(session_key(request))
        own = {added: title for title, added in _added(session, model)}
        if key not in own:
            return "", *_lists(session, model, of), gr.skip()
        before = session.checkpoints(model)
        session.drop_added(model, key)
        after = session.checkpoints(model)
        gone = [one for one in before if one not in after]
        still = next((one for one in after if one.key == checkpoint), after[0])
        choices = gr.update(choices=[(one.title, one.key) for one in after], value=still.key)
        return (
            words.removed(own[key], len([one for one in gone if one.key != key])),
            *_lists(session, model, of),
            choices if gone and model == shown else gr.skip(),
        )

    return remove


def lists_listener(studio: Studio) -> Callable[[gr.Request, str, str, str | None], tuple[Any, ...]]:
    """The listener that lists what the visitor has added for a model; what is chosen stays chosen."""

    def lists(request: gr.Request, model: str, of: str, chosen: str | None) -> tuple[Any, ...]:
        session = studio.seen_by(session_key(request))
        yours, *rest = _lists(session, model, of)
        if chosen in [key for _, key in _added(session, model)]:
            del yours["value"]  # the visitor may have chosen another one since they asked
        return yours, *rest

    return lists


def _model_listener(studio: Studio) -> Callable[[gr.Request, str, str], tuple[Any, ...]]:
    """The listener that takes over the model that is chosen in Explore."""

    def follow(request: gr.Request, model: str, of: str) -> tuple[Any, ...]:
        models = [(info.title, info.key) for info in studio.models()]
        if not any(key == model for _, key in models):
            return (gr.skip(),) * 4
        session = studio.seen_by(session_key(request))
        return gr.update(choices=models, value=model), *_lists(session, model, of)

    return follow


def _lists(session: Studio, model: str, of: str) -> tuple[Any, Any, Any]:
    """Updates of what the visitor has added, of the button, and of the tasks that a checkpoint may be of."""
    own = _added(session, model)
    targets = [(task.title, task.key) for task in session.target_tasks(of)]
    return (
        gr.update(
            choices=own,
            value=own[-1][1] if own else None,
            label=words.yours(model_title(session, model)),
            visible=bool(own),
        ),
        gr.update(visible=bool(own)),
        gr.update(choices=targets),
    )


def _added(session: Studio, model: str) -> list[tuple[str, str]]:
    """Title and key of each task and checkpoint that the visitor has added for a model."""
    tasks = [(one.task.title, one.task.key) for one in session.own_tasks(model)]
    return tasks + [(one.title, one.key) for one in session.checkpoints(model) if one.key.startswith(OWN)]
