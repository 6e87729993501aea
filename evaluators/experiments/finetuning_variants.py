"""Ways of fine-tuning side by side: what each learns and forgets, and what LiNeS makes of it (C.8, C.9)."""

from collections.abc import Mapping
from dataclasses import dataclass

from evaluators.labs.lab import Way
from evaluators.service.studio import Studio
from evaluators.specs.checkpoint_means import Estimate, mean_control, mean_target
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation

RATES, LORA = "rates", "lora"
USUAL = Way("", "usual", "Fine-tuned", "Every layer learns at the same rate.")


@dataclass(frozen=True)
class WaySpecs:
    """The checkpoints of one way, as they are and after LiNeS.

    Args:
        plain: the fine-tuned models, one a task.
        lines: the same with the gamma that C.1 chose on validation.
    """

    way: Way
    plain: tuple[EditSpec, ...]
    lines: tuple[EditSpec, ...]


@dataclass(frozen=True)
class WayPoint:
    """Where a way stands, as means over its checkpoints."""

    way: Way
    target: Estimate
    control: Estimate
    lines_target: Estimate
    lines_control: Estimate


def way_specs(studio: Studio) -> tuple[WaySpecs, ...]:
    """Every way of the embedded lab that is not a soup, the usual one first; all test pictures."""
    gammas = studio.lab.tuned_gammas()
    ways = (USUAL, *(way for way in studio.ways() if way.kind in (RATES, LORA)))
    found = []
    for way in ways:
        own = studio.checkpoints() if way is USUAL else studio.compared()
        keys = [one.key for one in own if one.key.rpartition(".")[0] == way.key and one.key in gammas]
        if keys:
            found.append(
                WaySpecs(
                    way,
                    tuple(EditSpec.finetuned(key, images=0) for key in keys),
                    tuple(EditSpec.lines(key, gammas[key], images=0) for key in keys),
                )
            )
    return tuple(found)


def way_point(specs: WaySpecs, found: Mapping[EditSpec, Evaluation]) -> WayPoint | None:
    """The means of one way; None until all its models are measured."""
    if not all(spec in found for spec in (*specs.plain, *specs.lines)):
        return None
    plain, lines = ([found[spec] for spec in group] for group in (specs.plain, specs.lines))
    return WayPoint(
        specs.way, mean_target(plain), mean_control(plain), mean_target(lines), mean_control(lines)
    )
