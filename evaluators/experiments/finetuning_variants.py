"""Variants of fine-tuning (learning rates by depth, LoRA) compared with and without LiNeS (C.8, C.9)."""

from collections.abc import Mapping
from dataclasses import dataclass

from evaluators.experiments.sweeps import ALL_IMAGES, Found
from evaluators.labs.variant import Variant
from evaluators.service.studio import Studio
from evaluators.specs.checkpoint_means import Estimate, mean_control, mean_target
from evaluators.specs.edit_spec import EditSpec

RATES, LORA = "rates", "lora"
USUAL = Variant("", "usual", "Fine-tuned", "Every layer learns at the same rate.")


@dataclass(frozen=True)
class VariantSpecs:
    """The checkpoints of one variant on all test images.

    Args:
        plain: the fine-tuned models, one a task.
        lines: the same under LiNeS.
    """

    variant: Variant
    plain: tuple[EditSpec, ...]
    lines: tuple[EditSpec, ...]

    @classmethod
    def of(cls, variant: Variant, gammas: Mapping[str, float]) -> "VariantSpecs":
        """The specs of some checkpoints, by key, each with the gamma that C.1 chose on validation."""
        return cls(
            variant,
            tuple(EditSpec.finetuned(key, images=ALL_IMAGES) for key in gammas),
            tuple(EditSpec.lines(key, gamma, images=ALL_IMAGES) for key, gamma in gammas.items()),
        )

    @property
    def all(self) -> tuple[EditSpec, ...]:
        """Both groups."""
        return (*self.plain, *self.lines)


@dataclass(frozen=True)
class VariantResult:
    """Mean accuracies over the checkpoints of a variant, without LiNeS and with it."""

    variant: Variant
    target: Estimate
    control: Estimate
    lines_target: Estimate
    lines_control: Estimate


def compared_variants(studio: Studio) -> tuple[Variant, ...]:
    """The usual fine-tuning, then every variant of the embedded lab that is no soup member."""
    return (USUAL, *(variant for variant in studio.variants() if variant.kind in (RATES, LORA)))


def variant_specs(studio: Studio) -> tuple[VariantSpecs, ...]:
    """The compared variants that have checkpoints with a tuned gamma."""
    gammas = studio.lab.tuned_gammas()
    keys = [checkpoint.key for checkpoint in (*studio.checkpoints(), *studio.compared())]
    specs = (
        VariantSpecs.of(
            variant,
            {key: gammas[key] for key in keys if key in gammas and key.rpartition(".")[0] == variant.key},
        )
        for variant in compared_variants(studio)
    )
    return tuple(group for group in specs if group.plain)


def zero_shot_specs(variants: tuple[VariantSpecs, ...]) -> tuple[EditSpec, ...]:
    """The pre-trained model beside each checkpoint of the usual fine-tuning."""
    usual = variants[0].plain if variants else ()
    return tuple(EditSpec.pretrained(spec.checkpoint, images=ALL_IMAGES) for spec in usual)


def variant_result(specs: VariantSpecs, found: Found) -> VariantResult | None:
    """The means of one variant; None until all its models are measured."""
    if not all(spec in found for spec in specs.all):
        return None
    plain, lines = ([found[spec] for spec in group] for group in (specs.plain, specs.lines))
    return VariantResult(
        specs.variant, mean_target(plain), mean_control(plain), mean_target(lines), mean_control(lines)
    )
