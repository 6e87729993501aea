"""Alpha by Eq. 2 against an alpha that is tuned together with beta: chosen on validation, counted on test."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluators import Studio
from evaluators.experiments.merge_search import CandidateGrid, Coefficients, MergeConfig, MergeSearch
from evaluators.experiments.sweeps import ALL_IMAGES, run_sweep
from evaluators.specs.image_hits import TaskHits, plain_hits, read_hits
from lines_core.atomic_write import atomic_write
from training.hits import task_hits
from training.merging_study import HEAT_METHODS, merge_configs
from training.repeated_study import measured

FILE = "alpha.json"
REFINED = 20
"""Best cells of the map, on 100 validation images a task, that are compared on all of them."""


@dataclass(frozen=True)
class AlphaFinding:
    """One method on test.

    Args:
        by_equation, tuned: alpha and beta; of the first only beta was chosen.
        equation_hits, tuned_hits: of the two models.
    """

    by_equation: Coefficients
    tuned: Coefficients
    equation_hits: TaskHits
    tuned_hits: TaskHits


def refined(search: MergeSearch, studio: Studio) -> CandidateGrid:
    """The best cells of the map, as candidates on all validation images."""
    heat = search.heat.result(dict(run_sweep(studio, search.heat.specs)))
    ranked = sorted(heat.normalised, key=lambda cell: heat.normalised[cell], reverse=True)
    return CandidateGrid(search.config, tuple(sorted(ranked[:REFINED])), "linear", ALL_IMAGES, ALL_IMAGES)


def chosen(grid: CandidateGrid, studio: Studio) -> tuple[Coefficients, TaskHits]:
    """The best candidate on validation, and its hits on test."""
    best = grid.result(dict(run_sweep(studio, grid.specs))).best
    assert best is not None
    (tested,) = measured(studio, grid.test_specs(best), fresh=True)
    return best, task_hits(studio, tested)


def alpha_finding(studio: Studio, config: MergeConfig) -> AlphaFinding:
    """Both choices of one method."""
    alpha = round(studio.merging_alpha(config.model, config.merges[0]).alpha, 9)
    search = MergeSearch(config, alpha, "linear", ALL_IMAGES)
    (first, equation), (second, tuned) = chosen(search.lines, studio), chosen(refined(search, studio), studio)
    return AlphaFinding(first, second, equation, tuned)


def measure_alpha(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``report/alpha.json``."""
    studio = Studio(assets, cache)
    configs = merge_configs(studio)
    plain = {}
    for method in HEAT_METHODS:
        found = alpha_finding(studio, configs[method])
        plain[method] = {
            "by_equation": found.by_equation,
            "tuned": found.tuned,
            "equation_hits": plain_hits(found.equation_hits),
            "tuned_hits": plain_hits(found.tuned_hits),
        }
        yield f"{method}: by Eq. 2 {found.by_equation}, tuned {found.tuned}"
    studio.close()
    text = json.dumps(plain, separators=(",", ":")) + "\n"
    atomic_write(assets / "report" / FILE, lambda part: part.write_text(text, encoding="utf-8"))


def read_alpha(path: Path) -> dict[str, AlphaFinding]:
    """What ``measure_alpha`` wrote, by method."""

    def coefficients(plain: list[float]) -> Coefficients:
        alpha, beta = plain
        return alpha, beta

    return {
        method: AlphaFinding(
            coefficients(entry["by_equation"]),
            coefficients(entry["tuned"]),
            read_hits(entry["equation_hits"]),
            read_hits(entry["tuned_hits"]),
        )
        for method, entry in json.loads(path.read_text(encoding="utf-8")).items()
    }
