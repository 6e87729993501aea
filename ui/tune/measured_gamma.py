"""The choice of gamma by C.1, from the validation sweep of a checkpoint."""

from __future__ import annotations

from evaluators.experiments.sweeps import gamma_sweep, run_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.gamma_choice import TARGET_WEIGHT, Choice, choose_gamma
from ui.explore.references import anchors, known, on


def sweep_specs(model: str, checkpoint: str, split: str) -> tuple[EditSpec, ...]:
    """The anchors and gamma = 1.0, 0.9 .. 0.0 of a checkpoint on one split: what C.1 needs on "val"."""
    gammas = on(model, gamma_sweep(checkpoint, split=split))
    return (*anchors(gammas[0]), *gammas)


def choice(evaluations: tuple[Evaluation, ...], weight: float = TARGET_WEIGHT) -> Choice:
    """C.1 over the evaluations of `sweep_specs(..., "val")`, in that order."""
    pretrained, finetuned, *points = evaluations
    return choose_gamma([(point.spec.alpha, point) for point in points], pretrained, finetuned, weight)


def known_gamma(studio: Studio, model: str, checkpoint: str) -> float | None:
    """The gamma that C.1 chooses, or None while the validation sweep is not complete. Measures nothing.

    Raises: SpecError if a control task has no validation images.
    """
    specs = sweep_specs(model, checkpoint, "val")
    found = known(studio, specs)
    return choice(found).gamma if len(found) == len(specs) else None


def measured_gamma(studio: Studio, model: str, checkpoint: str, visitor: str | None = None) -> float:
    """The gamma that C.1 chooses; what is missing of the validation sweep is measured first.

    Raises: SpecError as above; otherwise as `run_sweep`.
    """
    specs = sweep_specs(model, checkpoint, "val")
    return choice(tuple(found for _, found in run_sweep(studio, specs, visitor))).gamma
