"""LiNeS against a level factor: how much of what it changes about a merge is depth, and how much strength."""

from collections.abc import Iterator
from pathlib import Path

from evaluators import EditSpec, Studio
from evaluators.experiments.level_control import (
    FILE,
    LevelControl,
    LevelFactor,
    level_twins,
    save_levels,
    tuned_levels,
)
from evaluators.experiments.merge_search import CandidateGrid, MergeSearch, score
from evaluators.experiments.sweeps import ALL_IMAGES, run_sweep
from evaluators.specs.image_hits import TaskHits, paired
from lines_core.merging import METHODS
from training.hits import task_hits
from training.merging_study import FILE as MERGING
from training.merging_study import mask_grids, measured_alpha, measured_configs
from training.repeated_study import measured
from training.study import Study


def table_grids(study: Study) -> Iterator[tuple[CandidateGrid, CandidateGrid]]:
    """The plain grid and that of LiNeS of each row of the table of methods, masks last."""
    configs = measured_configs(study)
    for method, config in configs.items():
        search = MergeSearch(config, measured_alpha(study, method), images=ALL_IMAGES)
        yield search.plain, search.lines
    keys = next(iter(configs.values())).checkpoints
    for method in (key for key, row in METHODS.items() if row.per_task):
        yield mask_grids(keys, method)


def tested_hits(studio: Studio, specs: tuple[EditSpec, ...]) -> TaskHits:
    """Which test images a merge, or each task's own model, names correctly."""
    hits: TaskHits = {}
    for evaluation in measured(studio, specs, fresh=True):
        every = task_hits(studio, evaluation)
        hits = {**hits, **{task.key: every[task.key] for task in evaluation.target_tasks}}
    return hits


def level_factor(studio: Studio, grid: CandidateGrid, plain: TaskHits, lines: TaskHits) -> LevelFactor:
    """The level factor that validation chooses, on test."""
    best = grid.result(dict(run_sweep(studio, grid.specs))).best
    assert best is not None
    specs = grid.test_specs(best)
    level = tested_hits(studio, specs)
    return LevelFactor(best[0], score(measured(studio, specs)), paired(plain, level), paired(level, lines))


def level_control(studio: Studio, study: Study, plain: CandidateGrid, lines: CandidateGrid) -> LevelControl:
    """The control of one row; LiNeS and the plain merge are those of the table."""
    chosen = plain.coefficients[0] if len(plain.coefficients) == 1 else plain.result(study).best
    before, after = (
        tested_hits(studio, grid.test_specs(best))
        for grid, best in ((plain, chosen), (lines, lines.result(study).best))
    )
    twins = level_twins(lines)
    twin = level_factor(studio, twins, before, after)
    more = tuned_levels(twins)
    tuned = None if more is None else level_factor(studio, more, before, after)
    return LevelControl(plain.config.method, paired(before, after), twin, tuned)


def measure_levels(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``report/levels.json``. Seven minutes of a core."""
    studio, study = Studio(assets, cache), Study(assets / "report" / MERGING)
    controls = []
    for plain, lines in table_grids(study):
        controls.append(level_control(studio, study, plain, lines))
        control = controls[-1]
        for name, level in (("twin", control.twin), ("tuned", control.tuned)):
            if level is not None:
                changes = "strength {:+.4f} ({:+.4f} to {:+.4f}), depth {:+.4f} ({:+.4f} to {:+.4f})"
                said = changes.format(*level.strength, *level.depth)
                yield f"{control.method}, {name}: {level.scale:g}, {level.score.mean:.4f}, {said}"
    studio.close()
    save_levels(assets / "report" / FILE, controls)
