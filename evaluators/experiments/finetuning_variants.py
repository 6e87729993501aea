"""Ways of fine-tuning side by side: what each learns and forgets, and what LiNeS makes of it (C.8, C.9)."""

from collections.abc import Mapping
from dataclasses import dataclass

from evaluators.labs.lab import Variant
from evaluators.service.studio import Studio
from evaluators.specs.checkpoint_means import Estimate, mean_control, mean_target
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation

RATES, LORA = "rates", "lora"
USUAL = Variant("", "usual", "Fine-tuned", "Every layer learns at the same rate.")


@dataclass(frozen=True)
class VariantSpecs:
    """The checkpoints of one way, as they are and after LiNeS.

    Args:
        plain: the fine-tuned models, one a task.
        lines: the same with the gamma that C.1 chose on validation.
    """

    variant: Variant
    plain: tuple[EditSpec, ...]
    lines: tuple[EditSpec, ...]


@dataclass(frozen=True)
class VariantResult:
    """Where a way stands, as means over its checkpoints."""

    variant: Variant
    target: Estimate
    control: Estimate
    lines_target: Estimate
    lines_control: Estimate


def variant_specs(studio: Studio) -> tuple[VariantSpecs, ...]:
    """Every way of the embedded lab that is not a soup, the usual one first; all test images."""
    gammas = studio.lab.tuned_gammas()
    variants = (USUAL, *(variant for variant in studio.variants() if variant.kind in (RATES, LORA)))
    found = []
    for variant in variants:
        own = studio.checkpoints() if variant is USUAL else studio.compared()
        keys = [one.key for one in own if one.key.rpartition(".")[0] == variant.key and one.key in gammas]
        if keys:
            found.append(
                VariantSpecs(
                    variant,
                    tuple(EditSpec.finetuned(key, images=0) for key in keys),
                    tuple(EditSpec.lines(key, gammas[key], images=0) for key in keys),
                )
            )
    return tuple(found)


def variant_result(specs: VariantSpecs, found: Mapping[EditSpec, Evaluation]) -> VariantResult | None:
    """The means of one way; None until all its models are measured."""
    if not all(spec in found for spec in (*specs.plain, *specs.lines)):
        return None
    plain, lines = ([found[spec] for spec in group] for group in (specs.plain, specs.lines))
    return VariantResult(
        specs.variant, mean_target(plain), mean_control(plain), mean_target(lines), mean_control(lines)
    )
