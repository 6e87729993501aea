"""Tables 10 and 11 of the paper in small: ways of fine-tuning that forget less, with and without LiNeS."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluators import EditSpec, Studio
from evaluators.experiments.sweeps import GAMMAS, gamma_sweep, save_precomputed
from evaluators.labs.embedded_lab import TUNED
from evaluators.specs.checkpoint_means import Estimate, mean_control, mean_target
from evaluators.specs.gamma_choice import choose_gamma
from training.default_sweeps import ALL_IMAGES, LIVE_IMAGES, anchors
from training.study import Study
from training.world.catalogue import TASKS

FILE = "variants.json"
USUAL = ""


@dataclass(frozen=True)
class WayFinding:
    """One way of fine-tuning over the eight tasks, on test; each gamma by C.1 on validation."""

    key: str
    gammas: tuple[float, ...]
    target: Estimate
    control: Estimate
    lines_target: Estimate
    lines_control: Estimate


def checkpoint_of(variant: str, task: str) -> str:
    """Key of a way's checkpoint; the usual fine-tuning has the task's own."""
    return f"{variant}.{task}" if variant else task


def tuned_gamma(study: Study, checkpoint: str) -> float:
    """Gamma by C.1 on 200 validation images a task."""
    before, after = study(anchors(checkpoint, "val", LIVE_IMAGES))
    points = study(gamma_sweep(checkpoint, "val", images=LIVE_IMAGES))
    return choose_gamma(list(zip(GAMMAS, points, strict=True)), before, after).gamma


def way_finding(study: Study, variant: str) -> WayFinding:
    """Measure one way. Raises: KeyError if it has not been measured and nothing can."""
    keys = [checkpoint_of(variant, task) for task in TASKS]
    gammas = tuple(tuned_gamma(study, key) for key in keys)
    plain = study([EditSpec.finetuned(key, images=ALL_IMAGES) for key in keys])
    lines = study([_lines(key, gamma) for key, gamma in zip(keys, gammas, strict=True)])
    return WayFinding(
        variant, gammas, mean_target(plain), mean_control(plain), mean_target(lines), mean_control(lines)
    )


def _lines(checkpoint: str, gamma: float) -> EditSpec:
    return EditSpec.lines(checkpoint, gamma, images=ALL_IMAGES)


def way_keys(studio_ways: Sequence[str]) -> tuple[str, ...]:
    """The usual way first, then the others."""
    return (USUAL, *studio_ways)


def measure_ways(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``report/variants.json``, the gammas that the page uses, and what its tab opens with."""
    studio = Studio(assets, cache)
    study = Study(assets / "report" / FILE, studio)
    chosen: dict[str, float] = {}
    shown = []
    for variant in way_keys([one.key for one in studio.variants() if one.kind != "soup"]):
        found = way_finding(study, variant)
        keys = [checkpoint_of(variant, task) for task in TASKS]
        chosen |= dict(zip(keys, found.gammas, strict=True))
        shown += [
            spec
            for key in keys
            for spec in (EditSpec.finetuned(key, images=ALL_IMAGES), _lines(key, chosen[key]))
        ]
        yield (
            f"{variant or 'fine-tuned'}: {found.target.mean:.4f} / {found.control.mean:.4f}, with LiNeS "
            f"{found.lines_target.mean:.4f} / {found.lines_control.mean:.4f}"
        )
    study.save()
    path = assets / "tiny_clip" / "compared" / TUNED
    path.write_text(json.dumps(chosen, indent=1) + "\n", encoding="utf-8")
    save_precomputed(studio, assets / "sweeps" / "variants.json", study(shown))
