"""Canonical form of an ``EditSpec``, and key of its cached result: the weights and images it resolves to."""

from dataclasses import dataclass
from typing import Any

from evaluators.specs.edit_spec import Scales
from evaluators.specs.merge_spec import MergeSpec

ResidualSpec = str | MergeSpec
"""Names a residual: the key of a checkpoint (empty for none), or a merge."""


def checkpoints_of(residual: ResidualSpec) -> tuple[str, ...]:
    """Keys of the checkpoints that a residual is made of."""
    if isinstance(residual, MergeSpec):
        return residual.checkpoints
    return (residual,) if residual else ()


@dataclass(frozen=True)
class ResolvedSpec:
    """The weights and images of a spec; specs that give the same ones resolve to equal values.

    For example gamma = 1, mix = 1 and "fine-tuned" resolve equally, and so does mix = 0 of all checkpoints.

    Args:
        model: key of the encoder.
        residual: a checkpoint or a merge; empty if all scales are 0.
        scales: of the residual.
        suite, split: of the tasks and images.
        images: images per task, never 0.
    """

    model: str
    residual: ResidualSpec
    scales: Scales
    suite: str
    split: str
    images: int

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; the residual's name dates from before merges, and is part of stored keys."""
        residual = self.residual.as_dict() if isinstance(self.residual, MergeSpec) else self.residual
        return {
            "model": self.model,
            "checkpoint": residual,
            "scales": list(self.scales),
            "suite": self.suite,
            "split": self.split,
            "images": self.images,
        }
