"""Section on tuning of the page Explore (C.1): gamma chosen on validation and reported on test images."""

from __future__ import annotations

from collections.abc import Mapping

import gradio as gr

from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.sweeps import Found
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.gamma_choice import TARGET_WEIGHT, Choice
from ui.address.address_bar import AddressBar
from ui.address.page_link import LinkReader, LinkRow, PageLink
from ui.explore.answer_words import NAME_WORDS
from ui.explore.explore_controls import images_of
from ui.explore.explore_page import Explore
from ui.explore.explore_text import controls_are_shifts
from ui.explore.references import References
from ui.live.live_panel import Chart, Value, answer, panel
from ui.live.subject import about, line
from ui.shell import markup, text
from ui.sweep.sweep_panel import Sweep, sweep_buttons, wire_sweep, without_studio
from ui.sweep.sweep_status import unfinished
from ui.tune import tune_text as words
from ui.tune.tune_figures import parts_figure, score_figure

WEIGHTS = (0.0, 5.0)
"""Range of the target's weight."""


def specs(model: str, checkpoint: str) -> list[EditSpec]:
    """The sweep on validation that gamma is chosen from, then the one on test that is reported."""
    search = GammaSearch(checkpoint, model, images_of(model))
    return [*search.specs("val"), *search.specs("test")]


def draw(studio: Studio, model: str, checkpoint: str, found: Found, weight: float = TARGET_WEIGHT) -> Value:
    """The score against gamma, its two terms, and the accuracy of the chosen gamma on test images."""
    search = GammaSearch(checkpoint, model, images_of(model))
    chosen = search.choice(found, weight)
    points = [found[spec] for spec in search.candidates("val") if spec in found]
    test = _test(search, found, chosen)
    finding = unfinished(found, search.specs("val"))
    if chosen is not None:
        finding = f"{words.tuned(chosen.gamma, weight)}{words.ON_TEST if test else '.'}"
    return answer(
        version=0,
        state="complete",
        charts={
            "score": (score_figure(chosen), _score_alt(chosen)),
            "parts": (parts_figure(points, None if chosen is None else chosen.gamma), _parts_alt(points)),
        },
        slots={
            "subject": line(about(studio, model, checkpoint)),
            "finding": markup.finding(finding),
            "tiles": _tiles(*test) if test else "",
            "table": _table(chosen),
        },
    )


def _test(search: GammaSearch, found: Found, chosen: Choice | None) -> tuple[Evaluation, References] | None:
    """The chosen gamma and its references on test images; None until all three are measured."""
    pretrained, finetuned = (found.get(spec) for spec in search.references("test"))
    if chosen is None or not (pretrained and finetuned):
        return None
    edited = next((found.get(spec) for spec in search.candidates("test") if spec.alpha == chosen.gamma), None)
    return None if edited is None else (edited, References(pretrained, finetuned))


def _tiles(evaluation: Evaluation, references: References) -> str:
    """Target and control in large figures, each with its interval and its distance from fine-tuned."""
    finetuned = references.finetuned
    target = _tile(
        "Target",
        evaluation.target_task.title,
        evaluation.target,
        evaluation.target_interval,
        None if finetuned is None else finetuned.target,
    )
    control = _tile(
        "Control",
        _controls(evaluation),
        evaluation.control,
        evaluation.control_interval,
        None if finetuned is None else finetuned.control,
    )
    return f'<div class="lx-tiles" style="--role: var(--c-lines)">{target}{control}</div>'


def _controls(evaluation: Evaluation) -> str:
    """What the mean of the control tasks is a mean of."""
    kind = "controls_shifts" if controls_are_shifts(evaluation.tasks) else "controls_others"
    return NAME_WORDS[kind].format(count=len(evaluation.control_tasks))


def _tile(name: str, what: str, value: float, interval: tuple[float, float], finetuned: float | None) -> str:
    low, high = interval
    change = "" if finetuned is None else f" · {text.points(value - finetuned)} against fine-tuned"
    return markup.tile(name, what, value, f"{100 * low:.1f} to {100 * high:.1f}{change}")


def _score_alt(chosen: Choice | None) -> str:
    if chosen is None:
        return "The score on validation has not been measured yet."
    scores = ", ".join(f"{gamma:g}: {score:.3f}" for gamma, score in chosen.scores)
    return f"Line of the validation score against gamma: {scores}. Chosen: {chosen.gamma:g}."


def _parts_alt(points: list[Evaluation]) -> str:
    values = "; ".join(
        f"{point.spec.alpha:g}: target {text.percent(point.target)}, control {text.percent(point.control)}"
        for point in points
    )
    return f"Lines of target and control accuracy on validation against gamma: {values or 'not measured'}."


def _table(chosen: Choice | None) -> str:
    rows = [[f"{gamma:g}", f"{score:.3f}"] for gamma, score in chosen.scores] if chosen else []
    return markup.plain_table("Score on validation", ["γ", "Score"], rows)


def _read(
    studio: Studio, query: Mapping[str, str], model: str, checkpoint: str
) -> tuple[list[float], list[str]]:
    """The weight of a link, and complaints."""
    reader = LinkReader(query)
    return [reader.number("w", *WEIGHTS, TARGET_WEIGHT)], reader.complaints


def tune_section(studio: Studio, address: AddressBar, explore: Explore) -> None:
    """Lay the section out, below the head of the page Explore and about the same checkpoint.

    Moving the weight redraws from what is measured, without new evaluations.
    """
    sweep = Sweep("tune", without_studio(specs), draw)
    gr.HTML(markup.heading(words.TUNE_TITLE), apply_default_css=False)
    gr.Markdown(
        words.TUNE,
        elem_classes="lx-lead",
        latex_delimiters=[{"left": "$", "right": "$", "display": False}],
    )
    label, info = words.WEIGHT
    with gr.Column(elem_classes="lx-narrow"):
        weight = gr.Slider(
            *WEIGHTS,
            TARGET_WEIGHT,
            step=0.1,
            label=label,
            info=info,
            interactive=True,
            elem_id="lx-weight",
            buttons=[],
        )
    address.says(PageLink("explore", [LinkRow("w", weight, TARGET_WEIGHT)], [weight], _read))
    buttons = sweep_buttons(sweep)
    chosen = [explore.model, explore.checkpoint]
    charts = [Chart(name, *words, "lx-tall") for name, words in words.TUNE_CHARTS.items()]
    live = panel(
        charts,
        elem_id="lx-tune",
        slots=("finding", "tiles", "status"),
        grid="lx-half",
        subject=address.places(chosen),
    )
    shows_on = [address.opened("explore"), explore.model.change, explore.checkpoint.change]
    wire_sweep(
        sweep,
        studio,
        live,
        buttons,
        [*chosen, weight],
        shows_on,
        [weight.change],
    )
