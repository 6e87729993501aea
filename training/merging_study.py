"""Tables 2, 6 and 8, Figs. 8 and 9 of the paper on the lab's tasks: searched on val, reported on test."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluators import EditSpec, Evaluation, Studio
from evaluators.experiments.grid import run_grid
from evaluators.experiments.merge_search import (
    MERGE_SHAPES,
    CandidateGrid,
    GridResult,
    MergeConfig,
    MergeSearch,
    Score,
    score,
)
from evaluators.experiments.merge_starts import start_coefficients
from evaluators.experiments.sweeps import ALL_IMAGES, save_precomputed
from evaluators.experiments.table2 import FILE as TABLE_FILE
from evaluators.experiments.table2 import Table2Row, row_of, save_table2
from evaluators.labs.shipped_alphas import FILE as ALPHAS
from evaluators.labs.shipped_alphas import save_alphas
from evaluators.specs.intervals import difference_interval
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import METHODS
from lines_core.merging.masks import TALL_LAMBDAS
from lines_core.merging.method import TALL_LAMBDA
from training.study import Study

FILE = "merging.json.gz"
HEAT_METHODS = ("sum", "ties", "consensus", "tsv-m")
"""Methods whose alpha-beta map ships."""
CURVE_METHODS = (*HEAT_METHODS, "average", "dare", "breadcrumbs")
"""Methods whose curves ship; of the others what the page opens with."""
FULL_METHODS = (*CURVE_METHODS, "iso-c", "iso-cts")
"""Methods that are measured with every scaling function."""

MASK_GAMMAS = (0.0, 0.25, 0.5, 0.75)
"""Where each task has a model of its own: LiNeS of a single task, alpha = gamma and beta = 1 - gamma."""


@dataclass(frozen=True)
class MethodFinding:
    """A merging method without LiNeS, and with LiNeS under some scaling functions; coefficients from val."""

    method: str
    plain: GridResult
    lines: Mapping[str, GridResult]

    @property
    def gain(self) -> float:
        """What linear LiNeS changes about mean test accuracy, in percent points."""
        return 100 * (tested(self.lines["linear"]).mean - tested(self.plain).mean)

    @property
    def gain_interval(self) -> tuple[float, float]:
        """95 % interval of the same, as fractions."""
        before, after = (
            [(task.correct, task.n) for task in tested(side).tasks]
            for side in (self.plain, self.lines["linear"])
        )
        return difference_interval(before, after)


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
    shapes = MERGE_SHAPES if config.method in FULL_METHODS else MERGE_SHAPES[:1]
    searches = {shape: MergeSearch(config, alpha, shape, ALL_IMAGES) for shape in shapes}
    grids = [searches["linear"].plain, *(search.lines for search in searches.values())]
    for grid in grids:
        study.measure(grid.specs)
        study.measure(grid.test_specs(grid.result(study).best))
    plain, *lines = (grid.result(study) for grid in grids)
    return MethodFinding(config.method, plain, dict(zip(shapes, lines, strict=True)))


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


def mask_grids(keys: tuple[str, ...], method: str) -> tuple[CandidateGrid, CandidateGrid]:
    """Masks with default settings: as they are, and with LiNeS of a single task."""
    config, tied = MergeConfig(keys, method), tuple((gamma, 1.0 - gamma) for gamma in MASK_GAMMAS)
    plain, lines = (
        CandidateGrid(config, coefficients, "linear", ALL_IMAGES, ALL_IMAGES)
        for coefficients in (((1.0, 0.0),), tied)
    )
    return plain, lines


def measure_masks(study: Study, keys: tuple[str, ...]) -> Iterator[str]:
    """Methods that keep a model a task, plain and with LiNeS."""
    for method in (key for key, row in METHODS.items() if row.per_task):
        plain, lines = mask_grids(keys, method)
        study.measure(plain.test_specs((1.0, 0.0)))
        study.measure(lines.specs)
        study.measure(lines.test_specs(lines.result(study).best))
        row = mask_row(study, keys, method)
        assert row is not None
        yield f"{method}: plain {row.plain.mean:.4f}, LiNeS {row.lines.mean:.4f} with gamma {row.alpha:g}"


def mask_row(study: Study, keys: tuple[str, ...], method: str) -> Table2Row | None:
    """The row of such a method; None while something of it is not measured."""
    grids = mask_grids(keys, method)
    found = grids[1].result(study)
    plain = grids[0].test_specs((1.0, 0.0))
    if found.best is None or found.test is None or not all(spec in study for spec in plain):
        return None
    return Table2Row(method, 1.0, score(study.measure(plain)), *found.best, found.test)


def measured_configs(study: Study) -> dict[str, MergeConfig]:
    """The merges that a study holds, by method, in the order of ``METHODS``."""
    merges = {spec.merge.method: spec.merge for spec in study if spec.merge and not spec.merge.task}
    return {
        method: MergeConfig(merges[method].checkpoints, method, merges[method].settings)
        for method in METHODS
        if method in merges
    }


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
    """Write ``report/merging.json.gz``, and the sweeps that the page "Merge" opens with."""
    studio = Studio(assets, cache)
    study = Study(assets / "report" / FILE, studio)
    configs = merge_configs(studio)
    for method, config in configs.items():
        references(study, config)
        alpha = studio.merging_alpha(config.model, config.merges[0]).alpha
        finding = method_finding(study, config, round(alpha, 9))
        study.save(predictions=False)
        lines = finding.lines["linear"]
        accuracies = f"plain {tested(finding.plain).mean:.4f}, LiNeS {tested(lines).mean:.4f}"
        yield f"{method}: {accuracies} at alpha and beta {lines.best}"
        shown = page_evaluations(studio, MergeSearch(config, alpha))
        save_precomputed(studio, assets / "sweeps" / f"merge-{method}.json", list(shown.values()))
        yield f"{method}: {len(shown)} evaluations for the page"
    keys = next(iter(configs.values())).checkpoints
    yield from measure_masks(study, keys)
    masks = tall_masks_test(study, keys)
    magnitude = magnitude_masks_test(study, keys)
    study.save(predictions=False)
    yield save_merge_table(assets)
    yield save_start_alphas(studio)
    yield f"TALL masks {masks.mean:.4f}, magnitude masks {magnitude.mean:.4f}"


def merge_rows(study: Study) -> tuple[Table2Row, ...]:
    """The rows of the table of methods, as far as the study holds them; those of one model a task last."""
    configs = measured_configs(study)
    searches = [
        MergeSearch(config, measured_alpha(study, method), images=ALL_IMAGES)
        for method, config in configs.items()
    ]
    keys = next(iter(configs.values())).checkpoints
    masks = [mask_row(study, keys, method) for method, row in METHODS.items() if row.per_task]
    rows = [*(row_of(search.plain, search.lines, study) for search in searches), *masks]
    return tuple(row for row in rows if row is not None)


def save_start_alphas(studio: Studio) -> str:
    """Write Eq. 2's alphas of what the page opens with, beside the evaluations."""
    lab = studio.lab
    merges = [config.merges[0] for config in merge_configs(studio).values()]
    alphas = {merge: lab.encoder.merging_alpha(merge) for merge in merges}
    save_alphas(lab.folder / lab.model.sweeps / ALPHAS, lab.fingerprint(), alphas)
    return f"{len(alphas)} alphas"


