"""What tuning a merge costs: an edit of a merged residual, and the alpha-beta map against one cell at a time.

Embedded lab, two threads. A move of alpha or beta after a merge is timed beside the same move on a single
checkpoint; the map of 11 x 11 cells over 8 tasks x 100 validation images beside 121 separate evaluations,
some of which are measured, cells of every alpha among them. Run with ``python -m benchmarks merge_grid``.
"""

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import torch

from benchmarks.evaluate_edit import ASSETS, THREADS, seconds_of
from evaluators import EditSpec, LabError, Studio
from evaluators.experiments.grid import run_grid
from evaluators.experiments.merge_search import MergeConfig, MergeSearch
from evaluators.experiments.sweeps import run_sweep
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import MergeSpec

EDITS = 200
IMAGES = 100
PART = 3
"""Every so many cells are measured one at a time; no divisor of 11, so every alpha is among them."""


def edit(studio: Studio, keys: Sequence[str]) -> None:
    """Print what a move costs before any image is looked at."""
    encoder = studio.lab.encoder
    betas = (number / 10_000 for number in itertools.count(1))

    def moves(spec: Callable[[float], EditSpec]) -> Iterator[float]:
        for _ in range(EDITS):
            resolved = studio.lab.resolve(spec(next(betas)))
            yield seconds_of(lambda m=resolved: encoder.write_edit(m.residual, m.scales))  # type: ignore[misc]

    merge = MergeSpec(tuple(keys), "ties")
    made = seconds_of(lambda: encoder.residual(merge))
    print(f"  TIES of {len(keys)} checkpoints, once                  {1000 * made:8.1f} ms")
    single: list[float] = []
    merged: list[float] = []
    for _ in range(5):  # in turn, so that what else the machine does falls on both
        single += moves(lambda beta: EditSpec(checkpoint=keys[0], alpha=0.2, beta=beta))
        merged += moves(lambda beta: EditSpec.merged(merge, 0.2, beta))
    one, other = statistics.median(single), statistics.median(merged)
    print(f"  edit of one checkpoint                        {1000 * one:8.3f} ms")
    print(f"  edit of the merge                             {1000 * other:8.3f} ms")
    print(f"  merge / one checkpoint                        {other / one:8.2f}      target <= 1.10")


def heat_map(studio: Studio, keys: Sequence[str]) -> None:
    """Print the map's time against separate evaluations, and whether the counts are the same."""
    heat = MergeSearch(MergeConfig(tuple(keys)), 0.125, heat_images=IMAGES).heat
    cells = [spec for specs in heat.candidates.values() for spec in specs]
    some = cells[::PART]
    list(run_grid(studio, cells[:1]))  # whatever is read once
    studio.evaluate(cells[0], fresh=True)
    began = time.perf_counter()
    together: dict[EditSpec, Evaluation] = dict(run_grid(studio, cells, fresh=True))
    whole = time.perf_counter() - began
    began = time.perf_counter()
    one_by_one = dict(run_sweep(studio, some, fresh=True))
    separate = (time.perf_counter() - began) * len(cells) / len(some)
    differ = sum(together[spec].tasks != found.tasks for spec, found in one_by_one.items())
    print(f"  map of {len(cells)} cells                              {whole:8.1f} s")
    print(f"  one at a time (from {len(some)} of them)               {separate:8.1f} s")
    print(f"  one at a time / map                           {separate / whole:8.2f}      target >= 1.30")
    print(f"  cells with other counts                       {differ:8}      of {len(some)}")


def main() -> int:
    """Print both tables; 1 if the lab is absent."""
    torch.set_num_threads(THREADS)
    try:
        studio = Studio(ASSETS, None)
    except LabError as error:
        print(f"not run: {error}")
        return 1
    keys = [one.key for one in studio.checkpoints() if one.suite == "tasks"]
    edit(studio, keys)
    heat_map(studio, keys)
    return 0


if __name__ == "__main__":
    sys.exit(main())
