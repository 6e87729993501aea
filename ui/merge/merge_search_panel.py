"""The search on validation: the coefficient curve (Fig. 8), the alpha-beta map (Fig. 9), the best on test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from evaluators.experiments.merge_search import (
    HEAT_ALPHAS,
    MergeConfig,
    Score,
    best_of,
    heat_betas,
    heat_candidates,
    lines_candidates,
    plain_candidates,
    score,
    scores_of,
)
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from ui.live.live_panel import Value, answer
from ui.merge import merge_text as words
from ui.merge.merge_answers import alpha_of
from ui.merge.merge_controls import MergeControls, caught_up
from ui.merge.merge_figures import curve_alt, curve_figure, heat_alt, heat_figure
from ui.shell.text import percent, points
from ui.sweep.sweep_panel import Found

HEAT_IMAGES = 100
"""Validation images a task for the map: 121 models are many."""


@dataclass(frozen=True)
class Search:
    """All candidates of one merge on validation, and its references on both splits."""

    recipe: MergeConfig
    plain: Mapping[float, tuple[EditSpec, ...]]
    lines: Mapping[float, tuple[EditSpec, ...]]
    heat: Mapping[tuple[float, float], tuple[EditSpec, ...]]
    finetuned: tuple[EditSpec, ...]
    heat_finetuned: tuple[EditSpec, ...]
    alpha: float
    shape: str
    images: int

    @classmethod
    def of(cls, studio: Studio, controls: MergeControls) -> Search:
        """What the controls ask to be searched. Raises: SpecError."""
        controls = caught_up(studio, controls)
        recipe, images, shape = controls.recipe(), controls.images, controls.shape
        alpha, _ = alpha_of(studio.merging_alpha, controls)
        few = min(images, HEAT_IMAGES) if images else HEAT_IMAGES
        return cls(
            recipe,
            plain_candidates(recipe, "val", images),
            lines_candidates(recipe, alpha, shape, "val", images),
            heat_candidates(recipe, shape, "val", few),
            recipe.finetuned("val", images),
            recipe.finetuned("val", few),
            alpha,
            shape,
            images,
        )

    def specs(self) -> list[EditSpec]:
        """Everything on validation, the curves first."""
        groups = (*self.plain.values(), *self.lines.values())
        cells = self.heat.values()
        flat = [spec for group in (*groups, self.heat_finetuned, *cells) for spec in group]
        return list(dict.fromkeys((*self.finetuned, *flat)))

    def best(self, found: Found) -> dict[str, float]:
        """Role -> chosen coefficient, for a curve that is measured to its end."""
        reference = _reference(self.finetuned, found)
        if reference is None:
            return {}
        curves = {"wise_ft": self.plain, "lines": self.lines}
        scored = {role: scores_of(found, curve) for role, curve in curves.items()}
        return {
            role: best_of(scores, reference)
            for role, scores in scored.items()
            if len(scores) == len(curves[role])
        }

    def best_cell(self, found: Found) -> tuple[float, float] | None:
        """The best cell of the map, once all are measured."""
        reference = _reference(self.heat_finetuned, found)
        scores = scores_of(found, self.heat)
        if reference is None or len(scores) < len(self.heat):
            return None
        return best_of(scores, reference)

    def tests(self, found: Found) -> list[EditSpec]:
        """What is reported on test once everything is chosen: both best coefficients and the best cell."""
        best, cell = self.best(found), self.best_cell(found)
        if len(best) < 2 or cell is None:
            return []
        return [
            *self.recipe.finetuned("test", self.images),
            *self.test_specs(best["wise_ft"]),
            *self.test_specs(self.alpha, best["lines"]),
            *self.test_specs(*cell),
        ]

    def test_specs(self, alpha: float, beta: float = 0.0) -> tuple[EditSpec, ...]:
        """A chosen model on test images."""
        return self.recipe.specs(alpha, beta, self.shape if beta else "linear", "test", self.images)


def _reference(specs: tuple[EditSpec, ...], found: Found) -> Score | None:
    return score(found[spec] for spec in specs) if all(spec in found for spec in specs) else None


def specs(studio: Studio, *values: Any) -> list[EditSpec]:
    """The points of the search, as a sweep wants them. Raises: SpecError."""
    return Search.of(studio, MergeControls.from_values(values)).specs()


def tests(studio: Studio, found: Found, *values: Any) -> list[EditSpec]:
    """What follows from the points."""
    return Search.of(studio, MergeControls.from_values(values)).tests(found)


def draw(studio: Studio, *values_and_found: Any) -> Value:
    """The curves, the map and what the choice scores on test.

    Args:
        studio: for Eq. 2's alpha.
        values_and_found: the panel's settings, then the points so far.
    """
    *values, found = values_and_found
    search = Search.of(studio, MergeControls.from_values(values))
    plain, lines = (_normalised(search, curve, found) for curve in (search.plain, search.lines))
    cells = _cells(search, found)
    best, cell = search.best(found), search.best_cell(found)
    return answer(
        version=0,
        state="complete",
        charts={
            "curve": (curve_figure(plain, lines, best), curve_alt(plain, lines)),
            "heat": (
                heat_figure(cells, HEAT_ALPHAS, heat_betas(search.recipe.method), cell),
                heat_alt(cells, cell),
            ),
        },
        slots={"finding": f'<p class="lx-finding">{escape(_finding(search, found, best, cell))}</p>'},
    )


def _normalised(
    search: Search, curve: Mapping[float, tuple[EditSpec, ...]], found: Found
) -> dict[float, float]:
    reference = _reference(search.finetuned, found)
    if reference is None:
        return {}
    return {value: one.normalised(reference) for value, one in scores_of(found, curve).items()}


def _cells(search: Search, found: Found) -> dict[tuple[float, float], float]:
    reference = _reference(search.heat_finetuned, found)
    if reference is None:
        return {}
    return {place: one.normalised(reference) for place, one in scores_of(found, search.heat).items()}


def _finding(
    search: Search, found: Found, best: Mapping[str, float], cell: tuple[float, float] | None
) -> str:
    if len(best) < 2:
        return words.SEARCH_WAITING
    chosen = f"Validation chooses λ = {best['wise_ft']:g} without LiNeS and β = {best['lines']:g} with it"
    if cell is None:
        return f"{chosen}."
    reports = search.test_specs(best["wise_ft"]), search.test_specs(search.alpha, best["lines"])
    starred = search.test_specs(*cell)
    references = search.recipe.finetuned("test", search.images)
    wanted = [spec for group in (*reports, starred, references) for spec in group]
    if not all(spec in found for spec in wanted):
        return f"{chosen}."
    plain, lines = (score(found[spec] for spec in group) for group in reports)
    star = score(found[spec] for spec in starred)
    return (
        f"{chosen}. On test images: {percent(plain.mean)} without, {percent(lines.mean)} with LiNeS "
        f"({points(lines.mean - plain.mean)}). The best cell, α = {cell[0]:g} and β = {cell[1]:g}, "
        f"scores {percent(star.mean)}."
    )
