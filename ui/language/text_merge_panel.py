"""Section on merging of the page Text (Table 3): three methods with LiNeS on the decoder or without."""

from __future__ import annotations

import gradio as gr

from evaluators.experiments.merge_search import Score
from evaluators.experiments.sweeps import Found
from evaluators.experiments.text_merging import (
    TextMerge,
    text_bounds,
    text_merge_specs,
    text_merge_tests,
    text_merges,
)
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.intervals import difference_interval
from lines_core.merging import METHODS
from ui.address.address_bar import AddressBar
from ui.language import language_text as words
from ui.language.language_answers import text_lab
from ui.live.live_panel import Value, answer, panel
from ui.live.subject import line
from ui.shell import markup
from ui.shell.difference_words import difference_words
from ui.shell.text import percent
from ui.sweep.sweep_panel import Sweep, sweep_buttons, wire_sweep
from ui.sweep.sweep_status import unfinished


def specs(studio: Studio, model: str) -> list[EditSpec]:
    """References and candidates."""
    return text_merge_specs(text_lab(studio, model))


def next_specs(studio: Studio, found: Found, model: str) -> list[EditSpec]:
    """The chosen models on test."""
    return text_merge_tests(text_lab(studio, model), found)


def draw(studio: Studio, model: str, found: Found) -> Value:
    """The table, and a sentence on it."""
    lab = text_lab(studio, model)
    merges, bounds = text_merges(lab, found), text_bounds(lab, found)
    finding = unfinished(found, [*text_merge_specs(lab), *text_merge_tests(lab, found)])
    helped, lowered = _measurable(merges, 1), _measurable(merges, -1)
    if not finding and merges:
        finding = words.merge_finding(helped, lowered)
    return answer(
        version=0,
        state="complete",
        slots={
            "subject": line(words.MERGE_SUBJECT.format(model=lab.info.title)),
            "finding": f'<p class="lx-finding">{finding}</p>',
            "numbers": f'<div class="lx-scroll" tabindex="0">{_table(merges, bounds)}</div>',
        },
    )


def _measurable(merges: dict[str, TextMerge], sign: int) -> list[str]:
    """Titles of the methods that LiNeS measurably helps, or lowers if ``sign`` is -1."""
    found = []
    for method, merge in merges.items():
        if merge.plain and merge.lines:
            low, high = difference_interval(_counts(merge.plain), _counts(merge.lines))
            if min(sign * low, sign * high) > 0:
                found.append(METHODS[method].title)
    return found


def _counts(score: Score) -> list[tuple[int, int]]:
    return [(task.correct, task.n) for task in score.tasks]


def _table(merges: dict[str, TextMerge], bounds: tuple[Score | None, Score | None]) -> str:
    rows = [_end("Pre-trained", bounds[0], words.PAPER_ENDS[0])]
    for method, merge in merges.items():
        pair = merge.plain, merge.lines
        change = difference_words(pair[0].tasks, pair[1].tasks, "plain") if pair[0] and pair[1] else ""
        chosen = "" if merge.scale is None or merge.beta is None else f"{merge.scale:g}, {merge.beta:g}"
        paper = f"{words.PAPER[method]} %"
        rows.append([METHODS[method].title, _said(merge.plain), _said(merge.lines), change, chosen, paper])
    rows.append(_end("Fine-tuned, each task its own", bounds[1], words.PAPER_ENDS[1]))
    return markup.plain_table(words.MERGE_TABLE, words.MERGE_COLUMNS, rows, shown=True)


def _end(title: str, score: Score | None, paper: float) -> list[str]:
    return [title, _said(score), "", "", "", f"{paper} %"]


def _said(score: Score | None) -> str:
    if score is None:
        return "–"
    low, high = score.interval
    return f"{percent(score.mean)} ({100 * low:.1f} to {100 * high:.1f})"


def text_merge_section(studio: Studio, address: AddressBar, model: gr.Radio, task: gr.Dropdown) -> None:
    """Lay the section out. It is drawn again when ``task`` changes, which follows the model."""
    sweep = Sweep("text-merge", specs, draw, next_specs, settings=1, counted="questions")
    gr.HTML(markup.heading(words.MERGE_TITLE), apply_default_css=False)
    gr.Markdown(words.MERGE, elem_classes="lx-lead")
    buttons = sweep_buttons(sweep)
    live = panel(
        [],
        elem_id="lx-text-merge",
        slots=("finding", "status"),
        after=("numbers",),
        subject=address.places([model]),
    )
    wire_sweep(sweep, studio, live, buttons, [model], [address.opened("text"), task.change])
