"""Page "Soup" (section 5.3): many fine-tunings of one task averaged into one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr

from evaluators.experiments.soup_search import STOCK, SoupSearch, TunedSoup, soup_members
from evaluators.experiments.sweeps import Found
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from lines_core.merging import METHODS
from lines_core.soups import SOUP_BETAS
from ui.address.address_bar import AddressBar
from ui.address.page_link import LinkReader, LinkRow, PageLink
from ui.explore.explore_page import Explore
from ui.live.live_panel import Chart, Value, answer, panel
from ui.live.subject import for_tiny_clip, line
from ui.shell import markup
from ui.shell.difference_words import difference_words
from ui.shell.text import percent, points
from ui.soup import soup_text as words
from ui.soup.soup_figures import greedy_alt, greedy_figure, soup_alt, soup_figure
from ui.sweep.sweep_panel import Sweep, sweep_buttons, wire_sweep
from ui.sweep.sweep_status import unfinished

UNIFORM, GREEDY = "uniform", "greedy"


def specs(studio: Studio, model: str) -> Sequence[EditSpec]:
    """The members and the uniform soup."""
    return SoupSearch(soup_members(studio)).specs()


def next_specs(studio: Studio, found: Found, model: str) -> Sequence[EditSpec]:
    """What the greedy selection needs next."""
    return SoupSearch(soup_members(studio)).next_specs(found)


def draw(studio: Studio, model: str, found: Found, which: str = GREEDY, beta: float = 0.0) -> Value:
    """Members and soups, the greedy selection, and the accuracy of one soup with and without LiNeS."""
    search = SoupSearch(soup_members(studio))
    which = UNIFORM if which == UNIFORM else GREEDY  # whatever a client sends
    selection = search.greedy(found)
    soups = {UNIFORM: search.members, GREEDY: selection.members if selection else ()}
    plain = {
        name: found[spec]
        for name, members in soups.items()
        if members and (spec := search.spec(members)) in found
    }
    titles = {f"{variant.key}.objects": variant.title for variant in studio.variants()}
    alone = {
        titles[member]: found[spec]
        for member, spec in zip(search.members, search.alone(), strict=True)
        if spec in found
    }
    edited = found.get(search.spec(soups[which], round(beta, 9))) if soups[which] else None
    shown = plain | ({"lines": edited} if edited is not None and beta else {})
    kept = [titles[member] for member in soups[GREEDY]]
    tuned = {
        name: (search.tuned_scale(soups[name], found), search.tuned_beta(soups[name], found))
        for name in plain
    }
    stock = found.get(search.stock()) if search.members else None
    table = _table(alone, plain, tuned, stock, found)
    finding = unfinished(found, [*search.specs(), *search.next_specs(found)])
    if not finding and GREEDY in plain:
        finding = _finding(len(kept), alone, plain[GREEDY], tuned[GREEDY][1], found)
    return answer(
        version=0,
        state="complete",
        charts={
            "soup": (soup_figure(alone, shown, kept), soup_alt(alone, shown)),
            "greedy": (greedy_figure(selection, titles), greedy_alt(selection, titles)),
        },
        slots={
            "subject": line(for_tiny_clip(studio, model, words.SOUP_SUBJECT)),
            "finding": markup.finding(escape(finding)),
            "tiles": _tiles(which, beta, plain.get(which), edited),
            "numbers": f'<div class="lx-scroll" tabindex="0">{table}</div>',
        },
    )


def _finding(
    kept: int, alone: Mapping[str, Evaluation], greedy: Evaluation, lines: TunedSoup | None, found: Found
) -> str:
    best = max(alone.values(), key=lambda evaluation: evaluation.target)
    change = difference_words(best.target_tasks, greedy.target_tasks, "the best member")
    finding = (
        f"The greedy soup keeps {kept} of {len(alone)} members and scores "
        f"{percent(greedy.target)} on objects: {change}."
    )
    if lines is None or lines.spec not in found:
        return finding
    if not lines.value:
        return f"{finding} Validation chooses β = 0 for LiNeS, which leaves the soup as it is."
    tested = found[lines.spec]
    changes = [
        difference_words(before, after, "the plain soup")
        for before, after in (
            (greedy.target_tasks, tested.target_tasks),
            (greedy.control_tasks, tested.control_tasks),
        )
    ]
    return (
        f"{finding} With LiNeS and β = {lines.value:g}, chosen on validation: {changes[0]} on objects, "
        f"{changes[1]} on the shifted sets."
    )


def _tiles(which: str, beta: float, plain: Evaluation | None, edited: Evaluation | None) -> str:
    if plain is None or edited is None:
        waiting = words.SOUP_WAITING if round(beta, 9) in SOUP_BETAS else words.SOUP_STEPS
        return f'<p class="lx-status">{escape(waiting)}</p>'
    name = words.SOUP_CHOICES[which]
    tiles = ""
    for title, of in (("ID", "target"), ("OOD", "control")):
        value = getattr(edited, of)
        low, high = getattr(edited, f"{of}_interval")
        change = f" · {points(value - getattr(plain, of))} against plain" if beta else ""
        tiles += markup.tile(
            title, f"{name}, β = {beta:g}", value, f"{100 * low:.1f} to {100 * high:.1f}{change}", "lines"
        )
    return f'<div class="lx-tiles">{tiles}</div>'


def _table(
    alone: Mapping[str, Evaluation],
    plain: Mapping[str, Evaluation],
    tuned: Mapping[str, tuple[TunedSoup | None, TunedSoup | None]],
    stock: Evaluation | None,
    found: Found,
) -> str:
    def row(title: str, evaluation: Evaluation, chosen_on: str = "") -> list[str]:
        return [title, percent(evaluation.target), percent(evaluation.control), chosen_on]

    rows = [row(title, evaluation) for title, evaluation in alone.items()]
    for name, evaluation in plain.items():
        title = words.SOUP_CHOICES[name]
        rows.append(row(title, evaluation))
        for variant, soup in zip(("task arithmetic, factor", "LiNeS, β ="), tuned[name], strict=True):
            if soup is not None and soup.spec in found:
                rows.append(row(f"{title}, {variant} {soup.value:g}", found[soup.spec], "validation"))
    if stock is not None:
        rows.append(row(METHODS[STOCK].title, stock))
    return markup.plain_table(words.SOUP_TABLE, words.SOUP_COLUMNS, rows, shown=True)


def _read(
    studio: Studio, query: Mapping[str, str], model: str, checkpoint: str
) -> tuple[list[Any], list[str]]:
    """The soup and beta of a link, and complaints."""
    reader = LinkReader(query)
    which = reader.one_of("soup", list(words.SOUP_CHOICES), GREEDY)
    return [which, reader.number("beta", SOUP_BETAS[0], SOUP_BETAS[-1], 0.0)], reader.complaints


def soup_page(studio: Studio, address: AddressBar, explore: Explore) -> None:
    """Lay the page out."""
    sweep = Sweep("soup", specs, draw, next_specs, settings=1)
    gr.Markdown(words.SOUP, elem_classes="lx-lead")
    with gr.Row():
        which = gr.Radio(
            [(title, key) for key, title in words.SOUP_CHOICES.items()],
            value=GREEDY,
            label=words.SOUP_WHICH,
            elem_id="lx-soup-which",
            interactive=True,
        )
        beta = gr.Slider(
            SOUP_BETAS[0],
            SOUP_BETAS[-1],
            0.0,
            step=SOUP_BETAS[1] - SOUP_BETAS[0],
            label=words.SOUP_BETA[0],
            info=words.SOUP_BETA[1],
            elem_id="lx-soup-beta",
            buttons=[],
            interactive=True,
        )
    rows = [LinkRow("soup", which, GREEDY), LinkRow("beta", beta, 0.0)]
    address.says(PageLink("soup", rows, [which, beta], _read))
    buttons = sweep_buttons(sweep)
    live = panel(
        [Chart(name, *words, "lx-tall") for name, words in words.SOUP_CHARTS.items()],
        elem_id="lx-soup",
        slots=("finding", "tiles", "status"),
        after=("numbers",),
        grid="lx-half",
        subject=address.places([explore.model]),
    )
    dragged = [which.change, beta.change]
    wire_sweep(
        sweep,
        studio,
        live,
        buttons,
        [explore.model, which, beta],
        [address.opened("soup"), explore.model.change],
        dragged,
    )
