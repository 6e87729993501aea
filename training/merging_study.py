"""Tables 2, 6 and 8, Figs. 8 and 9 of the paper on the lab's tasks: searched on val, reported on test."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluators import EditSpec, Evaluation, Studio
from evaluators.experiments.grid import run_grid
from evaluators.experiments.merge_search import (
    MergeConfig,
    Score,
    best_of,
    heat_candidates,
    lines_candidates,
    plain_candidates,
    score,
    scores_of,
)
from evaluators.experiments.sweeps import save_precomputed
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import METHODS
from lines_core.merging.masks import TALL_LAMBDAS
from lines_core.merging.method import TALL_LAMBDA
from training.default_sweeps import ALL_IMAGES
from training.findings import Measured
from training.study import Study

FILE = "merging.json"
SHAPES = ("linear", "sqrt", "quadratic")
PAGE_IMAGES = 200
HEAT_IMAGES = 100
HEAT_METHODS = ("sum", "ties", "consensus")
START_BETA = START_PLAIN = 0.3
"""Where the tab's sliders stand when it opens (``ui/merge/merge_page.py``)."""


@dataclass(frozen=True)
class Chosen:
    """One row of Table 2 or 6 for one method: what validation chose, and what it scores on test.

    Args:
        alpha, beta: of the chosen model; beta None for the plain merge, whose coefficient is alpha.
        curve: coefficient -> normalised accuracy on validation.
        test: its score on test.
    """

    alpha: float
    beta: float | None
    curve: Mapping[float, float]
    test: Score


@dataclass(frozen=True)
class MethodFinding:
    """A method without LiNeS and with each scaling function, and the references on test."""

    method: str
    plain: Chosen
    lines: Mapping[str, Chosen]


def recipes(studio: Studio) -> dict[str, MergeConfig]:
    """Every method that makes one model, with its default settings, over the eight tasks."""
    keys = tuple(one.key for one in studio.checkpoints() if one.suite == "tasks")
    return {key: MergeConfig(keys, key) for key, method in METHODS.items() if not method.per_task}


def method_finding(study: Study, recipe: MergeConfig, alpha: float) -> MethodFinding:
    """Search a method on validation, report on test. ``alpha`` is Eq. 2's."""
    reference = score(study(recipe.finetuned("val", ALL_IMAGES)))

    def chosen(candidates: Mapping[float, tuple[EditSpec, ...]], shape: str | None) -> Chosen:
        groups = candidates.values()
        found = {spec: one for specs in groups for spec, one in zip(specs, study(specs), strict=True)}
        scores = scores_of(found, candidates)
        best = best_of(scores, reference)
        first, rise = (best, 0.0) if shape is None else (alpha, best)
        tested = recipe.specs(first, rise, shape or "linear", "test", ALL_IMAGES)
        curve = {value: one.normalised(reference) for value, one in scores.items()}
        return Chosen(first, None if shape is None else best, curve, score(study(tested)))

    return MethodFinding(
        recipe.method,
        chosen(plain_candidates(recipe, "val", ALL_IMAGES), None),
        {shape: chosen(lines_candidates(recipe, alpha, shape, "val", ALL_IMAGES), shape) for shape in SHAPES},
    )


def tall_masks_test(study: Study, keys: tuple[str, ...]) -> Score:
    """TALL masks on test, lambda chosen for each task on validation, the first of equal ones (hub.md, 5)."""
    tested: list[Evaluation] = []
    for key in keys:
        merges = [MergeSpec(keys, "tall-masks", ((TALL_LAMBDA.key, value),), key) for value in TALL_LAMBDAS]
        validated = study(EditSpec.merged(one, split="val", images=ALL_IMAGES) for one in merges)
        best = max(range(len(merges)), key=lambda index: validated[index].target)
        tested += study([EditSpec.merged(merges[best], split="test", images=ALL_IMAGES)])
    return score(tested)


def magnitude_masks_test(study: Study, keys: tuple[str, ...]) -> Score:
    """Magnitude masks on test, as they are."""
    return score(study(MergeConfig(keys, "magnitude-masks").specs(1.0, split="test", images=ALL_IMAGES)))


def heat_cells(measured: Measured, recipe: MergeConfig) -> dict[tuple[float, float], float]:
    """Normalised validation accuracy over alpha and beta, from the sweeps that ship."""
    candidates = heat_candidates(recipe, "linear", "val", HEAT_IMAGES)
    reference = score(measured.all(recipe.finetuned("val", HEAT_IMAGES)))
    return {place: score(measured.all(specs)).normalised(reference) for place, specs in candidates.items()}


