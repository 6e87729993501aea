"""Fig. 5 of the paper on the lab's tasks: AdaMerging and aTLAS against LiNeS, accuracy and cost."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from evaluators import EditSpec, Studio
from evaluators.experiments.coefficient_learning import LEARNERS, LearningState
from evaluators.experiments.learned_merge import MergeCost, ShippedLearning, read_shipped, save_shipped
from evaluators.experiments.learning_run import CoefficientRun, LearningRequest
from evaluators.experiments.merge_search import MergeConfig
from evaluators.experiments.merge_starts import PAPER_BETA, PAPER_SCALE
from evaluators.experiments.sweeps import ALL_IMAGES, run_sweep, save_precomputed
from lines_core.atomic_write import atomic_write
from lines_core.merging import METHODS
from training.merging_study import merge_configs

SWEEP = "merge-learned.json"
KEPT_EVERY = 10
"""Steps after which a run is kept, to go on from."""
RUNS = (
    *((learner, "val", 0) for learner in LEARNERS),
    ("adamerging", "test", 0),  # the paper's setting: the unlabelled images are those it is scored on
    *((learner, "val", seed) for seed in (1, 2) for learner in LEARNERS),
    *(("adamerging", "test", seed) for seed in (1, 2)),
)
"""Learner, split of its images, and seed, the most telling ones first."""


def reference_specs(studio: Studio, config: MergeConfig) -> tuple[EditSpec, ...]:
    """Zero-shot, the plain sum and LiNeS, on all test images; validation chooses the paper's coefficients."""
    alpha = round(studio.merging_alpha(config.model, config.merges[0]).alpha, 9)
    return (
        *config.zero_shot(images=ALL_IMAGES),
        *config.specs(PAPER_SCALE, images=ALL_IMAGES),
        *config.specs(alpha, PAPER_BETA, images=ALL_IMAGES),
    )


def search_cost(run: CoefficientRun) -> MergeCost:
    """What the search of one coefficient on all validation images costs: forward passes of each candidate."""
    began = time.process_time()
    images = 0
    for scale in METHODS["sum"].grid:
        *_, results = run.count(torch.full(run.merge.shape, scale), "val")
        images += sum(task.n for task in results)
    labels = images // len(METHODS["sum"].grid)
    return MergeCost(round(time.process_time() - began, 1), labels, images)


def _keep(run: CoefficientRun, seconds: float, path: Path) -> None:
    """Write how far a run is."""
    assert run.state is not None
    kept = {"state": vars(run.state), "losses": run.losses, "seconds": seconds}
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, lambda partial: torch.save(kept, partial))


def _resume(run: CoefficientRun, path: Path) -> float:
    """Let a run go on from where it was; returns the seconds that it has taken."""
    if not path.exists():
        return 0.0
    kept = torch.load(path, weights_only=True)
    run.state, run.losses = LearningState(**kept["state"]), kept["losses"]
    return float(kept["seconds"])


def measure_learning(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``report/learned.json``, and the sweep that the page "Learned" opens with.

    Seconds are those of one core, whatever else the machine does.
    """
    torch.set_num_threads(1)
    studio = Studio(assets, cache)
    config = merge_configs(studio)["sum"]
    evaluations = dict(run_sweep(studio, reference_specs(studio, config)))
    save_precomputed(studio, assets / "sweeps" / SWEEP, list(evaluations.values()))
    shipped = read_shipped(assets)
    for learner, split, seed in RUNS:
        found = [run for run in shipped.of(learner, split) if run.seed == seed]
        if any(run.steps == LEARNERS[learner].steps for run in found):
            continue
        request = LearningRequest(config.checkpoints, learner, config.model, split, seed=seed)
        run = CoefficientRun(studio.lab, request, lambda: None)
        if not shipped.searches:
            cost = search_cost(run)
            yield f"one coefficient searched on validation: {cost}"
            shipped = ShippedLearning((), {"plain": cost, "lines": cost})
            save_shipped(assets, shipped)
        began, seconds = time.process_time(), 0.0
        part = cache / f"learned-{learner}-{split}-{seed}.pt"
        before = _resume(run, part)
        for merge in run.steps():
            seconds = seconds if merge.tasks else before + time.process_time() - began
            if not merge.tasks and merge.steps % KEPT_EVERY == 0:
                _keep(run, seconds, part)
            if not merge.tasks and merge.steps % 50 == 0:
                last = f"loss {merge.losses[-1]}" if merge.losses else "start"
                yield f"{learner} on {split}, seed {seed}: step {merge.steps}, {last}, {merge.cost}"
        merge = replace(merge, cost=replace(merge.cost, seconds=round(seconds, 1)))
        shipped = replace(shipped, runs=(*(run for run in shipped.runs if run not in found), merge))
        save_shipped(assets, shipped)
        low, high = merge.score.interval
        yield f"{learner} on {split}, seed {seed}: {merge.score.mean:.4f} ({low:.4f} to {high:.4f})"
