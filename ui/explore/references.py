"""Reference models that an edit is compared with, as far as they are in the result cache."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from evaluators.experiments.sweeps import gamma_sweep, wise_ft_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from ui.explore.tradeoff_figure import References


def beside(spec: EditSpec, other: EditSpec) -> EditSpec:
    """`other`, measured with the model, split and images of `spec`."""
    return replace(other, model=spec.model, split=spec.split, images=spec.images)


def known(studio: Studio, specs: Iterable[EditSpec]) -> tuple[Evaluation, ...]:
    """The complete evaluations of those specs that have been measured, in order."""
    return tuple(found for spec in specs if (found := studio.cached(spec)) is not None)


def anchors(spec: EditSpec) -> tuple[EditSpec, EditSpec]:
    """The pre-trained and the fine-tuned model beside `spec`."""
    return (
        beside(spec, EditSpec.pretrained(spec.checkpoint)),
        beside(spec, EditSpec.finetuned(spec.checkpoint)),
    )


def missing_anchors(studio: Studio, spec: EditSpec) -> list[EditSpec]:
    """Those of the two anchors that still have to be measured."""
    return [anchor for anchor in anchors(spec) if studio.cached(anchor) is None]


def references_of(studio: Studio, spec: EditSpec) -> References:
    """Anchors, gamma path and WiSE-FT line beside `spec`, as far as they are in the cache. Measures
    nothing."""
    pretrained, finetuned = (studio.cached(anchor) for anchor in anchors(spec))
    gammas = (beside(spec, other) for other in gamma_sweep(spec.checkpoint, split=spec.split))
    mixes = (beside(spec, other) for other in wise_ft_sweep(spec.checkpoint, split=spec.split))
    return References(pretrained, finetuned, known(studio, gammas), known(studio, mixes))
