"""Tables 2, 6 and 8, Figs. 8 and 9 of the paper on the lab's tasks: searched on val, reported on test."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluators import EditSpec, Evaluation, Studio
from evaluators.experiments.grid import run_grid
from evaluators.experiments.merge_search import (
    MERGE_SHAPES,
    PAPER_BETA,
    PAPER_SCALE,
    GridResult,
    MergeConfig,
    MergeSearch,
    Score,
    score,
)
from evaluators.experiments.sweeps import ALL_IMAGES, save_precomputed
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import METHODS
from lines_core.merging.masks import TALL_LAMBDAS
from lines_core.merging.method import TALL_LAMBDA
from training.study import Study

FILE = "merging.json"
HEAT_METHODS = ("sum", "ties", "consensus", "tsv-m")
"""Methods whose alpha-beta map ships."""


@dataclass(frozen=True)
class MethodFinding:
    """A merging method without LiNeS, and with LiNeS under each scaling function; coefficients from val."""

    method: str
    plain: GridResult
    lines: Mapping[str, GridResult]

    @property
    def gain(self) -> float:
        """What linear LiNeS changes about mean test accuracy, in percent points."""
        return 100 * (tested(self.lines["linear"]).mean - tested(self.plain).mean)


def tested(result: GridResult) -> Score:
    """The test score of a finished search."""
    assert result.test is not None
    return result.test


def merge_configs(studio: Studio) -> dict[str, MergeConfig]:
    """Every method that makes one model of eight, with its default settings, over the eight tasks."""
    keys = tuple(checkpoint.key for checkpoint in studio.checkpoints() if checkpoint.suite == "tasks")
    return {
        key: MergeConfig(keys, key)
        for key, method in METHODS.items()
        if not method.per_task and method.count in (0, len(keys))
    }


def method_finding(study: Study, config: MergeConfig, alpha: float) -> MethodFinding:
    """Search a method on validation, report on test. ``alpha`` is Eq. 2's."""
    searches = {shape: MergeSearch(config, alpha, shape, ALL_IMAGES) for shape in MERGE_SHAPES}
    grids = [searches["linear"].plain, *(search.lines for search in searches.values())]
    for grid in grids:
        study.measure(grid.specs)
        study.measure(grid.test_specs(grid.result(study).best))
    plain, *lines = (grid.result(study) for grid in grids)
    return MethodFinding(config.method, plain, dict(zip(MERGE_SHAPES, lines, strict=True)))


def tall_masks_test(study: Study, keys: tuple[str, ...]) -> Score:
    """TALL masks on test, lambda chosen for each task on validation, the first of equal ones (hub.md, 5)."""
    chosen: list[EditSpec] = []
    for key in keys:
        merges = [MergeSpec(keys, "tall-masks", ((TALL_LAMBDA.key, value),), key) for value in TALL_LAMBDAS]
        validated = study.measure(EditSpec.merged(merge, split="val", images=ALL_IMAGES) for merge in merges)
        best = max(range(len(merges)), key=lambda index: validated[index].target)
        chosen.append(EditSpec.merged(merges[best], split="test", images=ALL_IMAGES))
    return score(study.measure(chosen))


def magnitude_masks_test(study: Study, keys: tuple[str, ...]) -> Score:
    """Magnitude masks on test, as they are."""
    return score(study.measure(MergeConfig(keys, "magnitude-masks").specs(1.0, images=ALL_IMAGES)))


def measured_configs(study: Study) -> dict[str, MergeConfig]:
    """The merges that a study holds, by method."""
    merges = [spec.merge for spec in study if spec.merge is not None and not spec.merge.task]
    return {merge.method: MergeConfig(merge.checkpoints, merge.method, merge.settings) for merge in merges}


def measured_alpha(study: Study, method: str) -> float:
    """Eq. 2's alpha of a method, from the specs that were measured with it."""
    return next(
        spec.alpha for spec in study if spec.merge is not None and spec.merge.method == method and spec.beta
    )


def references(study: Study, config: MergeConfig) -> tuple[Score, Score]:
    """Zero-shot and the eight fine-tuned models, on test."""
    return (
        score(study.measure(config.zero_shot(images=ALL_IMAGES))),
        score(study.measure(config.finetuned(images=ALL_IMAGES))),
    )


def measure_merging(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``report/merging.json``, and the sweeps that the page "Merge" opens with."""
    studio = Studio(assets, cache)
    study = Study(assets / "report" / FILE, studio)
    configs = merge_configs(studio)
    for method, config in configs.items():
        references(study, config)
        alpha = studio.merging_alpha(config.model, config.merges[0]).alpha
        finding = method_finding(study, config, round(alpha, 9))
        study.save()
        lines = finding.lines["linear"]
        accuracies = f"plain {tested(finding.plain).mean:.4f}, LiNeS {tested(lines).mean:.4f}"
        yield f"{method}: {accuracies} at alpha and beta {lines.best}"
        shown = page_evaluations(studio, MergeSearch(config, alpha))
        save_precomputed(studio, assets / "sweeps" / f"merge-{method}.json", list(shown.values()))
        yield f"{method}: {len(shown)} evaluations for the page"
    keys = next(iter(configs.values())).checkpoints
    masks = tall_masks_test(study, keys)
    magnitude = magnitude_masks_test(study, keys)
    study.save()
    yield f"TALL masks {masks.mean:.4f}, magnitude masks {magnitude.mean:.4f}"


def page_evaluations(studio: Studio, search: MergeSearch) -> dict[EditSpec, Evaluation]:
    """What the page shows before anything is changed, without the references that ship for other pages."""
    config, images = search.config, search.images
    start = (
        *config.specs(search.alpha, PAPER_BETA, images=images),
        *config.specs(PAPER_SCALE, images=images),
    )
    wanted = (*start, *search.plain.specs, *search.lines.specs)
    if config.method in HEAT_METHODS:
        wanted += search.heat.specs
    found = dict(run_grid(studio, wanted))
    if config.method in HEAT_METHODS:
        found |= run_grid(studio, search.test_specs(found))
    shipped = (*config.finetuned("val", images), *config.finetuned("test", images))
    return {spec: evaluation for spec, evaluation in found.items() if spec not in shipped}
