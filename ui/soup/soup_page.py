"""Tab "Soup", the paper's section 5.3: many fine-tunings of one task averaged into one model."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from evaluators.experiments.soup_search import greedy_selection, members_of, soup_spec
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from lines_core.soups import SOUP_BETAS, SOUP_SCALES, GreedySoup
from ui.live.live_panel import Chart, Value, answer, panel
from ui.shell import markup, text
from ui.shell.text import percent, points
from ui.soup.soup_figures import greedy_alt, greedy_figure, soup_alt, soup_figure
from ui.sweep.sweep_panel import Found, Sweep, sweep_buttons, wire_sweep

ALL = 0
UNIFORM, GREEDY = "uniform", "greedy"


@dataclass(frozen=True)
class Soups:
    """What is known of the soups at some point of the measuring."""

    members: tuple[str, ...]
    selection: GreedySoup | None
    missing: tuple[str, ...]

    @classmethod
    def of(cls, members: tuple[str, ...], found: Found) -> Soups:
        """The greedy selection as far as it is measured; ``missing`` is the soup it waits for."""
        held_out = {
            spec.merge.checkpoints: one
            for spec, one in found.items()
            if spec.merge is not None
            and spec.split == "val"
            and spec == soup_spec(spec.sources, split="val", images=ALL)
        }
        try:
            return cls(members, greedy_selection(held_out, members), ())
        except KeyError as error:
            return cls(members, None, tuple(error.args[0]))

    def chosen(self, which: str) -> tuple[str, ...]:
        """Members of the uniform or the greedy soup; none while that is not known."""
        if which == UNIFORM:
            return self.members
        return self.selection.members if self.selection else ()


def specs(studio: Studio) -> list[EditSpec]:
    """Every member alone on both splits, and the uniform soup with its variants on both."""
    members = _members(studio)
    alone = [soup_spec([one], split=split, images=ALL) for split in ("val", "test") for one in members]
    return [*alone, *_variants(members)]


def follow(studio: Studio, found: Found) -> list[EditSpec]:
    """The soup that the greedy selection asks for next; once it is through, the variants of its soup."""
    soups = Soups.of(_members(studio), found)
    if soups.missing:
        return [soup_spec(soups.missing, split="val", images=ALL)]
    return _variants(soups.chosen(GREEDY))


def _members(studio: Studio) -> tuple[str, ...]:
    return members_of(studio.compared(), studio.variants())


def _variants(members: tuple[str, ...]) -> list[EditSpec]:
    """One soup under every beta and every scale, on both splits."""
    return [
        spec
        for split in ("val", "test")
        for spec in (
            *(soup_spec(members, beta, split=split, images=ALL) for beta in SOUP_BETAS),
            *(soup_spec(members, scale=scale, split=split, images=ALL) for scale in SOUP_SCALES),
        )
    ]


def draw(studio: Studio, found: Found, which: str = GREEDY, beta: float = 0.0) -> Value:
    """Members and soups, the selection, and what the chosen soup scores with and without LiNeS."""
    soups = Soups.of(_members(studio), found)
    titles = {f"{variant.key}.objects": variant.title for variant in studio.variants()}
    alone = {titles[one]: found[spec] for one in soups.members if (spec := _test([one])) in found}
    shown = {
        name: found[spec]
        for name in (UNIFORM, GREEDY)
        if soups.chosen(name) and (spec := _test(soups.chosen(name))) in found
    }
    chosen = soups.chosen(which)
    edited = found.get(_test(chosen, round(beta, 9))) if chosen else None
    if edited is not None and beta:
        shown["lines"] = edited
    kept = [titles[one] for one in soups.chosen(GREEDY)]
    return answer(
        version=0,
        state="complete",
        charts={
            "soup": (soup_figure(alone, shown, kept), soup_alt(alone, shown)),
            "greedy": (greedy_figure(soups.selection, titles), greedy_alt(soups.selection, titles)),
        },
        slots={
            "finding": f'<p class="lx-finding">{escape(_finding(soups, found, alone))}</p>',
            "tiles": _tiles(which, beta, found.get(_test(chosen)) if chosen else None, edited),
            "numbers": f'<div class="lx-scroll" tabindex="0">{_table(soups, found, alone)}</div>',
        },
    )


def _test(members: Any, beta: float = 0.0, scale: float = 1.0) -> EditSpec:
    return soup_spec(members, beta, scale, images=ALL)


def _best(members: tuple[str, ...], found: Found, scaled: bool) -> tuple[float, Evaluation] | None:
    """The variant that validation chooses, and its test result; None until all are measured."""
    grid = SOUP_SCALES if scaled else SOUP_BETAS

    def spec(value: float, split: str) -> EditSpec:
        beta, scale = (0.0, value) if scaled else (value, 1.0)
        return soup_spec(members, beta, scale, split, ALL)

    validation = [found.get(spec(value, "val")) for value in grid]
    accuracies = [one.target for one in validation if one is not None]
    if len(accuracies) < len(grid):
        return None
    value = grid[accuracies.index(max(accuracies))]
    tested = found.get(spec(value, "test"))
    return None if tested is None else (value, tested)


def _finding(soups: Soups, found: Found, alone: dict[str, Evaluation]) -> str:
    if soups.selection is None or len(alone) < len(soups.members):
        return text.SOUP_WAITING
    greedy = found.get(_test(soups.chosen(GREEDY)))
    lines = _best(soups.chosen(GREEDY), found, scaled=False)
    best = max(alone.values(), key=lambda one: one.target)
    if greedy is None:
        return text.SOUP_WAITING
    said = (
        f"The greedy soup keeps {len(soups.selection.members)} of {len(soups.members)} members and scores "
        f"{percent(greedy.target)} on objects, {points(greedy.target - best.target)} against the best member."
    )
    if lines is None:
        return said
    value, one = lines
    return (
        f"{said} LiNeS with β = {value:g}, chosen on validation, changes it by "
        f"{points(one.target - greedy.target)}, and the shifted sets by "
        f"{points(one.control - greedy.control)}."
    )


def _tiles(which: str, beta: float, plain: Evaluation | None, edited: Evaluation | None) -> str:
    if plain is None or edited is None:
        return f'<p class="lx-status">{escape(text.SOUP_WAITING)}</p>'
    name = text.SOUP_CHOICES[which]
    tiles = ""
    for title, of in (("ID", "target"), ("OOD", "control")):
        value = getattr(edited, of)
        low, high = getattr(edited, f"{of}_interval")
        change = f" · {points(value - getattr(plain, of))} against plain" if beta else ""
        tiles += markup.tile(
            title, f"{name}, β = {beta:g}", value, f"{100 * low:.1f} to {100 * high:.1f}{change}", "lines"
        )
    return f'<div class="lx-tiles">{tiles}</div>'


def _table(soups: Soups, found: Found, alone: dict[str, Evaluation]) -> str:
    rows = [[title, percent(one.target), percent(one.control), ""] for title, one in alone.items()]
    for name in (UNIFORM, GREEDY):
        members = soups.chosen(name)
        if not members or _test(members) not in found:
            continue
        plain = found[_test(members)]
        rows.append([text.SOUP_CHOICES[name], percent(plain.target), percent(plain.control), ""])
        for scaled, said in ((True, "task arithmetic, factor"), (False, "LiNeS, β =")):
            best = _best(members, found, scaled)
            if best is not None:
                value, one = best
                rows.append(
                    [
                        f"{text.SOUP_CHOICES[name]}, {said} {value:g}",
                        percent(one.target),
                        percent(one.control),
                        "validation",
                    ]
                )
    return markup.plain_table(text.SOUP_TABLE, text.SOUP_COLUMNS, rows, shown=True)


def soup_tab(studio: Studio) -> None:
    """The tab; it shows the embedded lab, which has the members."""
    if not _members(studio):
        return
    sweep = Sweep("soup", specs, draw, follow, settings=0)
    with gr.Tab(text.TABS["soup"]) as tab:
        gr.Markdown(text.SOUP, elem_classes="lx-lead")
        with gr.Row():
            which = gr.Radio(
                [(title, key) for key, title in text.SOUP_CHOICES.items()],
                value=GREEDY,
                label=text.SOUP_WHICH,
                elem_id="lx-soup-which",
                interactive=True,
            )
            beta = gr.Slider(
                SOUP_BETAS[0],
                SOUP_BETAS[-1],
                0.0,
                step=SOUP_BETAS[1] - SOUP_BETAS[0],
                label=text.SOUP_BETA[0],
                info=text.SOUP_BETA[1],
                elem_id="lx-soup-beta",
                buttons=[],
                interactive=True,
            )
        buttons = sweep_buttons(sweep)
        live = panel(
            [Chart(name, *words, "lx-tall") for name, words in text.SOUP_CHARTS.items()],
            elem_id="lx-soup",
            slots=("finding", "tiles", "status"),
            after=("numbers",),
            grid="lx-half",
        )
        wire_sweep(sweep, studio, live, buttons, [which, beta], [tab.select], [which.change, beta.change])
