"""Reference models that an edit is compared with, as far as they are in the result cache."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from evaluators.experiments.sweeps import GAMMAS, gamma_sweep, wise_ft_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation

WHOLE_SWEEP = len(GAMMAS)
"""Points of a complete gamma sweep, and of a complete WiSE-FT line."""


@dataclass(frozen=True)
class References:
    """What stands still while the visitor moves: measured models of the same checkpoint, split and size.

    Args:
        pretrained: nothing of the change, or None while it has not been measured.
        finetuned: all of it, or None.
        gamma_path: LiNeS at the gammas measured so far, gamma = 1 first.
        wise_line: the WiSE-FT mixes measured so far.
    """

    pretrained: Evaluation | None = None
    finetuned: Evaluation | None = None
    gamma_path: tuple[Evaluation, ...] = ()
    wise_line: tuple[Evaluation, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be measured."""
        anchors = self.pretrained and self.finetuned
        return bool(anchors) and len(self.gamma_path) == len(self.wise_line) == WHOLE_SWEEP


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
    gammas, mixes = curves(spec)
    return References(pretrained, finetuned, known(studio, gammas), known(studio, mixes))


def curves(spec: EditSpec) -> tuple[tuple[EditSpec, ...], tuple[EditSpec, ...]]:
    """The points of the gamma path and of the WiSE-FT line beside `spec`."""
    gammas = (beside(spec, other) for other in gamma_sweep(spec.checkpoint, split=spec.split))
    mixes = (beside(spec, other) for other in wise_ft_sweep(spec.checkpoint, split=spec.split))
    return tuple(gammas), tuple(mixes)


def nearly_known(studio: Studio, spec: EditSpec) -> list[EditSpec]:
    """Points of both curves that lack a visitor's own images alone: the built-in tasks are known."""
    gammas, mixes = curves(spec)
    return [point for point in (*gammas, *mixes) if studio.lacks_own_alone(point)]
