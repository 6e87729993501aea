"""The gamma grid: every checkpoint at gamma = 0, 0.01, ..., 1 under every shape, in ``assets/grid``."""

from collections.abc import Generator, Iterator, Sequence
from itertools import product
from pathlib import Path

import torch

from evaluators import EditSpec, Evaluation, Studio
from evaluators.experiments.grid import run_grid
from evaluators.service.shipped_grid import made_with
from evaluators.specs.gamma_grid import GridLine, grid_path, read_grid, save_grid, tied_specs
from lines_core.schedules import SHAPES
from training.default_sweeps import LIVE_IMAGES
from ui.pictures.sprites import EACH

ORDER = sorted(SHAPES, key=lambda shape: shape not in ("linear", "flat"))
"""The line, and the flat factors that the pre-trained model and WiSE-FT are, come first."""

SPLITS = ("test", "val")
"""What the page opens with comes first."""
REPORT_EVERY = 101


def measure_gamma_grid(assets: Path, cache: Path, workers: int) -> Generator[str, None, None]:
    """Write ``grid/<shape>-<split>.json.gz``, one after the other; a file of the present lab is kept.

    Args:
        cache: folder that every single evaluation is kept in once it is measured. What is there is not
            measured again, so that a run goes on where it was stopped.
        workers: encoders that count at the same time, on a thread each.
    """
    torch.set_num_threads(workers)
    studio = Studio(assets, cache)
    for shape, split in product(ORDER, SPLITS):
        path = grid_path(assets, shape, split)
        contents = {one.key: made_with(studio.lab, one.key, split) for one in studio.checkpoints()}
        contents = {key: content for key, content in contents.items() if content}
        if {key: line.made_with for key, line in read_grid(path).items()} == contents:
            continue
        specs = {key: tied_specs(key, shape, split, LIVE_IMAGES) for key in contents}
        yield from _measure(studio, path.name, [spec for line in specs.values() for spec in line])
        lines = {}
        for key, content in contents.items():
            truth = {task.key: task.labels for task in studio.images_of(specs[key][0], EACH)}
            lines[key] = GridLine.of(content, [_known(studio, spec) for spec in specs[key]], truth)
        save_grid(path, lines)
        yield f"{path}: {path.stat().st_size} bytes"


def _measure(studio: Studio, name: str, specs: Sequence[EditSpec]) -> Iterator[str]:
    """Measure what is not known; specs that are the same measurement once."""
    different = {studio.lab.resolve(spec): spec for spec in specs}.values()
    missing = [spec for spec in different if not _has_predictions(studio.cached(spec))]
    yield f"{name}: {len(missing)} of {len(different)} evaluations are missing"
    seconds = 0.0
    for number, (_, evaluation) in enumerate(run_grid(studio, missing, fresh=True), start=1):
        seconds += evaluation.seconds
        if number % REPORT_EVERY == 0:
            yield f"{name}: {number} of {len(missing)}, {seconds / number:.2f} s each"


def _known(studio: Studio, spec: EditSpec) -> Evaluation:
    found = studio.cached(spec)
    assert found is not None
    return found


def _has_predictions(evaluation: Evaluation | None) -> bool:
    return evaluation is not None and evaluation.predictions is not None
