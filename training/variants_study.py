"""Tables 10 and 11 of the paper in small: variants of fine-tuning, with and without LiNeS."""

import json
from collections.abc import Iterator
from pathlib import Path

from evaluators import EditSpec, Studio
from evaluators.experiments.finetuning_variants import (
    VariantResult,
    VariantSpecs,
    compared_variants,
    variant_result,
)
from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.sweeps import save_precomputed
from evaluators.labs.embedded_lab import TUNED
from evaluators.labs.variant import Variant
from training.default_sweeps import LIVE_IMAGES
from training.study import Study
from training.world.catalogue import TASKS

FILE = "variants.json.gz"


def tuned_specs(study: Study, variant: Variant) -> tuple[VariantSpecs, dict[str, float]]:
    """A variant over the eight tasks, each gamma by C.1 on 200 validation images per task; and the gammas."""
    gammas = {}
    for task in TASKS:
        search = GammaSearch(f"{variant.key}.{task}" if variant.key else task, images=LIVE_IMAGES)
        study.measure(search.specs("val"))
        choice = search.choice(study)
        assert choice is not None
        gammas[search.checkpoint] = choice.gamma
    return VariantSpecs.of(variant, gammas), gammas


def measured_result(study: Study, specs: VariantSpecs) -> VariantResult:
    """The mean accuracies of a variant. Raises: KeyError if nothing can measure them."""
    study.measure(specs.all)
    result = variant_result(specs, study)
    assert result is not None
    return result


def measure_variants(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``report/variants.json.gz``, the gammas that the page uses, and the sweep that it opens with."""
    studio = Studio(assets, cache)
    study = Study(assets / "report" / FILE, studio)
    chosen: dict[str, float] = {}
    shown: list[EditSpec] = []
    for variant in compared_variants(studio):
        specs, gammas = tuned_specs(study, variant)
        result = measured_result(study, specs)
        chosen |= gammas
        shown += specs.all
        yield (
            f"{variant.title}: {result.target.mean:.4f} / {result.control.mean:.4f}, with LiNeS "
            f"{result.lines_target.mean:.4f} / {result.lines_control.mean:.4f}"
        )
    study.save()
    path = assets / "tiny_clip" / "compared" / TUNED
    path.write_text(json.dumps(chosen, indent=1) + "\n", encoding="utf-8")
    save_precomputed(studio, assets / "sweeps" / "variants.json", study.measure(shown))
