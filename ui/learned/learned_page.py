"""Page "Learned coefficients" (section 5.5): AdaMerging and aTLAS against the line of LiNeS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from evaluators.service.studio import Studio
from ui.address.address_bar import AddressBar
from ui.address.page_link import LinkReader, LinkRow, PageLink
from ui.explore.explore_page import Explore
from ui.export.take_home import take_home
from ui.learned import learned_text as words
from ui.learned.learned_answers import LearnedAnswers
from ui.live.live_panel import Chart, packed, panel
from ui.live.session_key import session_key

LEARNER, START_STEPS = "adamerging", 100
STEPS = (10, 1000)
"""Range of the slider."""


def _read(
    studio: Studio, query: Mapping[str, str], model: str, checkpoint: str
) -> tuple[list[Any], list[str]]:
    """The method and the steps of a link, and complaints."""
    reader = LinkReader(query)
    learner = reader.one_of("learner", list(words.METHODS), LEARNER)
    return [learner, reader.whole("steps", *STEPS, START_STEPS)], reader.complaints


def learned_page(studio: Studio, address: AddressBar, explore: Explore) -> None:
    """Lay the page out."""
    gr.Markdown(words.LEAD, elem_classes="lx-lead")
    with gr.Accordion(words.EQUATION_TITLE, open=False):
        gr.Markdown(words.EQUATION, latex_delimiters=[{"left": "$", "right": "$", "display": False}])
    with gr.Column(elem_classes="lx-served"):
        with gr.Row():
            learner = gr.Radio(
                [(title, key) for key, title in words.METHODS.items()],
                value=LEARNER,
                label=words.METHOD[0],
                info=words.METHOD[1],
                elem_id="lx-learned-method",
                interactive=True,
            )
            steps = gr.Slider(
                *STEPS,
                START_STEPS,
                step=10,
                label=words.STEPS[0],
                info=words.STEPS[1],
                elem_id="lx-learned-steps",
                buttons=[],
                interactive=True,
            )
        with gr.Row(elem_classes="lx-tools"):
            learn = gr.Button(words.LEARN, size="sm", elem_id="lx-learned-run")
            cancel = gr.Button(words.CANCEL, size="sm", interactive=False, elem_id="lx-learned-stop")
    rows = [LinkRow("learner", learner, LEARNER), LinkRow("steps", steps, START_STEPS)]
    address.says(PageLink("learned", rows, [learner, steps], _read))
    live = panel(
        [Chart(name, *said, "lx-tall") for name, said in words.CHARTS.items()],
        elem_id="lx-learned",
        slots=("finding", "depths", "status"),
        after=("numbers",),
        grid="lx-half",
        subject=address.places([explore.model]),
    )
    answers = LearnedAnswers(studio)

    def make(
        seen: Studio, visitor: str, values: Sequence[Any], layout: str, extras: Sequence[str]
    ) -> list[str]:
        return answers.files(visitor, values, layout, extras)

    take_home(studio, address, "learned", [explore.model, learner], make, words.TAKE_HOME)
    _wire(answers, address, explore, live, (learn, cancel), [learner, steps])


def _wire(
    answers: LearnedAnswers,
    address: AddressBar,
    explore: Explore,
    live: gr.HTML,
    buttons: tuple[gr.Button, gr.Button],
    settings: list[gr.components.Component],
) -> None:
    learn, cancel = buttons
    outputs = [live, learn, cancel]
    # preprocess=False: see RAW in ui/live/listeners.py
    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}

    def show(request: gr.Request, model: str) -> tuple[str, Any, Any]:
        value, *updates = answers.shown(session_key(request), model)
        return packed(value), *updates

    def run(request: gr.Request, *values: Any) -> Iterator[tuple[str, Any, Any]]:
        for value, *updates in answers.run(session_key(request), *values):
            yield packed(value), *updates

    def stop(request: gr.Request) -> None:
        answers.cancel(session_key(request))

    opened = [address.opened("learned"), explore.model.change]
    gr.on(opened, show, [explore.model], outputs, queue=False, trigger_mode="multiple", **private)
    learn.click(run, [explore.model, *settings], outputs, concurrency_limit=None, **private)
    cancel.click(stop, None, None, queue=False, **private)
