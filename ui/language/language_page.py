"""Page "Text": forgetting of a language model by parts (Fig. 7), its answers, and merges (Table 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from evaluators.data.typed_question import MOST_ANSWER, MOST_ANSWERS, MOST_QUESTION
from evaluators.experiments.sweeps import Found
from evaluators.experiments.text_forgetting import TEXT_PARTS, text_curves, text_references
from evaluators.labs.text_lab import TextLab
from evaluators.labs.tiny_text_lab import TINY_T5
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.zoo.public_texts import TEXT_MODELS
from ui.address.address_bar import AddressBar
from ui.address.page_link import LinkReader, LinkRow, PageLink
from ui.explore.explore_page import Explore
from ui.language import language_text as words
from ui.language.language_answers import LanguageAnswers, text_lab
from ui.language.language_figure import GAMMA_SLIDER, text_alt, text_figure
from ui.language.own_question import STALE, own_answers
from ui.language.text_load import follow_model, question_words, tasks_of, text_model_choice
from ui.language.text_merge_panel import text_merge_section
from ui.live.listeners import connect
from ui.live.live_panel import Chart, Value, answer, panel
from ui.live.session_key import session_key
from ui.live.subject import line
from ui.shell import markup, text
from ui.sweep.sweep_panel import Sweep, sweep_buttons, wire_sweep
from ui.sweep.sweep_status import unfinished

MATH: Any = [{"left": "$", "right": "$", "display": False}]
START_GAMMA, STEP = 0.4, 0.05
MOVES_CURSOR = f"""(value) => {{
    window.dispatchEvent(new CustomEvent("lx-cursor", {{detail: {{id: "{GAMMA_SLIDER}", value}}}}));
}}"""


def specs(studio: Studio, model: str, task: str) -> list[EditSpec]:
    """The references, then the three curves, interleaved so that they grow together."""
    text_lab(studio, model)
    rows = zip(*text_curves(task, model).values(), strict=True)
    return [*text_references(task, model=model), *(spec for row in rows for spec in row)]


def draw(studio: Studio, model: str, task: str, found: Found) -> Value:
    """The two panels of Fig. 7, and a sentence."""
    pretrained, finetuned = (found.get(spec) for spec in text_references(task, model=model))
    curves = {
        name: [found[spec] for spec in curve if spec in found]
        for name, curve in text_curves(task, model).items()
    }
    finding = unfinished(found, specs(studio, model, task))
    if finetuned is not None and not finding:
        finding = words.finding({name: points[-1] for name, points in curves.items()}, finetuned)
    lab = text_lab(studio, model)
    titles = {one.key: one.title for one in lab.checkpoints()}
    return answer(
        version=0,
        state="complete",
        charts={
            of: (text_figure(of, curves, pretrained, finetuned), text_alt(of, curves)) for of in words.CHARTS
        },
        slots={
            "subject": line(words.SUBJECT.format(model=lab.info.title, task=titles.get(task, task))),
            "finding": markup.finding(finding),
            "table": _table(curves),
        },
    )


def _table(curves: Mapping[str, Sequence[Evaluation]]) -> str:
    """The points of both panels for screen readers."""
    rows = [
        [part, f"{point.spec.alpha:g}", *(_with_interval(point, of) for of in words.CHARTS)]
        for part, points in curves.items()
        for point in points
    ]
    return markup.plain_table(words.CURVES, words.CURVE_COLUMNS, rows)


def _with_interval(point: Evaluation, of: str) -> str:
    low, high = getattr(point, f"{of}_interval")
    return f"{text.percent(getattr(point, of))} ({100 * low:.1f} to {100 * high:.1f})"


def _read(
    studio: Studio, query: Mapping[str, str], model: str, checkpoint: str
) -> tuple[list[Any], list[str]]:
    """Model, task, part and gamma of a link, and complaints."""
    reader = LinkReader(query)
    key = reader.one_of("text_model", [TINY_T5, *TEXT_MODELS], TINY_T5)
    lab = studio.text_labs().get(key)  # none while it is not loaded: the page says so, and has the form
    tasks = [] if lab is None else [one.key for one in lab.checkpoints()]
    values = [
        key,
        tasks_of(studio, key, reader.one_of("text", tasks, tasks[0]) if tasks else None),
        reader.one_of("part", list(TEXT_PARTS), "decoder"),
        round(reader.number("gamma", 0.0, 1.0, START_GAMMA), 9),
    ]
    return values, reader.complaints


def language_page(studio: Studio, address: AddressBar, explore: Explore) -> None:
    """Lay the page out."""
    lab = text_lab(studio, TINY_T5)
    sweep = Sweep("text", specs, draw, settings=2, counted="test questions")
    gr.Markdown(words.TEXT + text.counted_here(studio, "texts are counted"), elem_classes="lx-lead")
    choice = text_model_choice(studio, address)
    tasks = [(one.title, one.key) for one in lab.checkpoints()]
    with gr.Row():
        task = gr.Dropdown(
            tasks,
            value=tasks[0][1],
            label=words.TASK[0],
            info=words.TASK[1],
            elem_id="lx-text-task",
            interactive=True,
        )
        part = gr.Radio(
            [(title, key) for key, title in words.PARTS.items()],
            value="decoder",
            label=words.PART[0],
            info=words.PART[1],
            elem_id="lx-text-part",
            interactive=True,
        )
        gamma = gr.Slider(
            0.0,
            1.0,
            value=START_GAMMA,
            step=STEP,
            label=words.GAMMA[0],
            info=words.GAMMA[1],
            elem_id=GAMMA_SLIDER,
            buttons=["reset"],
            interactive=True,
        )
    with gr.Accordion(words.EQUATION_TITLE, open=False):
        gr.Markdown(words.EQUATION, latex_delimiters=MATH)
    rows = [
        LinkRow("text_model", choice.model, TINY_T5),
        LinkRow("text", task, starts=(choice.model, {TINY_T5: tasks[0][1]})),
        LinkRow("part", part, "decoder"),
        LinkRow("gamma", gamma, START_GAMMA),
    ]
    settings = [choice.model, task, part, gamma]
    address.says(PageLink("text", rows, settings, _read))
    buttons = sweep_buttons(sweep)
    curves = panel(
        [Chart(name, *said, "lx-tall") for name, said in words.CHARTS.items()],
        elem_id="lx-text",
        slots=("finding", "status"),
        grid="lx-half",
        subject=address.places([choice.model, task]),
    )
    wire_sweep(sweep, studio, curves, buttons, [choice.model, task], [address.opened("text"), task.change])
    gamma.change(None, gamma, None, js=MOVES_CURSOR, queue=False, api_visibility="private")
    here = panel(
        [],
        elem_id="lx-text-here",
        slots=("tiles", "sentence"),
        after=("examples",),
        subject=address.places([choice.model, task]),
        moves=address.places(settings),
    )
    moves = [task.change, part.change, gamma.change]
    connect(LanguageAnswers(studio), tuple, moves, settings, here, subject=2)(address.opened("text"))
    about_words = _question_section(studio, lab, settings)
    text_merge_section(studio, address, choice.model, task)
    follow_model(studio, choice, task, about_words)


def _question_section(studio: Studio, lab: TextLab, controls: list[Any]) -> list[Any]:
    """The box for a question of one's own, where there is a server.

    Returns: what `question_words` are for.
    """
    with gr.Column(elem_classes="lx-served"):
        gr.HTML(markup.heading(words.ASK_TITLE), apply_default_css=False)
        about, *start = question_words(lab)
        says = gr.Markdown(about, elem_classes="lx-small")
        with gr.Row():
            question = gr.Textbox(
                start[0],
                label=words.ASK_QUESTION[0],
                info=words.ASK_QUESTION[1].format(most=MOST_QUESTION),
                elem_id="lx-text-question",
            )
            choices = gr.Textbox(
                start[1],
                label=words.ASK_CHOICES[0],
                info=words.ASK_CHOICES[1].format(most=MOST_ANSWERS, letters=MOST_ANSWER),
                elem_id="lx-text-choices",
            )
        ask = gr.Button(words.ASK_BUTTON, size="sm", elem_id="lx-text-ask")
        said = gr.HTML(elem_id="lx-text-said", apply_default_css=False)

    def answered(
        request: gr.Request, model: Any, task: Any, part: Any, gamma: Any, text: Any, answers: Any
    ) -> str:
        seen = studio.seen_by(session_key(request))
        return own_answers(seen, (model, task, part, gamma), text, answers)

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}
    inputs = [*controls, question, choices]
    gr.on(
        [ask.click, question.submit, choices.submit],
        answered,
        inputs,
        said,
        concurrency_limit=None,
        **private,
    )
    changes = [one.change for one in inputs]
    gr.on(changes, None, said, said, js=STALE, queue=False, api_visibility="private")
    return [says, question, choices]