def save_merge_table(assets: Path) -> str:
    """Write ``report/merge_table.json``, which the page shows, from what has been measured."""
    rows = merge_rows(Study(assets / "report" / FILE))
    save_table2(assets / "report" / TABLE_FILE, rows)
    return f"table of {len(rows)} methods"


def start_specs(search: MergeSearch) -> tuple[EditSpec, ...]:
    """The merge with LiNeS and without it that *Merge* opens with."""
    config, images = search.config, search.images
    beta, plain = start_coefficients(config.method, config.model)
    return (*config.specs(search.alpha, beta, images=images), *config.specs(plain, images=images))


def page_evaluations(studio: Studio, search: MergeSearch) -> dict[EditSpec, Evaluation]:
    """What the page shows before anything is changed, without the references that ship for other pages."""
    config, images = search.config, search.images
    wanted = start_specs(search)
    if config.method in CURVE_METHODS:
        wanted += (*search.plain.specs, *search.lines.specs)
    if config.method in HEAT_METHODS:
        wanted += search.heat.specs
    found = dict(run_grid(studio, wanted))
    if config.method in HEAT_METHODS:
        found |= run_grid(studio, search.test_specs(found))
    shipped = (*config.finetuned("val", images), *config.finetuned("test", images))
    return {spec: evaluation for spec, evaluation in found.items() if spec not in shipped}
