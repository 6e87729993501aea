"""The sweeps that the pages show first, measured through the studio and shipped in ``assets/sweeps``."""

from collections.abc import Iterator
from pathlib import Path

from evaluators import EditSpec, Studio
from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.sweeps import (
    ALL_IMAGES,
    gamma_sweep,
    robust_sweep,
    run_sweep,
    save_precomputed,
    wise_ft_sweep,
)
from evaluators.labs.lab import CheckpointInfo

LIVE_IMAGES = 200


def default_specs(checkpoint: CheckpointInfo, images: int) -> tuple[EditSpec, ...]:
    """What the pages show of a checkpoint without measuring anything.

    The gamma sweep on validation chooses gamma; on test, the gamma sweep of shallow and of deep shrinking
    and the WiSE-FT line; for the objects, whose shifted sets are test sets only, LiNeS + WiSE-FT.
    """
    key, search = checkpoint.key, GammaSearch(checkpoint.key, images=images)
    tested = (*search.specs("test"), *wise_ft_sweep(key, "test", images))
    if checkpoint.suite == "objects":
        return (*tested, *robust_sweep(key, "test", images))
    return (*tested, *gamma_sweep(key, "test", "reverse", images), *search.specs("val"))


def measure_sweeps(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``sweeps/<checkpoint>.json`` for every checkpoint; what ``cache`` knows is not measured again."""
    studio = Studio(assets, cache)
    for checkpoint in studio.checkpoints():
        specs = (*default_specs(checkpoint, LIVE_IMAGES), *default_specs(checkpoint, ALL_IMAGES))
        measured = [evaluation for _, evaluation in run_sweep(studio, dict.fromkeys(specs))]
        save_precomputed(studio, assets / "sweeps" / f"{checkpoint.key}.json", measured)
        yield f"{checkpoint.key}: {len(measured)} evaluations"