def best_cell(measured: Measured, recipe: MergeConfig) -> tuple[tuple[float, float], float]:
    """The best pair (alpha, beta) of the map, the first of equal ones, and its normalised accuracy."""
    cells = heat_cells(measured, recipe)
    best = max(sorted(cells), key=lambda place: cells[place])
    return best, cells[best]


def measured_recipes(study: Study) -> dict[str, MergeConfig]:
    """The recipes a study holds, by method."""
    merges = [spec.merge for spec in study.held if spec.merge is not None and not spec.merge.task]
    return {merge.method: MergeConfig(merge.checkpoints, merge.method, merge.settings) for merge in merges}


def measured_alpha(study: Study, method: str) -> float:
    """Eq. 2's alpha of a method, as it stands in the specs that were measured with it."""
    return next(
        spec.alpha
        for spec in study.held
        if spec.merge is not None and spec.merge.method == method and spec.beta
    )


def references(study: Study, recipe: MergeConfig) -> tuple[Score, Score]:
    """Zero-shot and the eight fine-tuned models, on test."""
    return (
        score(study(recipe.zero_shot("test", ALL_IMAGES))),
        score(study(recipe.finetuned("test", ALL_IMAGES))),
    )


def measure_merging(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``report/merging.json``, and the sweeps that the tab "Merge" opens with."""
    studio = Studio(assets, cache)
    study = Study(assets / "report" / FILE, studio)
    for method, recipe in recipes(studio).items():
        references(study, recipe)
        alpha = studio.merging_alpha(recipe.model, recipe.merges[0]).alpha
        found = method_finding(study, recipe, round(alpha, 9))
        study.save()
        best = found.lines["linear"]
        yield f"{method}: plain {found.plain.test.mean:.4f}, LiNeS {best.test.mean:.4f} at beta {best.beta}"
        measured = dict(run_grid(studio, page_specs(recipe, alpha)))
        measured |= run_grid(studio, page_tests(studio, recipe, alpha, measured))
        save_precomputed(studio, assets / "sweeps" / f"merge-{method}.json", list(measured.values()))
        yield f"{method}: {len(measured)} evaluations for the page"
    keys = next(iter(recipes(studio).values())).checkpoints
    masks = tall_masks_test(study, keys)
    magnitude = magnitude_masks_test(study, keys)
    study.save()
    yield f"TALL masks {masks.mean:.4f}, magnitude masks {magnitude.mean:.4f}"


def page_tests(
    studio: Studio, recipe: MergeConfig, alpha: float, found: Mapping[EditSpec, Evaluation]
) -> list[EditSpec]:
    """What the tab reports on test once its search is through; nothing where no map ships."""
    if recipe.method not in HEAT_METHODS:
        return []
    reference = score(studio.evaluate(spec) for spec in recipe.finetuned("val", PAGE_IMAGES))
    few = score(studio.evaluate(spec) for spec in recipe.finetuned("val", HEAT_IMAGES))
    plain = best_of(scores_of(found, plain_candidates(recipe, "val", PAGE_IMAGES)), reference)
    rise = best_of(scores_of(found, lines_candidates(recipe, alpha, "linear", "val", PAGE_IMAGES)), reference)
    cell = best_of(scores_of(found, heat_candidates(recipe, "linear", "val", HEAT_IMAGES)), few)
    chosen = ((plain, 0.0), (alpha, rise), cell)
    return [spec for first, then in chosen for spec in recipe.specs(first, then, images=PAGE_IMAGES)]


def page_specs(recipe: MergeConfig, alpha: float) -> list[EditSpec]:
    """What the tab asks for before anything is changed, without the references that ship anyway."""
    groups = [
        recipe.specs(alpha, START_BETA, images=PAGE_IMAGES),
        recipe.specs(START_PLAIN, images=PAGE_IMAGES),
        *plain_candidates(recipe, "val", PAGE_IMAGES).values(),
        *lines_candidates(recipe, alpha, "linear", "val", PAGE_IMAGES).values(),
    ]
    if recipe.method in HEAT_METHODS:
        groups += heat_candidates(recipe, "linear", "val", HEAT_IMAGES).values()
        groups.append(recipe.finetuned("val", HEAT_IMAGES))
    return list(dict.fromkeys(spec for group in groups for spec in group))
