"""Fig. 10 and Table 9 of the paper on Tiny ConvNeXt: forgetting against gamma, and merges with LiNeS."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from evaluators import EditSpec, Studio
from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.grid import run_grid
from evaluators.experiments.merge_search import (
    CandidateGrid,
    MergeConfig,
    MergeSearch,
    Score,
    score,
)
from evaluators.experiments.sweeps import ALL_IMAGES, gamma_sweep, save_precomputed, wise_ft_sweep
from evaluators.experiments.table2 import CONVNEXT_FILE, row_of, save_table2
from evaluators.labs.embedded_lab import EMBEDDED, TINY_CONVNEXT
from training.merging_study import MethodFinding, page_evaluations, start_specs, tested
from training.storing import measure_packed
from training.study import Study
from training.world.catalogue import TASKS

FILE, CONVNEXT_STORING = "convnext.json.gz", "convnext_storing.json"
CONVNEXT_IMAGES = 100
"""Images per task of the curves, as the page asks for; the test accuracies of Table 9 are of all."""
MERGED, OPENS_WITH = ("sum", "ties", "consensus", "tsv-m"), "tsv-m"


def gamma_specs(key: str) -> tuple[EditSpec, ...]:
    """Fig. 10 of a checkpoint: gamma = 1.0, 0.9 .. 0.0 on test, and the pre-trained model."""
    curve = gamma_sweep(key, images=CONVNEXT_IMAGES, model=TINY_CONVNEXT)
    return (EditSpec.pretrained(key, model=TINY_CONVNEXT, images=CONVNEXT_IMAGES), *curve)


def chosen_gamma(study: Study, key: str) -> float:
    """C.1's gamma from validation images."""
    search = GammaSearch(key, TINY_CONVNEXT, CONVNEXT_IMAGES)
    study.measure(search.specs("val"))
    choice = search.choice(study)
    assert choice is not None
    return choice.gamma


def convnext_config(method: str) -> MergeConfig:
    """The merge of all eight checkpoints."""
    return MergeConfig(tuple(sorted(TASKS)), method, model=TINY_CONVNEXT)


def convnext_merge(study: Study, method: str, alpha: float) -> MethodFinding:
    """Table 9's row: coefficients from validation, the chosen models on all test images."""
    search = MergeSearch(convnext_config(method), alpha, images=CONVNEXT_IMAGES)
    plain, lines = (replace(grid, test_images=ALL_IMAGES) for grid in (search.plain, search.lines))
    for grid in (plain, lines):
        study.measure(grid.specs)
        study.measure(grid.test_specs(grid.result(study).best))
    return MethodFinding(method, plain.result(study), {"linear": lines.result(study)})


def convnext_references(study: Study) -> tuple[Score, Score]:
    """Zero-shot and the fine-tuned models, on all test images."""
    config = convnext_config("sum")
    return (
        score(study.measure(config.zero_shot(images=ALL_IMAGES))),
        score(study.measure(config.finetuned(images=ALL_IMAGES))),
    )


def measured_alphas(study: Study) -> dict[str, float]:
    """Eq. 2's alpha by method, from the specs that were measured with it."""
    return {spec.merge.method: spec.alpha for spec in study if spec.merge is not None and spec.beta}


def measure_convnext(assets: Path, cache: Path, whole: Path) -> Iterator[str]:
    """Write the sweeps that the pages open with, and ``report/convnext.json.gz``.

    Args:
        whole: folder of fine-tuned weights as they were before they were packed.
    """
    if not (assets / "report" / CONVNEXT_STORING).exists():
        path = assets / "report" / CONVNEXT_STORING
        yield from measure_packed(assets, EMBEDDED[TINY_CONVNEXT], whole, path)
    studio = Studio(assets, cache)
    sweeps = assets / EMBEDDED[TINY_CONVNEXT].sweeps
    study = Study(assets / "report" / FILE, studio)
    for key in TASKS:
        gammas = GammaSearch(key, TINY_CONVNEXT, CONVNEXT_IMAGES)
        reverse = gamma_sweep(key, shape="reverse", images=CONVNEXT_IMAGES, model=TINY_CONVNEXT)
        straight = wise_ft_sweep(key, images=CONVNEXT_IMAGES, model=TINY_CONVNEXT)
        shown = dict(run_grid(studio, (*gammas.specs("test"), *gammas.specs("val"), *reverse, *straight)))
        save_precomputed(studio, sweeps / f"{key}.json", [*shown.values()])
        study.measure(gamma_specs(key))
        yield f"{key}: gamma {chosen_gamma(study, key):g}"
    convnext_references(study)
    for method in MERGED:
        config = convnext_config(method)
        alpha = round(studio.merging_alpha(TINY_CONVNEXT, config.merges[0]).alpha, 9)
        finding = convnext_merge(study, method, alpha)
        study.save()
        yield f"{method}: {tested(finding.plain).mean:.4f}, LiNeS {tested(finding.lines['linear']).mean:.4f}"
        search = MergeSearch(config, alpha, images=CONVNEXT_IMAGES)
        opens = method == OPENS_WITH
        shown = page_evaluations(studio, search) if opens else dict(run_grid(studio, page_specs(search)))
        save_precomputed(studio, sweeps / f"merge-{method}.json", [*shown.values()])
    yield save_convnext_table(assets)


def save_convnext_table(assets: Path) -> str:
    """Write the rows that *Merge* names beside its answers, from what has been measured."""
    study = Study(assets / "report" / FILE)
    searches = [
        MergeSearch(convnext_config(method), alpha, images=CONVNEXT_IMAGES)
        for method, alpha in measured_alphas(study).items()
    ]
    grids = [
        [replace(grid, test_images=ALL_IMAGES) for grid in (search.plain, search.lines)]
        for search in searches
    ]
    rows = [row for plain, lines in grids if (row := row_of(plain, lines, study)) is not None]
    save_table2(assets / "report" / CONVNEXT_FILE, rows)
    return f"table of {len(rows)} methods"


def page_specs(search: MergeSearch) -> tuple[EditSpec, ...]:
    """What *Merge* shows of a method before anything is changed, and its curves on validation images."""
    grids: tuple[CandidateGrid, ...] = (search.plain, search.lines)
    candidates = (spec for grid in grids for specs in grid.candidates.values() for spec in specs)
    return tuple(dict.fromkeys((*start_specs(search), *candidates)))
