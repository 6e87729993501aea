"""Section on merging of the page Text (Table 3): three methods with LiNeS on the decoder or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import gradio as gr

from evaluators.experiments.merge_search import Score
from evaluators.experiments.sweeps import Found
from evaluators.experiments.table2 import Table2Row
from evaluators.experiments.text_merging import (
    PAPER_FINETUNED,
    PAPER_GAINS,
    PAPER_PLAIN,
    PAPER_ZERO_SHOT,
    text_bounds,
    text_merge_specs,
    text_merge_tests,
    text_merges,
)
from evaluators.labs.tiny_text_lab import TINY_T5
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.merging import METHODS
from ui.address.address_bar import AddressBar
from ui.language import language_text as words
from ui.language.language_answers import loaded_text_lab
from ui.live.live_panel import Value, answer, panel
from ui.live.subject import line
from ui.merge.merge_table import merged_score, row_cells
from ui.merge.merge_text import verdicts
from ui.shell import markup
from ui.shell.text import percent
from ui.sweep.sweep_panel import Sweep, sweep_buttons, wire_sweep
from ui.sweep.sweep_status import unfinished


def specs(studio: Studio, model: str) -> list[EditSpec]:
    """References and candidates."""
    return text_merge_specs(loaded_text_lab(studio, model, words.MERGES_FOLLOW))


def next_specs(studio: Studio, found: Found, model: str) -> list[EditSpec]:
    """The chosen models on test."""
    return text_merge_tests(loaded_text_lab(studio, model, words.MERGES_FOLLOW), found)


def draw(studio: Studio, model: str, found: Found) -> Value:
    """The table, and a sentence on it."""
    lab = loaded_text_lab(studio, model, words.MERGES_FOLLOW)
    merges, bounds = text_merges(lab, found), text_bounds(lab, found)
    finding = unfinished(found, [*text_merge_specs(lab), *text_merge_tests(lab, found)])
    rows = [row for row in merges.values() if row is not None]
    if not finding and rows:
        finding = verdicts(rows)
    gentle = f'<p class="lx-note">{words.MERGE_GENTLE}</p>' if model == TINY_T5 else ""
    return answer(
        version=0,
        state="complete",
        slots={
            "subject": line(words.MERGE_SUBJECT.format(model=lab.info.title)),
            "finding": markup.finding(finding),
            "numbers": f'<div class="lx-scroll" tabindex="0">{_table(merges, bounds)}</div>{gentle}',
        },
    )


def _table(merges: Mapping[str, Table2Row | None], bounds: Sequence[Score | None]) -> str:
    ends = [
        [title, "–" if score is None else merged_score(score), "", "", percent(paper)]
        for title, score, paper in zip(
            words.MERGE_ENDS, bounds, (PAPER_ZERO_SHOT, PAPER_FINETUNED), strict=True
        )
    ]
    rows = [
        [*(row_cells(row) if row else (METHODS[method].title, "–", "–", "")), _paper(method)]
        for method, row in merges.items()
    ]
    return markup.plain_table(words.MERGE_TABLE, words.MERGE_COLUMNS, [ends[0], *rows, ends[1]], shown=True)


def _paper(method: str) -> str:
    """Table 3: without LiNeS, and with the gain that the text gives."""
    plain, gain = PAPER_PLAIN[method], PAPER_GAINS.get(method)
    if gain is None:
        return f"{percent(plain)}, plain"
    return f"{100 * plain:.1f}\u00a0→\u00a0{percent(plain + gain)}"


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
