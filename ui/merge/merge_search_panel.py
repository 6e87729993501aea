"""Panel of the page "Merge": coefficient curves (Fig. 8), alpha-beta map (Fig. 9), the best on test."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from evaluators.experiments.merge_comparison import lines_alpha
from evaluators.experiments.merge_search import HEAT_ALPHAS, HEAT_IMAGES, GridResult, MergeSearch, heat_betas
from evaluators.experiments.merge_starts import PAPER_BETA, PAPER_SCALE
from evaluators.experiments.sweeps import Found
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from ui.live.live_panel import Value, answer
from ui.live.subject import line
from ui.merge import merge_text as words
from ui.merge.merge_controls import MergeControls, caught_up, config_of, merge_about
from ui.merge.merge_figures import curve_alt, curve_figure, heat_alt, heat_figure
from ui.shell import markup
from ui.shell.difference_words import difference_words
from ui.shell.text import percent
from ui.sweep.sweep_status import unfinished


def merge_search(studio: Studio, values: Sequence[Any]) -> MergeSearch:
    """The search that the values of the page's settings ask for. Raises: SpecError.

    Args:
        values: as for ``MergeControls.from_values``, without beta and the plain factor.
    """
    controls = caught_up(studio, MergeControls.from_values([*values, PAPER_BETA, PAPER_SCALE]))
    config, images = config_of(studio, controls), controls.images
    alpha, _ = lines_alpha(studio, config, controls.lines_alpha)
    few = min(images, HEAT_IMAGES) if images else HEAT_IMAGES
    return MergeSearch(config, alpha, controls.shape, images, few)


def specs(studio: Studio, *values: Any) -> Sequence[EditSpec]:
    """What is measured on validation. Raises: SpecError."""
    return merge_search(studio, values).specs()


def test_specs(studio: Studio, found: Found, *values: Any) -> Sequence[EditSpec]:
    """What is measured on test once everything is chosen. Raises: SpecError."""
    return merge_search(studio, values).test_specs(found)


def draw(studio: Studio, *values_and_found: Any) -> Value:
    """The curves, the map, and the test accuracy of what was chosen.

    Args:
        studio: for Eq. 2's alpha.
        values_and_found: the values of the page's settings, then the evaluations measured so far.
    """
    *values, found = values_and_found
    search = merge_search(studio, values)
    plain, lines, heat = (grid.result(found) for grid in (search.plain, search.lines, search.heat))
    scales = {scale: value for (scale, _), value in plain.normalised.items()}
    betas = {beta: value for (_, beta), value in lines.normalised.items()}
    best = {"wise_ft": plain.best[0]} if plain.best else {}
    best |= {"lines": lines.best[1]} if lines.best else {}
    axes = HEAT_ALPHAS, heat_betas(search.config.method)
    finding = _finding(plain, lines, heat)
    if not finding:
        finding = unfinished(found, search.specs()) if found else words.SEARCH_WAITING
    return answer(
        version=0,
        state="complete",
        charts={
            "curve": (curve_figure(scales, betas, best), curve_alt(scales, betas)),
            "heat": (
                heat_figure(heat.normalised, *axes, heat.best),
                heat_alt(heat.normalised, heat.best),
            ),
        },
        slots={
            "subject": line(merge_about(studio, search.config)),
            "finding": markup.finding(escape(finding)),
        },
    )


def _finding(plain: GridResult, lines: GridResult, heat: GridResult) -> str:
    if plain.best is None or lines.best is None:
        return ""
    chosen = f"Validation chooses λ = {plain.best[0]:g} without LiNeS and β = {lines.best[1]:g} with it"
    if heat.best is None or plain.test is None or lines.test is None or heat.test is None:
        return f"{chosen}."
    alpha, beta = heat.best
    images = sum(task.n for task in lines.test.tasks)
    gain = difference_words(plain.test.tasks, lines.test.tasks, "plain")
    accuracies = f"{percent(plain.test.mean)} without, {percent(lines.test.mean)} with LiNeS, {gain}"
    return (
        f"{chosen}. On {images:,} test images: {accuracies}. The cell of the map that is "
        f"best on validation, α = {alpha:g} and β = {beta:g}, scores {percent(heat.test.mean)} on them."
    )
