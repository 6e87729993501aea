"""Why TIES is below task arithmetic in the lab: how much trimming costs, and what it throws away."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluators import Studio
from evaluators.experiments.merge_search import CandidateGrid, Coefficients, MergeConfig, MergeSearch
from evaluators.experiments.reviewer_questions import ReviewerQuestion
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.specs.image_hits import TaskHits, change, plain_hits, read_hits
from lines_core.atomic_write import atomic_write
from training.alpha_study import chosen
from training.merging_study import merge_configs
from training.report_change import accuracy_cell, change_cell, change_words

FILE = "trimming.json"
DENSITIES = (0.1, 0.2, 0.5, 1.0)
"""Kept fractions of each task vector; 0.2 is the paper's, 1 trims nothing."""
USUAL, WHOLE = 0.2, 1.0
NORMAL = 0.65
"""Share of the squared norm in the largest fifth of normally distributed entries."""
SCALES = tuple(step / 5 for step in range(1, 8))


@dataclass(frozen=True)
class Trimmed:
    """One density.

    Args:
        scale: lambda, chosen on validation.
        kept: share of the squared norm of a task vector that its largest entries hold, mean over tasks.
        hits: on test.
    """

    scale: float
    kept: float
    hits: TaskHits


def kept_share(studio: Studio, checkpoint: str, density: float) -> float:
    """Share of the squared norm of a task vector in its largest entries."""
    squares = studio.lab.encoder.residual(checkpoint).square().sort(descending=True).values.double()
    return float(squares[: round(density * len(squares))].sum() / squares.sum())


def measure_trimming(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``report/trimming.json``: TIES by density, and task arithmetic beside it."""
    studio = Studio(assets, cache)
    configs = merge_configs(studio)
    (scale, _), hits = chosen(MergeSearch(configs["sum"], 0.125, "linear", ALL_IMAGES).plain, studio)
    plain = {"sum": {"scale": scale, "kept": 1.0, "hits": plain_hits(hits)}}
    for density in DENSITIES:
        config = MergeConfig(configs["ties"].checkpoints, "ties", (("density", density),))
        coefficients: tuple[Coefficients, ...] = tuple((scale, 0.0) for scale in SCALES)
        grid = CandidateGrid(config, coefficients, "linear", ALL_IMAGES, ALL_IMAGES)
        (scale, _), hits = chosen(grid, studio)
        kept = [kept_share(studio, key, density) for key in config.checkpoints]
        plain[f"{density:g}"] = {"scale": scale, "kept": sum(kept) / len(kept), "hits": plain_hits(hits)}
        yield f"density {density:g}: lambda {scale:g}, {100 * sum(kept) / len(kept):.0f} % of the norm kept"
    studio.close()
    text = json.dumps(plain, separators=(",", ":")) + "\n"
    atomic_write(assets / "report" / FILE, lambda part: part.write_text(text, encoding="utf-8"))


def read_trimming(path: Path) -> dict[str, Trimmed]:
    """What ``measure_trimming`` wrote: by density, and task arithmetic as ``sum``."""
    plain = json.loads(path.read_text(encoding="utf-8"))
    return {
        key: Trimmed(entry["scale"], entry["kept"], read_hits(entry["hits"])) for key, entry in plain.items()
    }


def trimming_question(found: dict[str, Trimmed]) -> ReviewerQuestion:
    """Whether trimming is what puts TIES below task arithmetic."""
    arithmetic, usual, whole = found["sum"], found[f"{USUAL:g}"], found[f"{WHOLE:g}"]
    trimming = change(whole.hits, usual.hits)
    rest = change(arithmetic.hits, whole.hits)
    rows = [
        (
            "task arithmetic" if key == "sum" else f"TIES, keeps {100 * float(key):g} % of the entries",
            f"{trimmed.scale:g}",
            f"{100 * trimmed.kept:.0f}",
            accuracy_cell(trimmed.hits),
            "" if key == "sum" else change_cell(change(arithmetic.hits, trimmed.hits)),
        )
        for key, trimmed in found.items()
    ]
    spread = f"{100 * NORMAL:.0f} % if they were normally distributed"
    return ReviewerQuestion(
        question="Why is TIES below task arithmetic here, and not in the paper?",
        answer=f"Trimming to {100 * USUAL:g} % of the entries, which hold {100 * usual.kept:.0f} % of the "
        f"squared norm ({spread}), against TIES without trimming: {change_words(trimming)}. Electing signs "
        f"alone, against task arithmetic: {change_words(rest)}.",
        how="Eight tasks merged without LiNeS, λ chosen on validation, accuracy on all test images; "
        "differences to task arithmetic in points, image by image, with 95 % intervals.",
        header=("merge", "λ", "squared norm kept (%)", "test (%)", "− task arithmetic"),
        rows=tuple(rows),
    )
